"""When the live curves are drawn anew: at once for the first batches and at the end, every few seconds in between."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hemo.model.training_config import RECOMMENDED
from hemo.runs.history import History
from hemo.runs.run import Run, Status, create_run
from pages.components import train_current


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(train_current.time, "monotonic", lambda: now.seconds)
    monkeypatch.setattr(train_current.st, "session_state", {})
    return now


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(tmp_path / "run", RECOMMENDED.replace(data="/data/set"))


def add_batch(history: History, number: int) -> None:
    figures: dict[str, Any] = {"loss": 0.5, "accuracy": 0.7, "auc": 0.8, "time": float(number)}
    history.add({"event": "batch", "epoch": 1, "batch": number, "batches": 100, **figures})


def test_the_first_batches_are_drawn_as_they_come_and_later_ones_every_few_seconds(
    run: Run, clock: SimpleNamespace
) -> None:
    history, training = History(), Status("training", 0.0)
    add_batch(history, 1)
    first = train_current._figure(run, training, history)
    add_batch(history, 2)
    second = train_current._figure(run, training, history)
    assert second is not first
    for number in range(3, 40):
        add_batch(history, number)
    drawn = train_current._figure(run, training, history)
    add_batch(history, 40)
    clock.seconds += 1.0
    assert train_current._figure(run, training, history) is drawn
    clock.seconds += train_current._REDRAW_SECONDS
    assert train_current._figure(run, training, history) is not drawn


def test_the_end_is_drawn_at_once(run: Run, clock: SimpleNamespace) -> None:
    history, training = History(), Status("training", 0.0)
    for number in range(1, 41):
        add_batch(history, number)
    drawn = train_current._figure(run, training, history)
    history.add({"event": "epoch", "epoch": 1, "loss": 0.4, "val_loss": 0.5, "time": 41.0})
    assert train_current._figure(run, training, history) is drawn
    ended = train_current._figure(run, Status("stopped", 1.0), history)
    assert ended is not drawn
    assert train_current._figure(run, Status("stopped", 1.0), history) is ended
