"""What happens between the steps of `model.fit`, as plain objects; `as_keras` hangs them into it.

Each watcher does one thing. None imports TensorFlow, so each can be tested with a stand-in for the model.
"""

import math
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from hemo.errors import RunError
from hemo.model.checkpoint import TrainingState
from hemo.model.checkpoint_writer import CheckpointWriter
from hemo.model.input_pipeline import BatchSource

if TYPE_CHECKING:
    import keras

Event = dict[str, Any]
Report = Callable[[Event], None]
Command = Literal["stop", "keep_best", "pause", "resume"]
Commands = Callable[[], Command | None]

POLL_SECONDS = 0.2
BATCH_EVENT_SECONDS = 0.1
ROC_POINTS = 200
_EPSILON = 1e-7  # Keras clips probabilities there before it takes their logarithm.


class Interrupted(Exception):  # noqa: N818 (not a fault: the user asked for it)
    """Training ends inside an epoch because the user asked; the last finished epoch stays."""

    def __init__(self, command: Command) -> None:
        super().__init__(command)
        self.command = command


class Watcher:
    """Base: does nothing at any step. Epochs and batches count from 0, as Keras counts."""

    def on_train_begin(self, model: Any) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, model: Any, epoch: int) -> None:
        """Before the first batch of an epoch."""

    def on_batch_end(self, model: Any, batch: int, logs: dict[str, float]) -> None:
        """After a batch; `logs` are means since the epoch began."""

    def on_epoch_end(self, model: Any, epoch: int, logs: dict[str, float]) -> None:
        """After an epoch; figures added to `logs` are seen by the watchers behind."""


def as_keras(watcher: Watcher) -> "keras.callbacks.Callback":
    """The watcher as a Keras callback."""
    import keras

    class Adapter(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            watcher.on_train_begin(self.model)

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            watcher.on_epoch_begin(self.model, epoch)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            watcher.on_batch_end(self.model, batch, logs or {})

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            watcher.on_epoch_end(self.model, epoch, logs if logs is not None else {})

    return Adapter()


class DrawEpoch(Watcher):
    """Tells the batch source which epoch it is, so that its draws follow from (seed, epoch, batch)."""

    def __init__(self, source: BatchSource) -> None:
        self._source = source

    def on_epoch_begin(self, model: Any, epoch: int) -> None:
        """Draw the epoch's order before Keras asks for its first batch."""
        self._source.set_epoch(epoch)


class FiniteLoss(Watcher):
    """Ends a run at the first batch whose loss is not a number, with a suggestion."""

    def __init__(self, learning_rate: float) -> None:
        self._learning_rate = learning_rate
        self._epoch = 0

    def on_epoch_begin(self, model: Any, epoch: int) -> None:
        """Remember the epoch for the message."""
        self._epoch = epoch

    def on_batch_end(self, model: Any, batch: int, logs: dict[str, float]) -> None:
        """Look at the loss.

        Raises:
            RunError: the loss is NaN or infinite.
        """
        loss = logs.get("loss")
        if loss is not None and not math.isfinite(loss):
            raise RunError(
                f"Expected a finite training loss; try a learning rate of {self._learning_rate / 10:g} in place of "
                f"{self._learning_rate:g}. Received: {loss} at batch {batch + 1} of epoch {self._epoch + 1}"
            )


class Obey(Watcher):
    """Follows the commands stop, keep best, pause and resume after each batch.

    Args:
        commands: returns a command once, then None.
        report: receives a `state` event when training pauses or goes on.
    """

    def __init__(self, commands: Commands, report: Report) -> None:
        self._commands = commands
        self._report = report

    def on_batch_end(self, model: Any, batch: int, logs: dict[str, float]) -> None:
        """Look for a command."""
        self.look()

    def look(self) -> None:
        """Act on a waiting command; a pause returns when it is over.

        Raises:
            Interrupted: the command was "stop" or "keep_best".
        """
        command = self._commands()
        if command == "pause":
            self._report({"event": "state", "state": "paused"})
            while command not in ("resume", "stop", "keep_best"):
                time.sleep(POLL_SECONDS)
                command = self._commands()
            self._report({"event": "state", "state": "training"})
        if command in ("stop", "keep_best"):
            raise Interrupted(command)


class Validate(Watcher):
    """Judges the network on the validation part after each epoch and adds `val_loss`, `val_accuracy`, `val_auc`.

    Keras' own validation would give no exact AUC and no scores; this takes both from one pass.

    Args:
        source: the validation part, unshuffled.
        labels: int (n,) in the source's order.
        forward: images float32 (n, S, S, 1) → logit float32 (n,).
        between: called between batches, so that a stop need not wait for a long validation.
    """

    def __init__(
        self,
        source: BatchSource,
        labels: npt.NDArray[np.integer[Any]],
        forward: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]],
        between: Callable[[], None],
    ) -> None:
        self._source = source
        self._labels = np.asarray(labels, dtype=np.int64)
        self._forward = forward
        self._between = between
        self.logits: npt.NDArray[np.float32] = np.zeros(0, dtype=np.float32)

    def on_epoch_end(self, model: Any, epoch: int, logs: dict[str, float]) -> None:
        """Score the part."""
        parts = []
        for index in range(len(self._source)):
            parts.append(self._forward(self._source[index][0]))
            self._between()
        self.logits = np.concatenate(parts)
        logs.update({f"val_{name}": value for name, value in figures(self._labels, self.logits).items()})


