"""Checkpoints written beside the training: the next epoch begins while the last one's state goes to disk."""

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hemo.model.checkpoint import Arrays, Checkpoints, TrainingState, arrays_of

if TYPE_CHECKING:
    import keras


class CheckpointWriter:
    """Copies the state of an epoch and lets a thread write the copy, one at a time and in order.

    A process that is killed before the copy is on disk resumes from the epoch before, as if killed a moment earlier;
    the file itself is whole or absent, as `Checkpoints` writes it. The copy costs as much memory as the state and is
    kept for the next epoch, because fresh memory costs more time than the copying.

    Args:
        store: writes the files.
    """

    def __init__(self, store: Checkpoints) -> None:
        self._store = store
        self._copies: dict[str, np.ndarray] = {}
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def save(self, model: "keras.Model", state: TrainingState) -> None:
        """Copy everything after an epoch and begin to write it; waits for the former one.

        Raises:
            RunError: the former one could not be written.
        """
        self.wait()
        arrays = [(name, self._copy(name, array)) for name, array in arrays_of(model, state)]
        # Not a daemon: a process that ends by itself ends with the checkpoint on disk.
        self._thread = threading.Thread(target=self._write, args=(arrays, replace(state)), name="checkpoint")
        self._thread.start()

    def check(self) -> None:
        """Tell of a write that has failed, without waiting for one that goes on.

        Raises:
            RunError: it could not be written; the former checkpoint is whole.
        """
        if self._thread is not None and not self._thread.is_alive():
            self.wait()

    def wait(self) -> None:
        """Wait until the checkpoint is on disk.

        Raises:
            RunError: it could not be written; the former checkpoint is whole.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _copy(self, name: str, array: np.ndarray) -> np.ndarray:
        known = self._copies.get(name)
        if known is None or known.shape != array.shape or known.dtype != array.dtype:
            known = self._copies[name] = np.empty(array.shape, array.dtype)
        np.copyto(known, array)
        return known

    def _write(self, arrays: Arrays, state: TrainingState) -> None:
        try:
            self._store.write(arrays, state)
        except BaseException as error:  # raised again in the thread that trains
            self._error = error
