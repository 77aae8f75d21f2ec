"""The watchers between the steps of a training, each with a stand-in for the model."""

import types
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from hemo.errors import RunError
from hemo.model.callbacks import (
    FiniteLoss,
    Interrupted,
    Obey,
    ReportProgress,
    TrackState,
    Validate,
    figures,
    rank_auc,
    roc_points,
)
from hemo.model.checkpoint import TrainingState
from hemo.model.input_pipeline import BatchSource

MODEL = types.SimpleNamespace(optimizer=types.SimpleNamespace(learning_rate=0.001))


def small_source(n: int = 20, batch: int = 8) -> BatchSource:
    return BatchSource(np.zeros((n, 4, 4), np.uint8), np.zeros(n, int), np.arange(n), batch=batch, target="binary")


@pytest.mark.parametrize("seed", range(4))
def test_the_auc_equals_scikit_learns_with_and_without_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 60)
    scores = rng.normal(size=60) if seed % 2 else rng.integers(0, 6, 60).astype(float)
    assert rank_auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))


def test_the_auc_of_one_class_is_none_and_left_out_of_the_figures() -> None:
    labels = np.ones(5, int)
    assert rank_auc(labels, np.arange(5.0)) is None
    assert "auc" not in figures(labels, np.arange(5, dtype=np.float32))


def test_the_loss_is_the_mean_cross_entropy() -> None:
    labels, logits = np.array([1, 0]), np.array([np.log(3.0), np.log(3.0)], np.float32)  # probability 0.75
    result = figures(labels, logits)
    assert result["loss"] == pytest.approx(-(np.log(0.75) + np.log(0.25)) / 2)
    assert result["accuracy"] == 0.5


def test_the_roc_runs_from_corner_to_corner_and_holds_the_auc() -> None:
    rng = np.random.default_rng(1)
    labels, scores = rng.integers(0, 2, 120), rng.normal(size=120)
    points = np.array(roc_points(labels, scores))
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    assert np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(roc_auc_score(labels, scores), abs=1e-3)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_run_with_a_suggestion(loss: float) -> None:
    watcher = FiniteLoss(learning_rate=0.5)
    watcher.on_epoch_begin(None, 0)
    watcher.on_batch_end(None, 0, {"loss": 0.7})
    with pytest.raises(
        RunError, match=r"try a learning rate of 0\.05 in place of 0\.5\. Received: (nan|inf) at batch 2 of"
    ):
        watcher.on_batch_end(None, 1, {"loss": loss})


def test_a_pause_holds_until_it_is_over() -> None:
    waiting = iter(["pause", None, None, "resume"])
    events: list[dict[str, Any]] = []
    Obey(lambda: next(waiting), events.append).look()  # type: ignore[arg-type]
    assert [event["state"] for event in events] == ["paused", "training"]
    assert next(waiting, "read to the end") == "read to the end"


@pytest.mark.parametrize("command", ["stop", "keep_best"])
def test_a_stop_also_ends_a_pause(command: str) -> None:
    waiting = iter(["pause", command])
    with pytest.raises(Interrupted) as raised:
        Obey(lambda: next(waiting), lambda event: None).look()  # type: ignore[arg-type]
    assert raised.value.command == command


def test_validation_adds_its_figures_and_looks_for_commands_between_batches() -> None:
    looked = []
    source = small_source(n=20, batch=8)
    labels = np.arange(20) % 2
    watcher = Validate(source, labels, lambda images: np.zeros(len(images), np.float32), lambda: looked.append(1))
    logs = {"loss": 1.0}
    watcher.on_epoch_end(MODEL, 0, logs)
    assert logs["val_auc"] == 0.5
    assert logs["val_loss"] == pytest.approx(np.log(2))
    assert len(looked) == 3


def test_early_stopping_gets_back_what_it_knew_and_the_best_epoch_follows_its_figure() -> None:
    early_stopping = types.SimpleNamespace(wait=0, best=None, best_epoch=0, stopped_epoch=0)
    known = TrainingState(3, [{}, {}, {}], {"wait": 2, "best": 0.4, "best_epoch": 0, "stopped_epoch": 0}, 1, 0.4)
    watcher = TrackState(known, "val_loss", early_stopping)
    watcher.on_train_begin(MODEL)
    assert (early_stopping.wait, early_stopping.best) == (2, 0.4)
    watcher.on_epoch_end(MODEL, 3, {"val_loss": 0.5})
    assert (known.epoch, known.best_epoch, len(known.history)) == (4, 1, 4)
    watcher.on_epoch_end(MODEL, 4, {"val_loss": 0.3})
    assert (known.best_epoch, known.best_value) == (5, 0.3)
    watcher.on_epoch_end(MODEL, 5, {"val_loss": float("nan")})
    assert known.best_epoch == 5


def test_events_carry_the_loss_of_the_batch_not_of_the_epoch() -> None:
    events: list[dict[str, Any]] = []
    source = small_source(n=20, batch=8)
    validate = Validate(source, np.zeros(20, int), lambda images: np.zeros(len(images), np.float32), lambda: None)
    watcher = ReportProgress(events.append, source, 5, TrainingState(), validate, np.zeros(20, int))
    watcher.on_train_begin(MODEL)
    watcher.on_epoch_begin(MODEL, 0)
    watcher.on_batch_end(MODEL, 0, {"loss": 1.0})
    watcher._sent_at = 0.0  # as if a tenth of a second had passed
    watcher.on_batch_end(MODEL, 1, {"loss": 2.0})  # mean of 1 and 3
    watcher.on_batch_end(MODEL, 2, {"loss": 2.0})  # the last, smaller batch, at 2
    assert [event["loss"] for event in events] == pytest.approx([1.0, 3.0, 2.0])
    assert [(event["batch"], event["batches"]) for event in events] == [(1, 3), (2, 3), (3, 3)]
    assert events[-1]["learning_rate"] == 0.001
    assert events[-1]["images_per_second"] > 0