class TrackState(Watcher):
    """Keeps the state that the next epoch depends on, and knows which epoch is the best.

    Args:
        state: of the run so far; updated in place.
        monitor: figure that tells the best epoch.
        early_stopping: Keras' callback, whose state belongs to the run's; it must run before this watcher.
    """

    def __init__(self, state: TrainingState, monitor: str, early_stopping: Any | None) -> None:
        self._state = state
        self._monitor = monitor
        self._early_stopping = early_stopping
        self._began = time.monotonic()

    def on_train_begin(self, model: Any) -> None:
        """Give early stopping back what it knew."""
        self._began = time.monotonic() - self._state.seconds
        if self._early_stopping is not None:
            for name, value in self._state.stop.items():
                setattr(self._early_stopping, name, value)

    def on_epoch_end(self, model: Any, epoch: int, logs: dict[str, float]) -> None:
        """Take in the finished epoch."""
        state = self._state
        state.epoch = epoch + 1
        state.seconds = time.monotonic() - self._began
        state.history.append({name: float(value) for name, value in logs.items()})
        if self._early_stopping is not None:
            names = ("wait", "best", "best_epoch", "stopped_epoch")
            state.stop = {name: _plain(getattr(self._early_stopping, name)) for name in names}
        value = logs.get(self._monitor)
        if value is not None and math.isfinite(value) and self._improved(value):
            state.best_epoch, state.best_value = epoch + 1, float(value)

    def _improved(self, value: float) -> bool:
        best = self._state.best_value
        if best is None:
            return True
        return value < best if self._monitor.endswith("loss") else value > best


class SaveCheckpoint(Watcher):
    """Writes a checkpoint after each epoch, while the next one trains.

    It runs after the epoch was reported: a kill between the two leaves an event too many, which the resumed run takes
    back, and never one too few.

    Args:
        writer: writes beside the training; who made it waits for it in the end.
        state: kept by `TrackState`.
    """

    def __init__(self, writer: CheckpointWriter, state: TrainingState) -> None:
        self._writer = writer
        self._state = state

    def on_batch_end(self, model: Any, batch: int, logs: dict[str, float]) -> None:
        """End the run soon after a write has failed.

        Raises:
            RunError: the last finished epoch could not be written.
        """
        self._writer.check()

    def on_epoch_end(self, model: Any, epoch: int, logs: dict[str, float]) -> None:
        """Write the state of the finished epoch.

        Raises:
            RunError: the one before could not be written.
        """
        self._writer.save(model, self._state)


class ReportProgress(Watcher):
    """Sends an event after a batch (at most ten a second) and after an epoch.

    Args:
        report: receives the events.
        source: the training part.
        epochs: most epochs.
        state: of the run; read only.
        validate: holds the validation scores of the epoch.
        labels: of the validation part.
    """

    def __init__(
        self,
        report: Report,
        source: BatchSource,
        epochs: int,
        state: TrainingState,
        validate: Validate,
        labels: npt.NDArray[np.integer[Any]],
    ) -> None:
        self._report = report
        self._source = source
        self._epochs = epochs
        self._state = state
        self._validate = validate
        self._labels = np.asarray(labels, dtype=np.int64)
        self._speed = _Speed()
        self._epoch = 0
        self._epoch_began = 0.0
        self._sent_at = 0.0
        self._seen = 0
        self._sent = (0, 0.0)

    def on_train_begin(self, model: Any) -> None:
        """Start the clock."""
        self._speed = _Speed()

    def on_epoch_begin(self, model: Any, epoch: int) -> None:
        """Start the epoch's sums."""
        self._epoch, self._epoch_began = epoch, time.monotonic()
        self._seen, self._sent, self._sent_at = 0, (0, 0.0), 0.0

    def on_batch_end(self, model: Any, batch: int, logs: dict[str, float]) -> None:
        """Send loss since the last event, accuracy and AUC since the epoch began, speed and time left."""
        size = self._source.size(batch)
        self._seen += size
        self._speed.add(size)
        now, last = time.monotonic(), batch + 1 == len(self._source)
        if now - self._sent_at < BATCH_EVENT_SECONDS and not last:
            return
        total = logs["loss"] * self._seen
        count, before = self._sent
        event = {
            "event": "batch",
            "epoch": self._epoch + 1,
            "batch": batch + 1,
            "batches": len(self._source),
            "loss": (total - before) / max(self._seen - count, 1),
            "accuracy": logs.get("accuracy"),
            "auc": logs.get("auc"),
            "learning_rate": learning_rate(model),
            "images_per_second": self._speed.rate(),
            "time_left_s": self._time_left(batch + 1),
            "memory_mb": memory_mb(),
        }
        self._sent, self._sent_at = (self._seen, total), now
        self._report(event)

    def on_epoch_end(self, model: Any, epoch: int, logs: dict[str, float]) -> None:
        """Send the epoch's figures and the validation ROC curve."""
        self._report(
            {
                "event": "epoch",
                "epoch": epoch + 1,
                "epochs": self._epochs,
                **{name: float(value) for name, value in logs.items()},
                "learning_rate": learning_rate(model),
                "images_per_second": self._speed.rate(),
                "time_left_s": self._time_left(0, epochs_done=epoch + 1),
                "seconds": time.monotonic() - self._epoch_began,
                "memory_mb": memory_mb(),
                "best_epoch": self._state.best_epoch,
                "roc": roc_points(self._labels, self._validate.logits),
            }
        )
        self._speed.lap()

    def _time_left(self, batches: int, epochs_done: int | None = None) -> float | None:
        done = self._epoch if epochs_done is None else epochs_done
        epochs = self._epochs - done - batches / len(self._source)
        seconds = self._speed.epoch_seconds(len(self._source.rows))
        return None if seconds is None else max(epochs, 0.0) * seconds


