"""A run's figures as TensorBoard event files, so that `tensorboard --logdir RUN` shows them; needs no TensorBoard."""

import os
import time
from pathlib import Path
from typing import Any

from hemo.runs.events import Event

_EPOCH_FIGURES = ("loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc", "learning_rate")
_BATCH_FIGURES = ("loss", "accuracy", "auc", "images_per_second")


class TensorBoardWriter:
    """Writes batch and epoch figures as scalars; the file is begun with the first of them.

    Args:
        folder: of the event files; each process writes one of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    def write(self, event: Event) -> None:
        """Write the scalars of a batch or epoch event; other events have none.

        Raises:
            OSError: the file cannot be written.
        """
        if event["event"] == "epoch":
            values = {f"epoch/{name}": event.get(name) for name in _EPOCH_FIGURES}
            self._scalars(values, int(event["epoch"]))
            self._call("flush")
        elif event["event"] == "batch":
            step = (int(event["epoch"]) - 1) * int(event["batches"]) + int(event["batch"])
            self._scalars({f"batch/{name}": event.get(name) for name in _BATCH_FIGURES}, step)

    def close(self) -> None:
        """Close the file, if one was begun."""
        if self._writer is not None:
            self._call("close")

    def _scalars(self, values: dict[str, Any], step: int) -> None:
        from tensorflow.core.framework.summary_pb2 import Summary
        from tensorflow.core.util.event_pb2 import Event as TensorBoardEvent

        if self._writer is None:
            self._open()
        summary = Summary(
            value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items() if value is not None]
        )
        record = TensorBoardEvent(wall_time=time.time(), step=step, summary=summary)
        self._call("write", record.SerializeToString())

    def _open(self) -> None:
        import tensorflow as tf
        from tensorflow.core.util.event_pb2 import Event as TensorBoardEvent

        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"events.out.tfevents.{int(time.time())}.{os.getpid()}"
        self._writer = tf.io.TFRecordWriter(str(path))
        # TensorBoard tells the format by this first record.
        first = TensorBoardEvent(wall_time=time.time(), file_version="brain.Event:2")
        self._call("write", first.SerializeToString())

    def _call(self, method: str, *arguments: bytes) -> None:
        import tensorflow as tf

        try:
            getattr(self._writer, method)(*arguments)
        except tf.errors.OpError as error:
            raise OSError(error.error_code, error.message) from error
