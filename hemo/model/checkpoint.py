"""The state of a training run on disk: all that the next epoch depends on, whole or absent.

`last.npz` holds weights, optimizer, the state of every random generator inside the network, and one JSON text with
epoch, history, early stopping and best. `best-<epoch>.npz` is the checkpoint of the best epoch, where that is not the
last. Keras' `BackupAndRestore` saves neither early stopping nor history nor random state, and not atomically.
"""

import json
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from hemo.atomic import write_atomically
from hemo.errors import RunError

if TYPE_CHECKING:
    import keras

LAST = "last.npz"
Arrays = Iterable[tuple[str, np.ndarray]]


@dataclass
class TrainingState:
    """What is known after a finished epoch.

    Args:
        epoch: epochs finished.
        history: one dictionary of figures a finished epoch.
        stop: early stopping's state (`wait`, `best`, `best_epoch`, `stopped_epoch`).
        best_epoch: number of the best epoch, from 1; 0 where none was kept yet.
        best_value: its value of the watched figure.
        seconds: time spent training so far.
    """

    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    stop: dict[str, Any] = field(default_factory=dict)
    best_epoch: int = 0
    best_value: float | None = None
    seconds: float = 0.0


class Checkpoints:
    """Reads and writes the checkpoints of one run.

    Args:
        folder: made if absent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, model: "keras.Model", state: TrainingState) -> None:
        """Write everything after an epoch; a reader never sees a part of it.

        Raises:
            RunError: the disk is full or the folder cannot be written; the former checkpoint is still whole.
        """
        self.write(arrays_of(model, state), state)

    def write(self, arrays: Arrays, state: TrainingState) -> None:
        """Like `save`, of arrays that `arrays_of` gave.

        Raises:
            RunError: the disk is full or the folder cannot be written; the former checkpoint is still whole.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._set_best_aside(state)
            write_atomically(self.folder / LAST, lambda file: _write_arrays(file, arrays))
        except OSError as error:
            good = self._good_epoch()
            kept = f"the checkpoint of epoch {good} is whole" if good else "no checkpoint was written yet"
            raise RunError(
                f"Expected room and permission to write the checkpoint of epoch {state.epoch} in {self.folder}; "
                f"{kept}, so free some space or allow writing, then resume. Received: {error.strerror or error}"
            ) from error
        self._remove_leftovers(state.best_epoch)

    def _set_best_aside(self, state: TrainingState) -> None:
        """Give the last checkpoint, where it is the best epoch's, a second name before it is replaced; no copy."""
        best = self._best(state.best_epoch)
        if state.best_epoch in (0, state.epoch) or best.exists() or self._good_epoch() != state.best_epoch:
            return
        try:
            os.link(self.folder / LAST, best)
        except OSError:  # a file system without hard links
            shutil.copyfile(self.folder / LAST, best)

    def state(self) -> TrainingState | None:
        """The state of the last checkpoint, or None where there is none; the weights are not read.

        Raises:
            RunError: the file is damaged.
        """
        path = self.folder / LAST
        if not path.is_file():
            return None
        try:
            with _opened(path) as file:
                return TrainingState(**json.loads(file["state"].tobytes()))
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise RunError(f"Expected a whole checkpoint in {path}. Received: {error}") from error

    def load(self, model: "keras.Model") -> TrainingState | None:
        """Put weights, optimizer and random state of the last checkpoint into a compiled, built model.

        Raises:
            RunError: the file is damaged or belongs to another network.
        """
        state = self.state()
        if state is None:
            return None
        with _opened(self.folder / LAST) as file:
            _assign(model.variables, file, "model")
            _assign(model.optimizer.variables, file, "optimizer")
        return state

    def load_kept(self, model: "keras.Model", keep: str) -> int:
        """Put the weights that the run keeps into the model.

        Args:
            model: a built model; an optimizer is not needed.
            keep: "best" or "last".

        Returns:
            The epoch they are from.

        Raises:
            RunError: no epoch was finished yet.
        """
        state = self.state()
        if state is None:
            raise RunError("Expected at least one finished epoch to keep. Received: none")
        best = self._best(state.best_epoch)
        aside = keep == "best" and best.is_file()
        with _opened(best if aside else self.folder / LAST) as file:
            _assign(model.variables, file, "model")
        return state.best_epoch if aside else state.epoch

    def clear(self) -> None:
        """Forget every checkpoint, for a run that starts anew."""
        for path in (*self.folder.glob("*.npz"), *self.folder.glob(".*.part")):
            path.unlink(missing_ok=True)

    def _best(self, epoch: int) -> Path:
        return self.folder / f"best-{epoch:04d}.npz"

    def _remove_leftovers(self, best_epoch: int) -> None:
        for path in self.folder.glob("best-*.npz"):
            if path != self._best(best_epoch):
                path.unlink(missing_ok=True)
        # A process that was killed while it wrote leaves its temporary file behind.
        for path in self.folder.glob(".*.part"):
            path.unlink(missing_ok=True)

    def _good_epoch(self) -> int:
        try:
            state = self.state()
        except RunError:
            return 0
        return state.epoch if state else 0


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An .npz file; closed also where NumPy finds it damaged."""
    with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        yield file


def arrays_of(model: "keras.Model", state: TrainingState) -> Iterator[tuple[str, np.ndarray]]:
    """Everything of a checkpoint by name, one array at a time, so that a large network is not copied whole.

    The arrays may share memory with the network: who keeps them while it trains on must copy them.
    """
    yield "state", np.frombuffer(json.dumps(asdict(state)).encode(), dtype=np.uint8)
    for i, variable in enumerate(model.variables):
        yield f"model_{i}", np.asarray(variable)
    for i, variable in enumerate(model.optimizer.variables):
        yield f"optimizer_{i}", np.asarray(variable)


def _write_arrays(file: BinaryIO, arrays: Arrays) -> None:
    """An uncompressed .npz file, as `np.savez` writes it but without its copies of each array."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays:
            array = np.asarray(array, order="C")
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                header = np.lib.format.header_data_from_array_1_0(array)
                np.lib.format.write_array_header_1_0(member, header)  # type: ignore[arg-type]
                member.write(array.data)


def _assign(variables: list[Any], file: Any, prefix: str) -> None:
    names = [name for name in file.files if name.startswith(f"{prefix}_")]
    if len(names) != len(variables):
        raise RunError(
            f"Expected a checkpoint of {len(variables)} {prefix} variables, as this network has. Received: {len(names)}"
        )
    for i, variable in enumerate(variables):
        value = file[f"{prefix}_{i}"]
        if tuple(value.shape) != tuple(variable.shape):
            raise RunError(
                f"Expected {prefix} variable {i} of shape {tuple(variable.shape)}. Received: {tuple(value.shape)}"
            )
        variable.assign(value)
