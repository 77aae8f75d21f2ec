"""An evaluation as a process of its own, so that the app that shows results never loads TensorFlow.

The process is `python -m hemo evaluate`; it leaves its table in the workspace and tells how far it is in a file of
JSON lines. A refreshed page, or another one, finds it again by the table it makes.
"""

import contextlib
import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemo.atomic import write_json_atomically
from hemo.runs.process import ProcessId, start_detached
from hemo.workspace import Workspace


@dataclass(frozen=True)
class Progress:
    """How far an evaluation is.

    Args:
        running: its process is alive.
        stage: what it does now.
        done: of `total`, within the stage; both 0 where the stage cannot tell.
        total: see `done`.
        failed: why it ended without a table, or "".
    """

    running: bool
    stage: str
    done: int
    total: int
    failed: str


@dataclass(frozen=True)
class Job:
    """One evaluation, under way or ended.

    Args:
        folder: holds job.json, progress.jsonl and log.txt.
    """

    folder: Path

    @classmethod
    def of(cls, workspace: Workspace, table: Path) -> "Job":
        """The job that makes the table in this folder, whether or not it was ever started."""
        return cls(workspace.predictions / ".jobs" / table.name)

    def start(self, workspace: Workspace, path: Path, model: str, out_of_fold: bool, audit: bool) -> None:
        """Start it, unless it is running already.

        Args:
            workspace: where tables and models are.
            path: of the data set.
            model: name of the bundle.
            out_of_fold: take the table that the bundle brings.
            audit: also make the shortcut audit.
        """
        if self.process().is_alive():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("progress.jsonl", "log.txt"):
            (self.folder / name).unlink(missing_ok=True)
        arguments = ["evaluate", str(path), "--model", model, "--progress", str(self.folder / "progress.jsonl")]
        arguments += ["--out-of-fold"] if out_of_fold else []
        arguments += ["--audit"] if audit else []
        process = start_detached(
            "hemo",
            *arguments,
            log=self.folder / "log.txt",
            environment={"HEMO_HOME": str(workspace.root), "HEMO_MODELS": str(workspace.models)},
        )
        write_json_atomically(self.folder / "job.json", process.to_json())

    def process(self) -> ProcessId:
        """Its process; one that is never alive where it was not started."""
        try:
            values = json.loads((self.folder / "job.json").read_text("utf-8"))
            return ProcessId(int(values["pid"]), str(values["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return ProcessId(0, "")

    def stop(self) -> None:
        """End it; what it had read is not kept."""
        process = self.process()
        if process.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGINT)

    def forget(self) -> None:
        """Take its message off the page."""
        for name in ("job.json", "progress.jsonl"):
            (self.folder / name).unlink(missing_ok=True)

    def progress(self) -> Progress | None:
        """How far it is; None where it was never started."""
        if not (self.folder / "job.json").is_file():
            return None
        running = self.process().is_alive()
        stage, done, total, failed, finished = "starting", 0, 0, "", False
        for event in self._events():
            if event.get("event") == "stage":
                stage, done, total = str(event["stage"]), 0, 0
            elif event.get("event") == "progress":
                done, total = int(event["done"]), int(event["total"])
            elif event.get("event") == "failed":
                failed = str(event["reason"]) or "stopped"
            elif event.get("event") == "done":
                finished = True
        if not running and not finished and not failed:
            failed = self._last_words()
        return Progress(running, stage, done, total, failed)

    def _events(self) -> list[dict[str, Any]]:
        try:
            lines = (self.folder / "progress.jsonl").read_text("utf-8").splitlines()
        except OSError:
            return []
        events = []
        for line in lines:
            with contextlib.suppress(ValueError):  # the last line may be half written
                events.append(json.loads(line))
        return events

    def _last_words(self) -> str:
        try:
            lines = [line for line in (self.folder / "log.txt").read_text("utf-8", "replace").splitlines() if line]
        except OSError:
            lines = []
        return lines[-1] if lines else "The evaluation ended without a word."
