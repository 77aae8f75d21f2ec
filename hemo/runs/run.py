"""A run as a folder: configuration, environment, data, split, events, checkpoints, log, predictions, bundle."""

import json
import re
import shutil
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from hemo.atomic import write_json_atomically, write_text_atomically
from hemo.errors import RunError
from hemo.model.training_config import TrainingConfig
from hemo.runs.events import EVENTS
from hemo.runs.process import ProcessId

CONFIG = "config.json"
STATUS = "status.json"
ENVIRONMENT = "environment.json"
DATA = "data.json"
SPLIT = "split.csv"
LOG = "log.txt"
NOTE = "note.txt"
PREDICTIONS = "predictions.csv"
FIGURES = "figures.json"
CHECKPOINTS = "checkpoints"
BUNDLE = "bundle"
TENSORBOARD = "tensorboard"
SAMPLES = "samples"
GROUP = "group.json"

ACTIVE = ("starting", "training", "paused", "finishing")
# How long a run that another machine of a cluster works on may write nothing, for instance while it is paused.
SILENCE_SECONDS = 900.0
RESUMABLE = ("stopped", "interrupted", "failed")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Status:
    """Where a run stands, as its `status.json` says.

    Args:
        state: "queued", one of `ACTIVE`, "finished", "stopped", "failed" or "interrupted".
        since: when the state began, seconds since 1970.
        queued: when the run was last put in the queue.
        task: what the worker is to do: "train", "resume" or "finish" (make the bundle of what is there).
        message: one sentence, such as why it failed.
        process: of the worker.
    """

    state: str = "queued"
    since: float = 0.0
    queued: float = 0.0
    task: str = "train"
    message: str = ""
    process: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One run.

    Args:
        folder: holds everything about it.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def config(self) -> TrainingConfig:
        """What it was asked to do.

        Raises:
            RunError: the file is absent or damaged.
        """
        return TrainingConfig.load(self.folder / CONFIG)

    @property
    def bundle(self) -> Path:
        """Folder of the final bundle; exists once the run is finished."""
        return self.folder / BUNDLE

    @property
    def note(self) -> str:
        """What the user wrote about it."""
        try:
            return (self.folder / NOTE).read_text(encoding="utf-8")
        except OSError:
            return ""

    def set_note(self, text: str) -> None:
        """Keep a note of the user's."""
        write_text_atomically(self.folder / NOTE, text)

    def status(self) -> Status:
        """Where it stands now; a worker that died without a word makes it "interrupted"."""
        status = self._written_status()
        if status.state in ACTIVE and not self._is_worked_on(status):
            at = f" Epoch {epoch} was the last one finished." if (epoch := self.epochs_finished()) else ""
            return replace(status, state="interrupted", message=f"The training process ended without a word.{at}")
        return status

    def write_status(self, **changes: Any) -> Status:
        """Change some fields; `since` follows the state.

        Raises:
            OSError: it cannot be written.
        """
        before = self._written_status()
        after = replace(before, **changes)
        if after.state != before.state or not after.since:
            after = replace(after, since=time.time())
        write_json_atomically(self.folder / STATUS, asdict(after))
        return after

    def epochs_finished(self) -> int:
        """Epochs in the last checkpoint; 0 where there is none or it cannot be read."""
        from hemo.model.checkpoint import Checkpoints

        try:
            state = Checkpoints(self.folder / CHECKPOINTS).state()
        except RunError:
            return 0
        return state.epoch if state else 0

    def data(self) -> dict[str, Any]:
        """Name, fingerprint, licence and counts of its data; {} before they are known."""
        return read_json(self.folder / DATA)

    def figures(self) -> dict[str, Any]:
        """Final figures by part; {} before they are known."""
        return read_json(self.folder / FIGURES)

    def created(self) -> float:
        """When it was first queued, seconds since 1970."""
        try:
            return (self.folder / CONFIG).stat().st_mtime
        except OSError:
            return 0.0

    def _written_status(self) -> Status:
        values = read_json(self.folder / STATUS)
        known = {name: values[name] for name in Status.__dataclass_fields__ if name in values}
        return Status(**known)

    def _is_worked_on(self, status: Status) -> bool:
        process = ProcessId.from_json(status.process)
        return self._was_heard_of() if process.is_elsewhere() else process.is_alive()

    def _was_heard_of(self) -> bool:
        """Whether anything was written lately: the only sign of life of a process on another machine."""
        times = [path.stat().st_mtime for name in (EVENTS, STATUS) if (path := self.folder / name).exists()]
        return time.time() - max(times, default=0.0) < SILENCE_SECONDS


