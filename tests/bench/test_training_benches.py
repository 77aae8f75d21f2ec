"""The benches of training compare like with like; whether they reach their targets is for a quiet machine."""

from pathlib import Path

import numpy as np
import pytest

from hemo.bench import cached_input, training_overhead
from hemo.model.checkpoint import Checkpoints
from hemo.model.samples import sample_epochs
from hemo.runs.history import read_history


def test_without_real_ct_the_jpegs_are_a_phantoms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEMO_DATA", raising=False)
    monkeypatch.setattr(cached_input, "SLICES", 16)
    manifest, what = cached_input.slices_as_jpeg(tmp_path)
    assert what == "a phantom"
    assert len(manifest) == 16
    assert {path.rsplit(".", 1)[1] for path in manifest.frame["path"]} == {"jpg"}
    assert manifest.read(0).shape == (650, 650)


def test_both_ways_read_every_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEMO_DATA", raising=False)
    monkeypatch.setattr(cached_input, "SLICES", 16)
    monkeypatch.setattr(cached_input, "SIZE", 32)
    (ratio,) = cached_input.run()
    assert ratio.name == "input of an epoch of 16 slices of a phantom, from the cache"
    assert ratio.baseline_s > ratio.ours_s > 0


@pytest.mark.slow
def test_what_is_timed_as_a_run_leaves_what_a_run_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_overhead, "SLICES", {"compact": 40})
    monkeypatch.setattr(training_overhead, "VALIDATION", 10)
    config, data = training_overhead._material("compact", tmp_path)
    assert np.asarray(data.images).shape == (50, config.image_size, config.image_size)
    bare = training_overhead._bare(config, data)
    ours = training_overhead._ours(config, data, tmp_path / "run")
    for times in (bare, ours):
        assert len(times.wall) == len(times.processor) == config.epochs == training_overhead.EPOCHS
        assert min(times.wall) > 0
    state = Checkpoints(tmp_path / "run" / "checkpoints").state()
    assert state is not None
    assert state.epoch == config.epochs
    history = read_history(tmp_path / "run")
    assert [event["epoch"] for event in history.epochs] == [1, 2, 3, 4]
    assert sample_epochs(tmp_path / "run" / "samples") == [1, 2, 3, 4]
    assert list((tmp_path / "run" / "tensorboard").glob("events.out.tfevents.*"))
