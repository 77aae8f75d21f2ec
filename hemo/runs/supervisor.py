"""The queue: one process, independent of browser and app, that lets waiting runs train one after another.

`submit` and `resume` put a run in the queue and see to it that a supervisor is there; it ends when the queue is empty.
TensorFlow is not safe to train twice in parallel on one machine's cores, so one trainer works at a time.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hemo.errors import RunError
from hemo.model.callbacks import Command
from hemo.model.training_config import TrainingConfig
from hemo.runs import control
from hemo.runs.group import Changes, Group, create_group
from hemo.runs.lock import FileLock, trainer_lock
from hemo.runs.process import ProcessId, collect_ended_children, start_detached
from hemo.runs.run import ACTIVE, LOG, RESUMABLE, Run, check_name, create_run, list_runs, new_name
from hemo.workspace import Workspace

POLL_SECONDS = 0.2
IDLE_SECONDS = 2.0
SUPERVISOR_LOCK = ".supervisor.lock"
SUPERVISOR_LOG = ".supervisor.log"


@dataclass(frozen=True)
class Waiting:
    """A run in the queue.

    Args:
        run: the run.
        since: when it was put there, seconds since 1970.
        behind: names of the runs before it, the one at work first.
    """

    run: Run
    since: float
    behind: tuple[str, ...]


def submit(workspace: Workspace, config: TrainingConfig, name: str | None = None) -> Run:
    """Put a new run in the queue.

    Raises:
        RunError: the configuration cannot run whatever the data, or the name is taken or not allowed.
    """
    config.check()
    if name is not None:
        check_name(name)  # before it becomes part of a path
    config = config.replace(data=str(Path(config.data).expanduser().resolve()))
    run = create_run(workspace.runs / (name or new_name(config, workspace.runs)), config)
    ensure_supervisor(workspace)
    return run


def submit_group(
    workspace: Workspace, base: TrainingConfig, changes: Sequence[Changes], name: str | None = None
) -> Group:
    """Put the runs of a new group in the queue, one behind the other.

    Args:
        workspace: where.
        base: what the runs share, and
        changes: what sets each apart, as `hemo.runs.group.plan` gives them.
        name: of the group; date, time and network if not given.

    Raises:
        RunError: the name is taken or not allowed.
    """
    name = name or new_name(base, workspace.runs)
    check_name(name)  # before it becomes part of a path
    if (workspace.runs / name).exists():
        raise RunError(f"Expected a name that neither run nor group has. Received: {name!r}")
    base = base.replace(data=str(Path(base.data).expanduser().resolve()))
    group = create_group(workspace.runs / name, base, changes)
    for member in group.members:
        create_run(group.run(member).folder, group.config(member))
    ensure_supervisor(workspace)
    return group


def resume(workspace: Workspace, run: Run) -> None:
    """Put a stopped, interrupted or failed run back in the queue, to go on from its last finished epoch.

    Raises:
        RunError: the run is at work, waiting or finished.
    """
    _requeue(workspace, run, "resume")


def finish(workspace: Workspace, run: Run) -> None:
    """Put a run that ended early in the queue, to make the bundle of what it has.

    Raises:
        RunError: the run is at work, waiting or finished, or has no finished epoch.
    """
    if not run.epochs_finished():
        raise RunError(f"Expected a run with at least one finished epoch. Received: {run.name}, which has none")
    _requeue(workspace, run, "finish")


def command(run: Run, what: Command) -> None:
    """Tell a run to pause, resume, stop or keep best; stopping a waiting run takes it from the queue."""
    if run.status().state == "queued":
        if what in ("stop", "keep_best"):
            run.write_status(state="stopped", message="Taken from the queue.")
        return
    control.send(run.folder, what)


def current(workspace: Workspace) -> Run | None:
    """The run that trains now, in whatever process; None where none does."""
    holder = trainer_lock(workspace.runs).holder()
    if holder and holder.get("run") and (run := Run(Path(holder["run"]))).status().state in ACTIVE:
        return run
    return next((run for run in list_runs(workspace.runs) if run.status().state in ACTIVE), None)


def queue(workspace: Workspace) -> list[Waiting]:
    """The waiting runs, the next one first."""
    waiting = _queued(workspace)
    at_work = current(workspace)
    names = [at_work.name] if at_work else []
    result = []
    for run, since in waiting:
        result.append(Waiting(run, since, tuple(names)))
        names.append(run.name)
    return result


def ensure_supervisor(workspace: Workspace) -> None:
    """Start a supervisor unless one is there or nothing waits."""
    collect_ended_children()
    if not _queued(workspace) or FileLock(workspace.runs / SUPERVISOR_LOCK).holder() is not None:
        return
    start_detached(
        "hemo.runs.supervisor", str(workspace.root), str(workspace.models), log=workspace.runs / SUPERVISOR_LOG
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Let waiting runs train, one after another, until none waits."""
    root, models = sys.argv[1:] if arguments is None else arguments
    workspace = Workspace(Path(root), Path(models))
    lock = FileLock(workspace.runs / SUPERVISOR_LOCK)
    while True:
        with lock.try_hold({**ProcessId.current().to_json(), "since": time.time()}) as held:
            if not held:
                return 0  # another supervisor serves the queue
            _serve(workspace)
        # A run may have been put in the queue after the last look and before the lock was free; see `submit`.
        if not _queued(workspace):
            return 0


def _serve(workspace: Workspace) -> None:
    idle_since = time.monotonic()
    while time.monotonic() - idle_since < IDLE_SECONDS:
        waiting = _queued(workspace)
        if not waiting:
            time.sleep(POLL_SECONDS)
            continue
        if current(workspace) is None:
            _work_on(waiting[0][0], workspace)
        else:
            time.sleep(POLL_SECONDS)  # a worker that outlived its supervisor, or the command line, trains
        idle_since = time.monotonic()


def _work_on(run: Run, workspace: Workspace) -> None:
    control.clear(run.folder)
    # Before the worker is there: it writes its own state from then on, and a slow supervisor must not overwrite that.
    run.write_status(state="starting", process=ProcessId.current().to_json())
    worker = start_detached("hemo.runs.worker", str(run.folder), str(workspace.root), log=run.folder / LOG)
    while worker.is_alive():
        collect_ended_children()
        time.sleep(POLL_SECONDS)
    status = run.status()
    if status.state in (*ACTIVE, "interrupted"):
        run.write_status(state="interrupted", message=status.message or "The training process ended without a word.")


def _requeue(workspace: Workspace, run: Run, task: str) -> None:
    state = run.status().state
    if state not in RESUMABLE:
        raise RunError(f"Expected a run that is {', '.join(RESUMABLE)}. Received: {run.name}, {state}")
    run.write_status(state="queued", queued=time.time(), task=task, message="")
    ensure_supervisor(workspace)


def _queued(workspace: Workspace) -> list[tuple[Run, float]]:
    found = [(run, status.queued) for run in list_runs(workspace.runs) if (status := run.status()).state == "queued"]
    return sorted(found, key=lambda item: item[1])


if __name__ == "__main__":
    sys.exit(main())
