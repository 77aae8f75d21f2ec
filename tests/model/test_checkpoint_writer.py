"""Checkpoints beside the training: what is written is what was, in order, and a failure is told."""

import errno
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hemo.errors import RunError
from hemo.model.checkpoint import LAST, Checkpoints, TrainingState
from hemo.model.checkpoint_writer import CheckpointWriter


class Network:
    """Two variables whose arrays are the network's own memory, as TensorFlow's may be."""

    def __init__(self) -> None:
        self.variables = [np.zeros((3, 2), np.float32), np.array(0, np.int64)]
        self.optimizer = type("Optimizer", (), {"variables": [np.zeros(4, np.float32)]})()

    def step(self) -> None:
        for array in (*self.variables, *self.optimizer.variables):
            array += 1


def slow_disk(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Nothing reaches the disk until the event is set."""
    let, fsync = threading.Event(), os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (let.wait(30), fsync(descriptor)))
    return let


def test_the_network_trains_on_while_its_former_state_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let = slow_disk(monkeypatch)
    network, state, writer = Network(), TrainingState(1, [{"loss": 2.0}]), CheckpointWriter(Checkpoints(tmp_path))
    network.step()
    writer.save(network, state)  # type: ignore[arg-type]
    network.step()
    state.epoch = 2
    state.history.append({"loss": 1.0})
    assert not (tmp_path / LAST).exists()
    let.set()
    writer.wait()
    loaded = Network()
    found = Checkpoints(tmp_path).state()
    assert found == TrainingState(1, [{"loss": 2.0}])
    with np.load(tmp_path / LAST) as file:
        np.testing.assert_array_equal(file["model_0"], np.ones((3, 2)))
        assert file["model_1"] == 1
        np.testing.assert_array_equal(file["optimizer_0"], np.ones(4))
        assert [file[f"model_{i}"].shape for i in (0, 1)] == [array.shape for array in loaded.variables]


def test_epochs_are_written_in_order_and_the_best_is_kept(tmp_path: Path) -> None:
    network, writer = Network(), CheckpointWriter(Checkpoints(tmp_path))
    for epoch, best in ((1, 1), (2, 2), (3, 2), (4, 2)):
        network.step()
        writer.save(network, TrainingState(epoch, best_epoch=best))  # type: ignore[arg-type]
    writer.wait()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best-0002.npz", LAST]
    values: dict[str, Any] = {path.name: np.load(path)["optimizer_0"][0] for path in tmp_path.iterdir()}
    assert values == {"best-0002.npz": 2, LAST: 4}


@pytest.mark.parametrize("told_by", ["check", "wait", "save"])
def test_a_write_that_fails_is_told_once_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told_by: str
) -> None:
    network, writer = Network(), CheckpointWriter(Checkpoints(tmp_path))
    writer.save(network, TrainingState(4))  # type: ignore[arg-type]
    writer.wait()

    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    writer.save(network, TrainingState(5))  # type: ignore[arg-type]
    assert writer._thread is not None
    writer._thread.join()
    calls: dict[str, Any] = {"save": lambda: writer.save(network, TrainingState(6))}  # type: ignore[arg-type]
    with pytest.raises(RunError, match="the checkpoint of epoch 4 is whole"):
        calls.get(told_by, getattr(writer, told_by))()
    writer.check()
    writer.wait()
