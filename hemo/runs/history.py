"""What a run's events add up to: curves by batch and by epoch, and where the run stands."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hemo.runs.events import EVENTS, Event, EventReader

BATCHES_KEPT = 20_000


@dataclass
class History:
    """Curves of one run.

    Args:
        batches: one event a batch, in order.
        epochs: one event a finished epoch, in order.
        last: the latest event of any kind.
    """

    batches: list[Event] = field(default_factory=list)
    epochs: list[Event] = field(default_factory=list)
    last: Event = field(default_factory=dict)
    progress: Event = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Take in the next event; a run that begins or is resumed forgets what lies beyond its checkpoint."""
        kind = event.get("event")
        if kind == "batch":
            self.batches.append(event)
            if len(self.batches) > BATCHES_KEPT:
                del self.batches[::2]
        elif kind == "epoch":
            self.epochs.append(event)
        elif kind == "resume":
            finished = int(event.get("epoch", 0))
            self.batches = [batch for batch in self.batches if batch["epoch"] <= finished]
            self.epochs = [epoch for epoch in self.epochs if epoch["epoch"] <= finished]
        elif kind == "progress":
            self.progress = event
        self.last = event

    @property
    def latest(self) -> dict[str, Any]:
        """The latest batch event, or {}."""
        return self.batches[-1] if self.batches else {}

    def best(self, monitor: str = "val_auc") -> Event | None:
        """The epoch with the best value of a figure (losses count down), or None."""
        known = [epoch for epoch in self.epochs if epoch.get(monitor) is not None]
        if not known:
            return None
        pick = min if monitor.endswith("loss") else max
        return pick(known, key=lambda epoch: float(epoch[monitor]))


class HistoryReader:
    """Keeps a run's history up to date without reading the file anew.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.history = History()
        self._reader = EventReader(folder / EVENTS)

    def update(self) -> History:
        """Take in new events."""
        for event in self._reader.new():
            self.history.add(event)
        return self.history


def read_history(folder: Path) -> History:
    """The whole history of a run's folder."""
    return HistoryReader(folder).update()
