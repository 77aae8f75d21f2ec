"""Turns, what is refused before anything begins, and a group trained in this process."""

from pathlib import Path

import pytest

from hemo.errors import RunError
from hemo.jobs import train_job
from hemo.jobs.job import UNFINISHED
from hemo.jobs.pool import LocalPool
from hemo.jobs.train_job import TrainJob
from hemo.jobs.training import first_turns, train_group
from hemo.runs.group import create_group, plan
from hemo.runs.group_results import FIGURES, OUT_OF_FOLD, SUMMARY, cross_validations
from hemo.runs.history import read_history
from hemo.runs.lock import FileLock
from hemo.runs.run import Run
from tests.training_material import tiny_config


@pytest.mark.parametrize(
    ("epochs", "jobs", "workers", "expected"),
    [
        (40, 5, 2, [20, 0, 0, 0, 0]),  # three rounds become two and a half
        (40, 4, 3, [27, 13, 0, 0]),  # two rounds become four thirds
        (40, 5, 3, [13, 27, 0, 0, 0]),
        (40, 5, 1, [0] * 5),
        (40, 4, 2, [0] * 4),
        (40, 2, 4, [0] * 2),
        (1, 5, 2, [0] * 5),  # an epoch is the least that a turn can be
        (40, 41, 2, [0] * 41),  # gains less than a twentieth
    ],
)
def test_jobs_are_cut_where_that_is_worth_it(epochs: int, jobs: int, workers: int, expected: list[int]) -> None:
    assert first_turns(epochs, jobs, workers) == expected


@pytest.mark.parametrize(("jobs", "workers"), [(5, 2), (4, 3), (5, 3), (7, 3), (7, 4), (10, 4)])
def test_cut_jobs_keep_every_worker_busy_to_the_end(jobs: int, workers: int) -> None:
    epochs = 120
    cuts = first_turns(epochs, jobs, workers)
    assert makespan(epochs, cuts, workers) <= 1.05 * epochs * jobs / workers < makespan(epochs, [0] * jobs, workers)


def makespan(epochs: int, cuts: list[int], workers: int) -> int:
    """Epochs until the last job ends, where jobs are handed out as pools do: new ones first, then the second turns."""
    waiting, again, at_work, now = list(cuts), list[int](), list[tuple[int, int]](), 0
    while waiting or again or at_work:
        while len(at_work) < workers and (waiting or again):
            cut = waiting.pop(0) if waiting else None
            length = again.pop(0) if cut is None else cut or epochs
            at_work.append((now + length, epochs - cut if cut else 0))
        at_work.sort()
        now, rest = at_work.pop(0)
        if rest:
            again.append(rest)
    return now


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
