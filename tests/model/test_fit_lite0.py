"""Training one network of the recipe: resumable, and the same after a kill as without one."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from hemo.data.bleed_batches import BatchSettings
from hemo.model import fit_lite0
from tests.data.bleed_material import prepared_phantoms

SETTINGS = fit_lite0.Lite0Settings(steps=4, warmup=1, batch=BatchSettings(bleeds=2, clear=1, painted=1))


def train(folder: Path) -> None:
    """Four steps, a checkpoint after every second, bit for bit."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    fit_lite0.CHECKPOINT_STEPS = 2
    model = fit_lite0.fit_lite0(*prepared_phantoms(), SETTINGS, folder)
    np.savez(folder / "weights.npz", *[np.asarray(value) for value in model.get_weights()])


def started(folder: Path) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=train, args=(folder,))
    process.start()
    return process


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    settings = fit_lite0.Lite0Settings(steps=100, learning_rate=1.0, warmup=10)
    assert settings.rate(0) == pytest.approx(0.1)
    assert settings.rate(9) == pytest.approx(1.0)
    assert settings.rate(99) < 0.001
    assert all(settings.rate(step) >= settings.rate(step + 1) for step in range(10, 99))


@pytest.mark.slow
def test_a_stage_begins_with_the_weights_of_the_one_before_at_another_size(tmp_path: Path) -> None:
    before = fit_lite0.compiled_lite0(fit_lite0.Lite0Settings(size=64))
    before.set_weights([np.asarray(value) + 0.01 for value in before.get_weights()])
    batch = BatchSettings(bleeds=2, clear=1, painted=1)
    settings = fit_lite0.Lite0Settings(steps=1, warmup=1, learning_rate=0.0, weight_decay=0.0, batch=batch)
    model = fit_lite0.fit_lite0(*prepared_phantoms(), settings, tmp_path, begin_with=before)
    assert model.input.shape[1] == 224
    pairs = [
        (layer, other)
        for layer, other in zip(model.trainable_variables, before.trainable_variables, strict=True)
        if "bn" not in layer.path
    ]
    assert len(pairs) > 20
    assert all(np.allclose(layer, other, atol=1e-7) for layer, other in pairs)


@pytest.mark.slow
def test_a_killed_training_ends_in_the_same_weights(tmp_path: Path) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    process = started(straight)
    process.join()
    assert process.exitcode == 0
    process = started(killed)
    deadline = time.monotonic() + 300
    while not (killed / "last.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not (killed / "weights.npz").exists(), "the kill came too late to prove anything"
    process = started(killed)
    process.join()
    assert process.exitcode == 0
    with np.load(straight / "weights.npz") as one, np.load(killed / "weights.npz") as other:
        assert all(np.array_equal(one[name], other[name]) for name in one.files)
