"""Splits: groups stay whole, offenders are named, the published split is by slice."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest, build_frame
from hemo.data.split import check_no_overlap, folds, split_grouped, split_random
from hemo.errors import DatasetError, SplitOverlapError


def make(sizes: list[tuple[int, int]], split: str = "") -> Manifest:
    """Patients of (slices, bleed slices)."""
    rows = [
        {
            "path": f"p{patient:02d}/{number}.png",
            "label": int(number < bleeds),
            "group": f"p{patient:02d}",
            "group_kind": "patient",
            "slice": str(number),
            "split": split,
        }
        for patient, (slices, bleeds) in enumerate(sizes)
        for number in range(slices)
    ]
    return Manifest(build_frame(rows), Path(), "made")


MANY = make([(30, 8 if patient % 2 else 0) for patient in range(40)])

patients = st.lists(
    st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=3, max_size=20
)


@settings(max_examples=60, deadline=None)
@given(sizes=patients, seed=st.integers(0, 1000))
def test_no_group_ever_stands_on_two_sides_and_no_side_is_empty(sizes: list[tuple[int, int]], seed: int) -> None:
    result = split_grouped(make(sizes), seed=seed)
    check_no_overlap(result.frame)
    assert set(result.frame["split"]) == {"train", "validation", "test"}
    numbers = folds(make(sizes), k=3, seed=seed)
    assert set(numbers) == {0, 1, 2}
    assert (pd.concat([result.frame["group"], numbers], axis=1).drop_duplicates().groupby("group").size() == 1).all()


def test_shares_hold_for_slices_bleeds_and_groups() -> None:
    frame = split_grouped(MANY, (0.6, 0.2, 0.2), seed=3).frame
    for part, share in {"train": 0.6, "validation": 0.2, "test": 0.2}.items():
        rows = frame[frame["split"] == part]
        assert len(rows) / len(frame) == pytest.approx(share, abs=0.05)
        assert rows["label"].sum() / frame["label"].sum() == pytest.approx(share, abs=0.05)
        assert rows["group"].nunique() / 40 == pytest.approx(share, abs=0.05)


def test_the_seed_decides_and_nothing_else() -> None:
    first, again, other = (split_grouped(MANY, seed=seed).frame["split"].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_split_that_is_given_is_kept_unless_asked_otherwise() -> None:
    given = MANY.with_split(np.where(MANY.groups < "p20", "train", "validation"))
    assert split_grouped(given).frame["split"].equals(given.frame["split"])
    assert "test" in set(split_grouped(given, keep_given=False).frame["split"])


def test_a_given_split_that_overlaps_is_refused_with_the_offenders() -> None:
    manifest = make([(3, 1), (2, 1), (2, 0)])
    split = ["train", "train", "test", "train", "train", "validation", "validation"]
    with pytest.raises(SplitOverlapError, match=r"patient p00 in train and test\."):
        split_grouped(manifest.with_split(split))


def test_many_offenders_are_counted() -> None:
    manifest = make([(2, 1)] * 12)
    with pytest.raises(SplitOverlapError, match="p07 in train and validation; and 4 more"):
        check_no_overlap(manifest.with_split(["train", "validation"] * 12).frame)


def test_rows_without_a_split_are_not_looked_at() -> None:
    check_no_overlap(make([(2, 1)]).with_split(["train", ""]).frame)


def test_one_patient_only_is_refused_by_name() -> None:
    with pytest.raises(DatasetError, match=r"at least 3 patients for 3 splits. Received: 1 \(p00\)"):
        split_grouped(make([(9, 3)]))
    with pytest.raises(DatasetError, match=r"at least 2 patients for 2 folds. Received: 1 \(p00\)"):
        folds(make([(9, 3)]), k=2)


@pytest.mark.parametrize("fractions", [(0, 0, 0), (-1, 1, 1), {"eval": 1.0}])
def test_shares_that_are_none_are_refused(fractions: object) -> None:
    with pytest.raises(DatasetError, match="Expected shares"):
        split_grouped(MANY, fractions)  # type: ignore[arg-type]


def test_the_published_split_is_by_slice_and_deterministic() -> None:
    result = split_random(MANY, 0.15, seed=5)
    counts = result.frame["split"].value_counts().to_dict()
    assert counts == {"train": 1020, "validation": 180}
    assert result.frame["split"].tolist() == split_random(MANY, 0.15, seed=5).frame["split"].tolist()
    with pytest.raises(SplitOverlapError):
        check_no_overlap(result.frame)


def test_the_published_split_leaves_held_out_slices_out_of_training() -> None:
    given = MANY.with_split(np.where(MANY.groups < "p20", "train", np.where(MANY.groups < "p30", "validation", "test")))
    frame = split_random(given, 0.15).frame
    assert set(frame.loc[frame["group"] >= "p20", "split"]) == {"test"}
    assert frame["source_split"].equals(given.frame["split"])
    assert MANY.frame["split"].eq("").all()


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(DatasetError, match="Expected a validation share"):
        split_random(MANY, share)


def test_the_real_set_splits_with_bleeds_on_every_side(hemo_data: Path) -> None:
    manifest = import_dataset(hemo_data / "ct-ich")
    result = split_grouped(manifest, seed=0)
    check_no_overlap(result.frame)
    bleeding = result.frame[result.frame["label"] == 1].groupby("split")["group"].nunique()
    assert bleeding["train"] >= 24
    assert bleeding["validation"] >= 4
    assert bleeding["test"] >= 4
    spread = manifest.frame["label"].groupby(folds(manifest, 5)).sum()
    assert spread.max() - spread.min() <= 12