class _Speed:
    """Images a second over the last batches, and seconds an epoch including validation and checkpoint."""

    def __init__(self) -> None:
        self._times: list[tuple[float, int]] = [(time.monotonic(), 0)]
        self._lap_began = time.monotonic()
        self._lap: float | None = None

    def add(self, images: int) -> None:
        self._times = [*self._times[-20:], (time.monotonic(), images)]

    def lap(self) -> None:
        self._lap = time.monotonic() - self._lap_began
        self._lap_began = time.monotonic()
        self._times = [(self._lap_began, 0)]

    def rate(self) -> float | None:
        seconds = self._times[-1][0] - self._times[0][0]
        images = sum(count for _, count in self._times[1:])
        return images / seconds if seconds > 0 and images else None

    def epoch_seconds(self, images: int) -> float | None:
        if self._lap is not None:
            return self._lap
        rate = self.rate()
        return images / rate if rate else None


def figures(labels: npt.NDArray[np.int64], logits: npt.NDArray[np.float32]) -> dict[str, float]:
    """Loss (cross-entropy), accuracy at 0.5 and exact AUC; the AUC is left out where one class is missing.

    Args:
        labels: int (n,).
        logits: float (n,).
    """
    probability = 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -60, 60)))
    of_label = np.clip(np.where(labels == 1, probability, 1.0 - probability), _EPSILON, 1.0 - _EPSILON)
    result = {
        "loss": float(-np.log(of_label).mean()),
        "accuracy": float(((logits > 0) == (labels == 1)).mean()),
    }
    auc = rank_auc(labels, logits)
    return result if auc is None else result | {"auc": auc}


def rank_auc(labels: npt.NDArray[np.int64], scores: npt.NDArray[np.floating[Any]]) -> float | None:
    """Area under the ROC curve as the Mann-Whitney statistic, ties at a half; None where one class is missing."""
    positive, negative = np.sort(scores[labels == 1]), np.sort(scores[labels == 0])
    if not len(positive) or not len(negative):
        return None
    below = np.searchsorted(negative, positive, side="left") + np.searchsorted(negative, positive, side="right")
    return float(below.sum() / (2.0 * len(positive) * len(negative)))


def roc_points(labels: npt.NDArray[np.int64], scores: npt.NDArray[np.floating[Any]]) -> list[list[float]]:
    """The ROC curve as [[false positive rate, true positive rate], …] of at most `ROC_POINTS` points."""
    positives, negatives = int((labels == 1).sum()), int((labels == 0).sum())
    if not positives or not negatives:
        return []
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(labels[order] == 1)[last_of_tie] / positives
    alarms = np.cumsum(labels[order] == 0)[last_of_tie] / negatives
    points = np.column_stack([np.append(0.0, alarms), np.append(0.0, hits)])
    if len(points) > ROC_POINTS:
        points = points[np.unique(np.linspace(0, len(points) - 1, ROC_POINTS).astype(int))]
    return [[round(float(x), 5), round(float(y), 5)] for x, y in points]


def learning_rate(model: Any) -> float:
    """The rate of the next step."""
    return float(np.asarray(model.optimizer.learning_rate))


def memory_mb() -> float | None:
    """Resident memory of this process in MB (10^6 bytes); None where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 (ten times a second)
            pages = int(file.read().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else float(value)
