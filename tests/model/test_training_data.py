"""Protocols: who trains and who judges, and what is refused before anything is trained."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest, build_frame
from hemo.errors import RunError, SplitOverlapError
from hemo.model.training_config import AS_PUBLISHED, RECOMMENDED
from hemo.model.training_data import assemble, class_weights, preparation_of, split_by_protocol
from tests.training_material import tiny_config, write_tiny_phantom


def manifest(splits: list[str] | None = None, groups: int = 10, slices: int = 8) -> Manifest:
    rows = [
        {
            "path": f"{group}/{number}.png",
            "label": int(group % 2 == 0),
            "group": f"P{group}",
            "group_kind": "patient",
            "slice": str(number),
            "split": "",
        }
        for group in range(groups)
        for number in range(slices)
    ]
    frame = build_frame(rows)
    if splits is not None:
        frame["split"] = splits
    return Manifest(frame=frame, root=Path("/nowhere"), name="made up")


def test_grouped_keeps_patients_apart_and_published_does_not() -> None:
    grouped = split_by_protocol(manifest(), RECOMMENDED.replace(batch=8)).frame
    assert grouped.groupby("group")["split"].nunique().max() == 1
    published = split_by_protocol(manifest(), AS_PUBLISHED.replace(batch=8)).frame
    assert published.groupby("group")["split"].nunique().max() == 2
    assert (published["split"] == "validation").sum() == 12  # 15 % of 80


def test_folds_hold_every_patient_out_once_and_choose_the_epoch_on_others() -> None:
    held: list[str] = []
    for fold in range(3):
        frame = split_by_protocol(manifest(), RECOMMENDED.replace(batch=8, folds=3, fold=fold, validation=0.3)).frame
        assert frame.groupby("group")["split"].nunique().max() == 1
        assert set(frame["split"]) == {"train", "validation", "test"}
        held += list(frame.loc[frame["split"] == "test", "group"].unique())
    assert sorted(held) == sorted(f"P{group}" for group in range(10))


def test_folds_replace_the_split_that_the_set_came_with_and_remember_it() -> None:
    given = ["train" if group < 8 else "validation" for group in range(10) for _ in range(8)]
    frame = split_by_protocol(manifest(given), RECOMMENDED.replace(batch=8, folds=2, fold=1, validation=0.3)).frame
    assert frame.loc[frame["split"] == "test", "group"].nunique() in (4, 5, 6)
    assert list(frame["source_split"]) == given


def test_a_fold_without_one_class_is_refused_with_a_way_out() -> None:
    # Four patients bleed: one of five folds has no bleed.
    few = manifest()
    few.frame["label"] = few.frame["group"].isin(["P0", "P2", "P4", "P6"]).astype(int)
    with pytest.raises(RunError, match=r"each of 5 folds; fewer folds .* no Hemorrhage among \d+ slices of fold"):
        for fold in range(5):
            split_by_protocol(few, RECOMMENDED.replace(batch=8, folds=5, fold=fold, validation=0.4))


def test_a_split_that_shares_patients_is_refused_by_name() -> None:
    shared = manifest(["train"] * 71 + ["validation"] * 9)
    with pytest.raises(SplitOverlapError, match="P8 in train and validation"):
        split_by_protocol(shared, RECOMMENDED)


def test_a_class_missing_from_a_part_is_refused_with_a_way_out() -> None:
    split = ["train" if group != 1 else "validation" for group in range(10) for _ in range(8)]
    with pytest.raises(RunError) as raised:
        split_by_protocol(manifest(split), RECOMMENDED)
    assert "both classes in the validation part; another seed" in str(raised.value)
    assert str(raised.value).endswith("Received: no Hemorrhage among 8 slices")


def test_a_batch_larger_than_the_training_part_is_refused_with_a_smaller_one() -> None:
    with pytest.raises(RunError, match=r"a batch of at most \d+, the number of training slices; try 8. Received: 500"):
        split_by_protocol(manifest(), RECOMMENDED.replace(batch=500))


def test_shares_that_leave_nothing_to_train_on_are_refused() -> None:
    with pytest.raises(RunError, match="something left to train on"):
        split_by_protocol(manifest(), RECOMMENDED.replace(validation=0.6, test=0.4))


def test_an_unknown_architecture_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RunError, match=r"among seed_cnn, compact.*Received: 'vgg'"):
        preparation_of(RECOMMENDED.replace(architecture="vgg"))


def test_class_weights_balance_the_classes() -> None:
    labels = np.array([0] * 30 + [1] * 10)
    weights = class_weights(labels)
    assert weights[0] * 30 == pytest.approx(weights[1] * 10) == pytest.approx(20)


def test_an_unreadable_slice_is_left_out_and_noted(tmp_path: Path) -> None:
    data = write_tiny_phantom(tmp_path / "phantom")
    config = tiny_config(data)
    split = split_by_protocol(import_dataset(data), config)
    spoiled = split.file(int(np.flatnonzero(split.frame["split"] == "train")[0]))
    spoiled.write_bytes(b"no picture")
    assembled = assemble(split, config, tmp_path / "cache")
    assert len(assembled.images) == len(assembled.manifest) == len(split) - 1
    assert assembled.images.shape[1:] == (32, 32)
    assert any(problem.path.endswith(spoiled.name) for problem in assembled.manifest.problems)
    assert isinstance(assembled.manifest.frame, pd.DataFrame)
