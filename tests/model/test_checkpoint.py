"""Checkpoints: all of it comes back, and a write that fails leaves the one before."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hemo.errors import RunError
from hemo.model.checkpoint import LAST, Checkpoints, TrainingState


def network(seed: int, width: int = 3) -> Any:
    import keras

    keras.utils.set_random_seed(seed)
    image = keras.Input((4,))
    x = keras.layers.Dense(width)(image)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.5)(x)
    model = keras.Model(image, keras.layers.Dense(1)(x))
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def values(model: Any) -> list[np.ndarray]:
    return [np.asarray(variable) for variable in (*model.variables, *model.optimizer.variables)]


@pytest.fixture
def trained() -> Any:
    model = network(1)
    rng = np.random.default_rng(0)
    model.fit(rng.random((16, 4)), rng.random((16, 1)), epochs=2, verbose=0)
    return model


def test_weights_optimizer_and_random_state_come_back(tmp_path: Path, trained: Any) -> None:
    state = TrainingState(2, [{"loss": 1.5}, {"loss": 1.0}], {"wait": 1, "best": 0.9}, 2, 1.0, 12.5)
    Checkpoints(tmp_path).save(trained, state)
    other = network(2)
    assert Checkpoints(tmp_path).load(other) == state
    for saved, loaded in zip(values(trained), values(other), strict=True):
        np.testing.assert_array_equal(saved, loaded)
    names = [variable.name for variable in other.variables]
    assert "seed_generator_state" in names  # the dropout's random state is among them


def test_nothing_saved_is_none(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path).state() is None
    with pytest.raises(RunError, match="at least one finished epoch"):
        Checkpoints(tmp_path).load_kept(network(1), "best")


@pytest.mark.parametrize("links", [True, False])
def test_best_weights_stay_when_the_last_go_on(
    tmp_path: Path, trained: Any, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", refuse_links)
    store = Checkpoints(tmp_path)
    first = [weight.copy() for weight in trained.get_weights()]
    loaded = network(3)
    store.save(trained, TrainingState(1, best_epoch=1))
    assert store.load_kept(loaded, "best") == 1
    for epoch in (2, 3):
        trained.set_weights([weight + 1 for weight in trained.get_weights()])
        store.save(trained, TrainingState(epoch, best_epoch=1))
    assert store.load_kept(loaded, "best") == 1
    np.testing.assert_array_equal(loaded.get_weights()[0], first[0])
    assert store.load_kept(loaded, "last") == 3
    np.testing.assert_array_equal(loaded.get_weights()[0], first[0] + 1 + 1)


def refuse_links(*arguments: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def test_only_the_present_best_stays_on_disk(tmp_path: Path, trained: Any) -> None:
    store = Checkpoints(tmp_path)
    for epoch, best in ((1, 1), (2, 1), (3, 3), (4, 3)):
        store.save(trained, TrainingState(epoch, best_epoch=best))
    (tmp_path / ".last.npz.99.part").write_bytes(b"left by a killed process")
    store.save(trained, TrainingState(5, best_epoch=3))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best-0003.npz", LAST]


def test_a_kill_after_the_best_was_set_aside_loses_nothing(tmp_path: Path, trained: Any) -> None:
    store = Checkpoints(tmp_path)
    store.save(trained, TrainingState(1, best_epoch=1))
    os.link(tmp_path / LAST, tmp_path / "best-0001.npz")  # and killed here, before epoch 2 was written
    assert store.state() == TrainingState(1, best_epoch=1)
    store.save(trained, TrainingState(2, best_epoch=1))
    assert store.load_kept(network(3), "best") == 1


@pytest.mark.parametrize(
    ("number", "text"), [(errno.ENOSPC, "No space left on device"), (errno.EROFS, "Read-only file system")]
)
def test_a_write_that_fails_keeps_the_last_good_checkpoint(
    tmp_path: Path, trained: Any, monkeypatch: pytest.MonkeyPatch, number: int, text: str
) -> None:
    store = Checkpoints(tmp_path)
    store.save(trained, TrainingState(4))
    before = (tmp_path / LAST).read_bytes()

    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(RunError) as raised:
        store.save(trained, TrainingState(5))
    message = str(raised.value)
    assert "the checkpoint of epoch 5" in message
    assert "the checkpoint of epoch 4 is whole" in message
    assert message.endswith(f"Received: {text}")
    assert (tmp_path / LAST).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [LAST]


@pytest.mark.parametrize("kept", [0, 100, 2000])
def test_a_damaged_checkpoint_is_a_run_error(tmp_path: Path, trained: Any, kept: int) -> None:
    store = Checkpoints(tmp_path)
    store.save(trained, TrainingState(1))
    data = (tmp_path / LAST).read_bytes()
    (tmp_path / LAST).write_bytes(data[:kept])
    with pytest.raises(RunError, match="Expected a whole checkpoint"):
        store.state()


def test_another_networks_checkpoint_is_refused(tmp_path: Path, trained: Any) -> None:
    Checkpoints(tmp_path).save(trained, TrainingState(1))
    with pytest.raises(RunError, match="of shape"):
        Checkpoints(tmp_path).load(network(1, width=5))
