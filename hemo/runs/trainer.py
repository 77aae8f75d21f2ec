"""Everything a run does, from data set to bundle, in the process that calls it: the worker or the command line."""

import contextlib
import csv
import io
import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from hemo.atomic import write_json_atomically, write_text_atomically
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest
from hemo.errors import HemoError, RunError
from hemo.model.callbacks import POLL_SECONDS, Command, Interrupted
from hemo.model.checkpoint import Checkpoints
from hemo.model.training import build_network, fit_view, score, train
from hemo.model.training_config import TrainingConfig
from hemo.model.training_data import PARTS, TrainingData, assemble, preparation_of, split_by_protocol
from hemo.runs.events import EVENTS, Event, EventWriter
from hemo.runs.process import THREAD_VARIABLES, ProcessId
from hemo.runs.promote import write_run_bundle
from hemo.runs.run import CHECKPOINTS, DATA, ENVIRONMENT, PREDICTIONS, SAMPLES, SPLIT, TENSORBOARD, Run
from hemo.runs.tensorboard import TensorBoardWriter

Commands = Callable[[], Command | None]
_T = TypeVar("_T")
_PROGRESS_SECONDS = 0.2
_RESERVE = ".reserve"
_RESERVE_BYTES = 256 * 1024


@dataclass
class Trainer:
    """Does one run.

    Args:
        run: its folder, with a configuration.
        cache: folder of prepared images.
        commands: gives each waiting command once.
        echo: receives every event too, such as the command line's printer.
    """

    run: Run
    cache: Path
    commands: Commands
    echo: Callable[[Event], None] = lambda event: None
    _told: tuple[str, float] = ("", 0.0)

    def work(self, task: str) -> str:
        """Do the task and write the outcome into the run's status.

        Args:
            task: "train", "resume" or "finish".

        Returns:
            The final state: "finished", "stopped" or "failed".

        Raises:
            HemoError: why it failed; the status says so too.
        """
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's greetings are no part of a log
        try:
            self.run.folder.mkdir(parents=True, exist_ok=True)
            _write_reserve(self.run.folder)
            self._events = EventWriter(self.run.folder / EVENTS)
            self._tensorboard = TensorBoardWriter(self.run.folder / TENSORBOARD)
            self._enter("starting")
            state = self._work_until_stopped(task)
            self._enter(state)
        except HemoError as error:
            self._fail(str(error))
            raise
        except OSError as error:
            message = (
                f"Expected to be able to write the run in {self.run.folder}; {self._kept()} "
                f"Received: {error.strerror or error}"
            )
            self._fail(message)
            raise RunError(message) from error
        finally:
            self._close()
        return state

    def _work_until_stopped(self, task: str) -> str:
        try:
            return self._work(task)
        except Interrupted:
            return "stopped"

    def _close(self) -> None:
        for writer in (getattr(self, "_events", None), getattr(self, "_tensorboard", None)):
            if writer is not None:
                with contextlib.suppress(OSError):  # a full disk was told already
                    writer.close()

    def _work(self, task: str) -> str:
        config = self.run.config
        config.check()
        preparation_of(config)
        self._look()
        data = self._prepare(config, resume=task != "train")
        if task == "finish":
            keep = config.keep
        else:
            self._enter("training")
            outcome = train(
                config,
                data,
                self.run.folder / CHECKPOINTS,
                report=self._report,
                commands=self.commands,
                resume=task == "resume",
                samples=self.run.folder / SAMPLES,
            )
            if outcome.ended == "stopped" or not outcome.state.epoch:
                return "stopped"
            keep = "best" if outcome.ended == "keep_best" else config.keep
        self._enter("finishing")
        self._finish(config, data, keep)
        return "finished"

    def _prepare(self, config: TrainingConfig, resume: bool) -> TrainingData:
        self._progress("Reading the data set", 0, 0)
        manifest, fingerprint = self._while_looking(partial(_read_data, config))
        known = self.run.data().get("fingerprint")
        if resume and known and known != fingerprint:
            raise RunError(
                f"Expected the data that the run began with (fingerprint {known[:12]}…); start a new run for changed "
                f"data. Received: {fingerprint[:12]}…"
            )
        split = _saved_split(manifest, self.run.folder / SPLIT) if resume else None
        manifest = split or split_by_protocol(manifest, config)
        _write_split(manifest, self.run.folder / SPLIT)
        data = assemble(manifest, config, self.cache, partial(self._progress, "Preparing slices"))
        write_json_atomically(self.run.folder / DATA, describe(data, fingerprint))
        write_json_atomically(self.run.folder / ENVIRONMENT, environment())
        return data

    def _finish(self, config: TrainingConfig, data: TrainingData, keep: str) -> None:
        model = build_network(config, pretrained=False)
        epoch = Checkpoints(self.run.folder / CHECKPOINTS).load_kept(fit_view(model), keep)
        rows = np.concatenate([data.rows(part) for part in PARTS[1:]])
        logits = score(model, data.images, rows, partial(self._progress, "Scoring slices"))
        table = predictions(data, rows, logits)
        write_text_atomically(self.run.folder / PREDICTIONS, table.to_csv(index=False))
        self._progress("Writing the bundle", 0, 0)
        write_run_bundle(self.run, config, data, model, table, epoch)

    def _report(self, event: Event) -> None:
        self._events.write(event)
        self._tensorboard.write(event)
        if event["event"] == "state":
            self.run.write_status(state=event["state"])
        self.echo(event)

    def _enter(self, state: str) -> None:
        self.run.write_status(state=state, message="", process=ProcessId.current().to_json())
        self._events.write({"event": "state", "state": state})
        self.echo({"event": "state", "state": state})

    def _progress(self, what: str, done: int, total: int) -> None:
        self._look()
        now = time.monotonic()
        if what == self._told[0] and done < total and now - self._told[1] < _PROGRESS_SECONDS:
            return
        self._told = (what, now)
        event = {"event": "progress", "what": what, "done": done, "total": total}
        self._events.write(event)
        self.echo(event)

    def _while_looking(self, work: Callable[[], _T]) -> _T:
        """Do what reports no progress of its own, in a thread, so that a stop need not wait for it."""
        future: Future[_T] = Future()

        def do() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # raised again by `result`
                future.set_exception(error)

        # A daemon: what it reads for a run that was stopped is of no use, and the process does not wait for it.
        threading.Thread(target=do, daemon=True).start()
        while not wait([future], POLL_SECONDS).done:
            self._look()
        return future.result()

    def _look(self) -> None:
        # A pause while data are prepared would pause nothing: only stops count here.
        if (command := self.commands()) in ("stop", "keep_best"):
            assert command is not None
            raise Interrupted(command)

    def _kept(self) -> str:
        epoch = self.run.epochs_finished()
        return f"the checkpoint of epoch {epoch} is whole and the run can be resumed." if epoch else "nothing is lost."

    def _fail(self, message: str) -> None:
        # What cannot be written is told by the caller, who prints the message.
        with contextlib.suppress(OSError, AttributeError):
            # On a full disk the reserve makes room for these last words.
            (self.run.folder / _RESERVE).unlink(missing_ok=True)
            self.run.write_status(state="failed", message=message)
            self._events.write({"event": "state", "state": "failed", "message": message})


