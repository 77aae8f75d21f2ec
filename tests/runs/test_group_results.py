"""What a group's runs say together: each slice once, by its own fold's calibration, with intervals by patient."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemo.evaluate.metrics import auc
from hemo.model.training_config import RECOMMENDED
from hemo.runs.events import EVENTS, EventWriter
from hemo.runs.group import Group, create_group, plan
from hemo.runs.group_results import FIGURES, OUT_OF_FOLD, SUMMARY, cross_validations, summary, write_results
from hemo.runs.run import PREDICTIONS, SPLIT, create_run
from tests.small_bundle import write_small_bundle

PATIENTS = 36


@pytest.fixture
def group(tmp_path: Path) -> Group:
    base, changes = plan(RECOMMENDED.replace(data="/data/set"), folds=3, seeds=2)
    return create_group(tmp_path / "cv", base, changes)


def finish(group: Group, number: int, logits: np.ndarray, fold: int) -> None:
    """A member's folder as a trainer leaves it: of each patient two slices, every third patient held out."""
    member = group.members[number]
    run = create_run(group.run(member).folder, group.config(member), state="finished")
    patient = np.repeat(np.arange(PATIENTS), 2)
    frame = pd.DataFrame({"source": [f"{row:03d}.png" for row in range(len(patient))], "slice": "1"})
    frame["group"] = [f"{number:03d}" for number in patient]
    frame["label"] = patient // 3 % 2
    frame["split"] = np.where(patient % 3 == fold, "test", "train")
    frame.rename(columns={"source": "path"}).to_csv(run.folder / SPLIT, index=False)
    held = frame[frame["split"] == "test"].assign(logit=logits[frame["split"] == "test"], probability=0.5)
    held.iloc[::-1].to_csv(run.folder / PREDICTIONS, index=False)
    write_small_bundle(run.folder / "made").path.rename(run.bundle)
    writer = EventWriter(run.folder / EVENTS)
    writer.write({"event": "epoch", "epoch": 1, "val_auc": 0.75})
    writer.close()


def test_each_slice_stands_once_in_the_data_set_s_order(group: Group) -> None:
    logits = np.random.default_rng(0).normal(size=2 * PATIENTS)
    for fold in range(3):
        finish(group, fold, logits, fold)
    (result,) = cross_validations(group)
    assert result.changes == {"seed": 0}
    assert result.is_whole
    assert list(result.table["source"]) == [f"{row:03d}.png" for row in range(2 * PATIENTS)]
    assert result.table["group"].iloc[0] == "000"
    np.testing.assert_allclose(result.table["logit"], logits)
    np.testing.assert_allclose(result.table["probability"], 1 / (1 + np.exp(-logits)))
    assert result.figures["auc"].value == auc(result.table["label"], logits).value
    assert result.figures["auc"].n_groups == PATIENTS
    assert result.figures["auc"].interval is not None
    mean, spread = result.mean  # type: ignore[misc]
    assert mean == pytest.approx(np.mean(result.fold_auc))
    assert spread == pytest.approx(np.std(result.fold_auc, ddof=1))


def test_a_row_a_run_and_files_that_can_be_read_again(group: Group) -> None:
    logits = np.random.default_rng(1).normal(size=2 * PATIENTS)
    finish(group, 0, logits, 0)
    finish(group, 4, logits, 1)
    results = write_results(group)
    assert [(each.changes, each.finished, each.is_whole) for each in results] == [
        ({"seed": 0}, (0,), False),
        ({"seed": 1}, (1,), False),
    ]
    assert results[0].mean is None
    table = pd.read_csv(group.folder / SUMMARY)
    assert list(table["run"]) == [member.name for member in group.members]
    assert list(table["fold"]) == [1, 2, 3, 1, 2, 3]
    assert list(table["state"]) == ["finished", "not begun", "not begun", "not begun", "finished", "not begun"]
    assert table.loc[0, "best_val_auc"] == 0.75
    folded = pd.read_csv(group.folder / OUT_OF_FOLD)
    assert folded.groupby("seed")["fold"].unique().map(list).to_dict() == {0: [1], 1: [2]}
    assert (group.folder / FIGURES).is_file()


def test_a_group_without_folds_has_a_summary_only(tmp_path: Path) -> None:
    base, changes = plan(RECOMMENDED, sweep={"batch": [8, 16]})
    group = create_group(tmp_path / "sweep", base, changes)
    assert write_results(group) == []
    assert list(summary(group)["batch"]) == [8, 16]
    assert not (group.folder / OUT_OF_FOLD).exists()
