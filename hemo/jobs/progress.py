"""Lines about runs at work, read from their event files, wherever the work is done."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from hemo.runs.events import EVENTS, Event, EventReader

Say = Callable[[str], None]

_SECONDS = 0.5
_SHOWN = ("loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc")


class ProgressLines:
    """Says a line for each epoch that ends and each run that goes on, while the `with` block lasts.

    Args:
        folders: of the runs; those that do not exist yet are looked for.
        say: receives the lines, from a thread of its own.
    """

    def __init__(self, folders: Sequence[Path], say: Say) -> None:
        self._readers = {folder.name: EventReader(folder / EVENTS) for folder in folders}
        self._say = say
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> "ProgressLines":
        for reader in self._readers.values():
            reader.new()  # what was done before was told before
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say what is left to say."""
        self._over.set()
        self._thread.join()
        self._look()

    def _follow(self) -> None:
        while not self._over.wait(_SECONDS):
            self._look()

    def _look(self) -> None:
        for name, reader in self._readers.items():
            for event in reader.new():
                if line := _line(event):
                    self._say(f"{name}: {line}")


def epoch_line(event: Event) -> str:
    """A finished epoch in one line."""
    figures = "  ".join(f"{name} {event[name]:.4f}" for name in _SHOWN if event.get(name) is not None)
    return f"epoch {event['epoch']}/{event['epochs']}  {figures}  {event['seconds']:.1f} s"


def _line(event: Event) -> str:
    if event.get("event") == "epoch":
        return epoch_line(event)
    if event.get("event") == "resume" and event.get("epoch"):
        return f"goes on after epoch {event['epoch']}"
    return ""
