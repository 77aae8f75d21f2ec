"""Turns, what is refused before anything begins, and a group trained in this process."""

from pathlib import Path

import pytest

from hemo.errors import RunError
from hemo.jobs import train_job
from hemo.jobs.job import UNFINISHED
from hemo.jobs.pool import LocalPool
from hemo.jobs.train_job import TrainJob
from hemo.jobs.training import train_group, turn_epochs
from hemo.runs.group import create_group, plan
from hemo.runs.group_results import FIGURES, OUT_OF_FOLD, SUMMARY, cross_validations
from hemo.runs.history import read_history
from hemo.runs.lock import FileLock
from hemo.runs.run import Run
from tests.training_material import tiny_config


@pytest.mark.parametrize(
    ("epochs", "jobs", "workers", "expected"),
    [
        (40, 5, 2, 20),  # three rounds become two and a half
        (41, 5, 2, 21),
        (40, 4, 3, 14),  # two rounds become four thirds in three turns of 14, 14 and 12
        (40, 5, 1, 0),
        (40, 4, 2, 0),
        (40, 2, 4, 0),
        (1, 5, 2, 0),  # an epoch is the least that a turn can be
        (40, 41, 2, 0),  # gains less than a twentieth
    ],
)
def test_turns_are_taken_where_they_are_worth_it(epochs: int, jobs: int, workers: int, expected: int) -> None:
    assert turn_epochs(epochs, jobs, workers) == expected


def test_a_group_that_cannot_run_is_refused_before_anything_begins(phantom: Path, tmp_path: Path) -> None:
    base, changes = plan(tiny_config(phantom), sweep={"batch": [8, 4000]})
    group = create_group(tmp_path / "sweep", base, changes)
    with LocalPool() as pool, pytest.raises(RunError, match=r"Received: 4000 \(batch 4000\)"):
        train_group(group, tmp_path / "cache", pool, say=lambda line: None)
    assert not any(group.is_begun(member) for member in group.members)


def test_a_run_that_another_process_has_is_left_alone(phantom: Path, tmp_path: Path) -> None:
    job = TrainJob(tmp_path / "run", tiny_config(phantom), tmp_path / "cache")
    with (
        FileLock(tmp_path / "run" / train_job.WORKER_LOCK).try_hold({}),
        pytest.raises(RunError, match=r"nobody works on\. Received: run"),
    ):
        job.work(lambda: True)


@pytest.mark.slow
def test_two_folds_train_here_go_on_and_give_out_of_fold_figures(
    phantom: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, changes = plan(tiny_config(phantom, epochs=2), folds=2)
    group = create_group(tmp_path / "cv", base, changes)
    lines: list[str] = []
    # The first fold in two turns: the second one goes on from the checkpoint.
    monkeypatch.setattr(train_job, "LEAST_TURN_SECONDS", 0.0)
    first = TrainJob(group.run(group.members[0]).folder, group.config(group.members[0]), tmp_path / "cache", 1)
    assert first.work(lambda: False) == UNFINISHED
    assert Run(first.folder).status().message == "Waits for its next turn."
    with LocalPool() as pool:
        ended = train_group(group, tmp_path / "cache", pool, say=lines.append)
    assert ended.finished == ("cv-fold-1", "cv-fold-2")
    assert (ended.failed, ended.stopped) == ({}, False)
    assert "cv-fold-1: goes on after epoch 1" in lines
    assert [epoch["epoch"] for epoch in read_history(first.folder).epochs] == [1, 2]
    (result,) = cross_validations(group)
    assert result.is_whole
    assert len(result.table) == 60
    assert result.table.groupby("group")["fold"].nunique().max() == 1
    assert result.table["source"].is_unique
    assert result.figures["auc"].n == 60
    assert all((group.folder / name).is_file() for name in (SUMMARY, OUT_OF_FOLD, FIGURES))
    with LocalPool() as pool:
        again = train_group(group, tmp_path / "cache", pool, say=lines.append)
    assert again.finished == ended.finished
    assert lines[-1] == "cv: 0 runs on 1 worker, 2 finished before"
