"""Training through model.fit: resumed equals straight, and each way to end."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hemo.data.importers import import_dataset
from hemo.errors import RunError
from hemo.model.callbacks import Command
from hemo.model.checkpoint import LAST, Checkpoints
from hemo.model.training import TrainingConfig, build_network, fit_view, score, train
from hemo.model.training_config import EarlyStop
from hemo.model.training_data import TrainingData, assemble, split_by_protocol
from tests.training_material import tiny_config, write_tiny_phantom


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_phantom(tmp_path_factory.mktemp("data") / "phantom")


@pytest.fixture
def prepared(phantom: Path, tmp_path: Path) -> Callable[[TrainingConfig], TrainingData]:
    def prepare(config: TrainingConfig) -> TrainingData:
        return assemble(split_by_protocol(import_dataset(phantom), config), config, tmp_path / "cache")

    return prepare


def arrays(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / LAST) as file:
        return {name: file[name] for name in file.files if name != "state"}


def after(batches: int, command: Command) -> Callable[[], Command | None]:
    """A command that comes after so many batches; training asks after each one."""
    asked: Iterator[int] = iter(range(10**6))
    return lambda: command if next(asked) == batches - 1 else None


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["compact", "seed_cnn"])
def test_a_run_stopped_in_an_epoch_and_resumed_ends_in_the_same_bits(
    phantom: Path, prepared: Any, tmp_path: Path, architecture: str
) -> None:
    stop = EarlyStop("val_loss", 10, "min")
    config = tiny_config(phantom, architecture=architecture, early_stop=stop, schedule="cosine")
    data = prepared(config)
    straight = train(config, data, tmp_path / "straight")
    batches = -(-len(data.rows("train")) // config.batch)
    stopped = train(config, data, tmp_path / "resumed", commands=after(batches + 3, "stop"))
    assert (stopped.ended, stopped.state.epoch) == ("stopped", 1)
    resumed = train(config, data, tmp_path / "resumed", resume=True)
    assert (straight.ended, resumed.ended) == ("finished", "finished")
    assert resumed.state.history == straight.state.history
    assert resumed.state.stop == straight.state.stop
    assert (resumed.state.best_epoch, resumed.state.best_value) == (
        straight.state.best_epoch,
        straight.state.best_value,
    )
    first, second = arrays(tmp_path / "straight"), arrays(tmp_path / "resumed")
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.mark.slow
def test_early_stopping_ends_the_run_and_stays_ended_when_resumed(phantom: Path, prepared: Any, tmp_path: Path) -> None:
    # A rate of next to nothing cannot improve the loss beyond the augmentation's chance.
    stop = EarlyStop("val_accuracy", 1, "max")
    config = tiny_config(phantom, epochs=40, early_stop=stop, learning_rate=1e-7, schedule="constant")
    data = prepared(config)
    outcome = train(config, data, tmp_path / "run")
    assert outcome.ended == "finished"
    assert outcome.state.epoch < 40
    again = train(config, data, tmp_path / "run", resume=True)
    assert again.state.epoch == outcome.state.epoch


@pytest.mark.slow
def test_events_tell_every_epoch_and_the_first_and_last_batch(phantom: Path, prepared: Any, tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    config = tiny_config(phantom, epochs=2)
    train(config, prepared(config), tmp_path / "run", report=events.append)
    epochs = [event for event in events if event["event"] == "epoch"]
    assert [epoch["epoch"] for epoch in epochs] == [1, 2]
    for name in ("loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc", "learning_rate", "seconds"):
        assert isinstance(epochs[0][name], float), name
    assert epochs[0]["roc"][0] == [0, 0]
    batches = [event for event in events if event["event"] == "batch" and event["epoch"] == 1]
    assert (batches[0]["batch"], batches[-1]["batch"]) == (1, batches[-1]["batches"])


def test_a_learning_rate_that_gives_nan_is_refused_at_the_first_batches(
    phantom: Path, prepared: Any, tmp_path: Path
) -> None:
    config = tiny_config(phantom, optimizer="sgd", learning_rate=1e30, schedule="constant")
    with pytest.raises(RunError, match=r"Expected a finite training loss; try a learning rate of 1e\+29"):
        train(config, prepared(config), tmp_path / "run")
    assert Checkpoints(tmp_path / "run").state() is None


@pytest.mark.parametrize(("architecture", "size"), [("seed_cnn", 2), ("lite0", 100)])
def test_a_size_that_the_network_cannot_take_is_refused_with_one_that_it_can(architecture: str, size: int) -> None:
    with pytest.raises(RunError, match=rf"an image size that {architecture} can take, such as \d+. Received: {size}"):
        build_network(TrainingConfig(architecture=architecture, image_size=size), pretrained=False)


def test_scores_follow_the_rows_asked_for(phantom: Path, prepared: Any) -> None:
    config = tiny_config(phantom)
    data = prepared(config)
    network = fit_view(build_network(config))
    every = score(network, data.images, np.arange(len(data.images)))
    some = score(network, data.images, np.array([7, 3, 40]))
    np.testing.assert_allclose(some, every[[7, 3, 40]], rtol=1e-5)


def test_the_seed_decides_the_weights(phantom: Path) -> None:
    first, second, other = (build_network(tiny_config(phantom, seed=seed)).get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