def create_run(folder: Path, config: TrainingConfig, **status: Any) -> Run:
    """Make a run's folder with its configuration.

    Args:
        folder: of the new run; its name is the run's.
        config: what it is asked to do.
        status: fields of its `Status` that are not as for a run that waits in the queue from now on.

    Raises:
        RunError: the folder holds a run already, the name is not allowed or the folder cannot be made.
    """
    check_name(folder.name)
    run = Run(folder)
    if (folder / CONFIG).exists():
        raise RunError(f"Expected a new run's folder; --resume goes on with a run. Received: {folder}, which holds one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        run.write_status(**{"state": "queued", "queued": time.time(), **status})
        config.save(folder / CONFIG)
    except OSError as error:
        raise RunError(
            f"Expected a folder that can be written for the run. Received: {folder}: {error.strerror}"
        ) from error
    return run


def check_name(name: str) -> None:
    """Refuse a run name that could be a path or break a line.

    Raises:
        RunError: it is not allowed.
    """
    if not _NAME.fullmatch(name):
        raise RunError(
            f"Expected a run name of up to 64 letters, digits, dots, dashes and underscores. Received: {name[:80]!r}"
        )


def new_name(config: TrainingConfig, runs: Path) -> str:
    """A name that is free: date, time and architecture."""
    base = f"{time.strftime('%Y%m%d-%H%M%S')}-{config.architecture}"
    number, name = 2, base
    while (runs / name).exists():
        name, number = f"{base}-{number}", number + 1
    return name


def list_runs(runs: Path) -> list[Run]:
    """Every run in a folder, newest first; those of a group, such as the folds of one cross-validation, too."""
    found = [Run(path.parent) for path in runs.glob(f"*/{CONFIG}")]
    found += [Run(path) for group in runs.glob(f"*/{GROUP}") for path in group.parent.iterdir() if _is_run(path)]
    return sorted(found, key=lambda run: (run.created(), run.name), reverse=True)


def _is_run(folder: Path) -> bool:
    return (folder / CONFIG).is_file()


def delete_run(run: Run) -> None:
    """Remove a run and all it holds.

    Raises:
        RunError: it is at work or in the queue.
    """
    _refuse_busy(run, "delete")
    shutil.rmtree(run.folder)


def rename_run(run: Run, name: str) -> Run:
    """Give a run another name.

    Raises:
        RunError: it is at work or part of a group, or the name is not allowed or taken.
    """
    check_name(name)
    _refuse_busy(run, "rename")
    if (run.folder.parent / GROUP).is_file():
        raise RunError(f"Expected a run of its own; a group finds its runs by name. Received: {run.name}, in a group")
    target = run.folder.with_name(name)
    if target.exists():
        raise RunError(f"Expected a name that no run has. Received: {name!r}")
    run.folder.rename(target)
    return Run(target)


def export_run(run: Run) -> bytes:
    """A run as a ZIP file without its checkpoints, which are large and of use to this machine only."""
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(run.folder.rglob("*")):
            inside = path.relative_to(run.folder)
            if path.is_file() and inside.parts[0] != CHECKPOINTS and not path.name.startswith("."):
                archive.write(path, f"{run.name}/{inside}")
    return buffer.getvalue()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; {} where it is absent or damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _refuse_busy(run: Run, what: str) -> None:
    state = run.status().state
    if state in (*ACTIVE, "queued"):
        raise RunError(
            f"Expected a run that is not at work, to {what} it; stop it first. Received: {run.name}, {state}"
        )
