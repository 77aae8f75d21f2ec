"""The queue: runs train one after another in processes of their own; a bad one does not hold up the next."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hemo.errors import RunError
from hemo.runs import supervisor
from hemo.runs.history import read_history
from hemo.runs.lock import FileLock
from hemo.runs.process import ProcessId
from hemo.runs.run import Run
from hemo.workspace import Workspace
from tests.training_material import tiny_config

PATIENCE_SECONDS = 240


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> float:
    """Wait; returns the seconds it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            pytest.fail(f"waited {seconds:.0f} s in vain for: {what}")
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.fixture(autouse=True)
def nothing_left_running(workspace: Workspace) -> object:
    yield
    for run in [each for each in (supervisor.current(workspace),) if each] + [
        w.run for w in supervisor.queue(workspace)
    ]:
        supervisor.command(run, "stop")
    wait_until(lambda: supervisor.current(workspace) is None, "the trainer to end")
    supervisor_lock = FileLock(workspace.runs / supervisor.SUPERVISOR_LOCK)
    wait_until(lambda: supervisor_lock.holder() is None, "the supervisor to end")


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "ensure_supervisor", lambda workspace: None)


def test_a_bad_configuration_is_refused_before_it_is_queued(workspace: Workspace, no_processes: None) -> None:
    with pytest.raises(RunError, match="Expected batch between"):
        supervisor.submit(workspace, tiny_config(Path("/data"), batch=0))
    assert supervisor.queue(workspace) == []


def test_a_name_never_leads_out_of_the_runs_folder(workspace: Workspace, no_processes: None) -> None:
    with pytest.raises(RunError, match="Expected a run name"):
        supervisor.submit(workspace, tiny_config(Path("/data")), "../escape")
    assert not (workspace.root / "escape").exists()


def test_the_queue_says_who_waits_since_when_and_behind_whom(workspace: Workspace, no_processes: None) -> None:
    for name in ("first", "second", "third"):
        supervisor.submit(workspace, tiny_config(Path("/data")), name)
    first = Run(workspace.runs / "first")
    first.write_status(state="training", process=ProcessId.current().to_json())
    waiting = supervisor.queue(workspace)
    assert [(each.run.name, each.behind) for each in waiting] == [
        ("second", ("first",)),
        ("third", ("first", "second")),
    ]
    assert abs(waiting[0].since - time.time()) < 60
    supervisor.command(waiting[0].run, "stop")
    assert [each.run.name for each in supervisor.queue(workspace)] == ["third"]
    assert Run(workspace.runs / "second").status().state == "stopped"
    first.write_status(state="finished")


def test_only_a_run_that_ended_early_can_be_resumed(workspace: Workspace, no_processes: None) -> None:
    run = supervisor.submit(workspace, tiny_config(Path("/data")), "one")
    with pytest.raises(RunError, match="Received: one, queued"):
        supervisor.resume(workspace, run)
    run.write_status(state="failed")
    with pytest.raises(RunError, match="Received: one, which has none"):
        supervisor.finish(workspace, run)
    supervisor.resume(workspace, run)
    assert run.status().task == "resume"


@pytest.mark.slow
def test_a_bad_run_says_why_and_the_next_one_trains_and_obeys(workspace: Workspace, phantom: Path) -> None:
    bad = supervisor.submit(workspace, tiny_config(phantom, batch=4000), "bad")
    good = supervisor.submit(workspace, tiny_config(phantom, epochs=5000), "good")
    wait_until(lambda: bad.status().state == "failed", "the bad run to fail")
    assert "Expected a batch of at most" in bad.status().message
    assert "Traceback" not in (bad.folder / "log.txt").read_text()
    wait_until(lambda: len(read_history(good.folder).epochs) > 1, "the good run to train")
    supervisor.command(good, "pause")
    assert wait_until(lambda: good.status().state == "paused", "a pause") < 2.0
    supervisor.command(good, "resume")
    assert wait_until(lambda: good.status().state == "training", "going on") < 2.0
    supervisor.command(good, "stop")
    assert wait_until(lambda: good.status().state == "stopped", "a stop") < 2.0
    supervisor.finish(workspace, good)
    wait_until(lambda: good.status().state == "finished", "the bundle of what is there")
    assert (good.bundle / "model.keras").is_file()


@pytest.mark.slow
def test_keep_best_makes_the_bundle_and_a_killed_supervisor_leaves_the_worker_at_work(
    workspace: Workspace, phantom: Path
) -> None:
    run = supervisor.submit(workspace, tiny_config(phantom, epochs=5000), "long")
    wait_until(lambda: len(read_history(run.folder).epochs) > 0, "the first epoch")
    holder = FileLock(workspace.runs / supervisor.SUPERVISOR_LOCK).holder()
    assert holder is not None
    os.kill(int(holder["pid"]), signal.SIGKILL)
    epochs = len(read_history(run.folder).epochs)
    wait_until(lambda: len(read_history(run.folder).epochs) > epochs + 1, "epochs without a supervisor")
    assert supervisor.current(workspace) == run
    second = supervisor.submit(workspace, tiny_config(phantom, epochs=1), "next")
    time.sleep(1.0)
    assert second.status().state == "queued"  # a new supervisor waits for the worker of the old one
    supervisor.command(run, "keep_best")
    wait_until(lambda: run.status().state == "finished", "the best epoch's bundle")
    assert (run.bundle / "card.json").is_file()
    wait_until(lambda: second.status().state == "finished", "the next run")