def _read_data(config: TrainingConfig) -> tuple[Manifest, str]:
    """The data set and its fingerprint, for which every file is read."""
    manifest = import_dataset(config.data, config.layout or None)
    return manifest, manifest.fingerprint()


def describe(data: TrainingData, fingerprint: str) -> dict[str, Any]:
    """What is known about the data of a run, as plain JSON values."""
    manifest = data.manifest
    frame = manifest.frame
    parts = {
        part: {
            "slices": int((mask := frame["split"] == part).sum()),
            "hemorrhage": int(frame.loc[mask, "label"].sum()),
            "groups": int(frame.loc[mask, "group"].nunique()),
        }
        for part in PARTS
    }
    return {
        "name": manifest.name,
        "fingerprint": fingerprint,
        "source": manifest.source,
        "licence": manifest.licence,
        "citation": manifest.citation,
        "group_kind": manifest.group_kind,
        "n": len(manifest),
        "n_groups": int(frame["group"].nunique()),
        "parts": parts,
        "problems": [f"{problem.path}: {problem.detail}" for problem in manifest.problems[:50]],
        "preparation": data.preparation.to_json(),
    }


def environment() -> dict[str, Any]:
    """Machine and versions, for whoever wants the same bits again."""
    from hemo.model.bundle import library_versions

    return {
        "versions": library_versions(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "threads": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
    }


def predictions(data: TrainingData, rows: np.ndarray, logits: np.ndarray) -> pd.DataFrame:
    """The predictions table of some rows: source, slice, group, label, split, logit, probability (uncalibrated)."""
    frame = data.manifest.frame.iloc[rows]
    table = pd.DataFrame(
        {
            "source": frame["path"].to_numpy(),
            "slice": frame["slice"].to_numpy(),
            "group": frame["group"].to_numpy(),
            "label": frame["label"].to_numpy(),
            "split": frame["split"].to_numpy(),
            "logit": logits.astype(np.float64),
            "probability": 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -60, 60))),
        }
    )
    if "source_split" in frame.columns:
        table["source_split"] = frame["source_split"].to_numpy()
    return table


def _write_split(manifest: Manifest, path: Path) -> None:
    columns = [name for name in ("path", "label", "group", "split", "source_split") if name in manifest.frame.columns]
    buffer = io.StringIO()
    manifest.frame[columns].to_csv(buffer, index=False, quoting=csv.QUOTE_MINIMAL)
    write_text_atomically(path, buffer.getvalue())


def _saved_split(manifest: Manifest, path: Path) -> Manifest | None:
    """The split that the run began with, so that a later version's draw cannot change it; None where none was saved."""
    if not path.is_file():
        return None
    saved = pd.read_csv(path, dtype=str, keep_default_na=False).set_index("path")
    split = saved["split"].reindex(manifest.frame["path"]).fillna("")
    result = manifest.with_split(split)
    if "source_split" in saved.columns:
        result.frame["source_split"] = saved["source_split"].reindex(manifest.frame["path"]).fillna("").to_numpy()
    return result


def _write_reserve(folder: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / _RESERVE).write_bytes(
            os.urandom(_RESERVE_BYTES)
        )  # random, so that no file system stores it as a hole
