"""Samples of every epoch: which slices, and what is kept of them."""

import types
from pathlib import Path

import numpy as np
import pandas as pd

from hemo.model.samples import SAMPLES_PER_CLASS, KeepSamples, choose_rows, load_samples, sample_epochs

SIDE = 16


def data(groups: str = "ABCDEFGHIJ") -> types.SimpleNamespace:
    n = 40
    frame = pd.DataFrame({"path": [f"{n}.png" for n in range(n)]})
    manifest = types.SimpleNamespace(frame=frame, groups=np.array([groups[row % len(groups)] for row in range(n)]))
    labels = (np.arange(n) % 2 == 0).astype(np.int64)
    images = np.arange(n, dtype=np.uint8)[:, None, None] * np.ones((1, SIDE, SIDE), np.uint8)
    return types.SimpleNamespace(
        manifest=manifest,
        labels=labels,
        images=images,
        rows=lambda part: np.arange(10, 40) if part == "validation" else [],
    )


class FakeNetwork:
    heat_kind = "evidence"

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return images[:, 0, 0].astype(np.float32) - 20, np.full((len(images), 2, 2), 0.5, np.float32)


def test_bleeds_come_first_all_are_of_validation_and_of_different_groups() -> None:
    source = data()
    rows = choose_rows(source, seed=1)  # type: ignore[arg-type]
    assert source.labels[rows].tolist() == [1] * SAMPLES_PER_CLASS + [0] * SAMPLES_PER_CLASS
    assert rows.min() >= 10
    assert len(set(source.manifest.groups[rows[:3]])) == len(set(source.manifest.groups[rows[3:]])) == 3
    np.testing.assert_array_equal(rows, choose_rows(source, seed=1))  # type: ignore[arg-type]


def test_where_groups_are_few_they_are_taken_again() -> None:
    assert len(choose_rows(data("AB"), seed=0)) == 2 * SAMPLES_PER_CLASS  # type: ignore[arg-type]


def test_what_an_epoch_saw_comes_back(tmp_path: Path) -> None:
    source = data()
    watcher = KeepSamples(FakeNetwork(), source, np.array([20, 33]), tmp_path / "samples")  # type: ignore[arg-type]
    for epoch in (0, 1):
        watcher.on_epoch_end(None, epoch, {})
    assert sample_epochs(tmp_path / "samples") == [1, 2]
    samples = load_samples(tmp_path / "samples", 2)
    assert samples is not None
    assert samples.names == ("20.png", "33.png")
    assert samples.labels.tolist() == [1, 0]
    np.testing.assert_array_equal(samples.images, source.images[[20, 33]])
    np.testing.assert_allclose(samples.probability, 1 / (1 + np.exp([0.0, -13.0])), rtol=1e-5)
    np.testing.assert_allclose(samples.heat, 0.5, atol=1 / 255)


def test_absent_and_damaged_samples_are_none(tmp_path: Path) -> None:
    assert sample_epochs(tmp_path) == []
    assert load_samples(tmp_path, 1) is None
    (tmp_path / "slices.npz").write_bytes(b"")
    (tmp_path / "epoch-0001.npz").write_bytes(b"cut")
    assert load_samples(tmp_path, 1) is None
