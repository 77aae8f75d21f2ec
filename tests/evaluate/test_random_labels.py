"""Random labels: what is drawn and held out, and that a network that remembers patients is caught by the two splits."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from hemo.data.manifest import Manifest, build_frame
from hemo.evaluate import random_labels
from hemo.evaluate.random_labels import RandomLabels, train_on_random_labels
from hemo.model.random_label_fit import Fitted, fit_and_score


@pytest.fixture
def patients(tmp_path: Path) -> Manifest:
    """Twelve patients of five slices, each patient of a grey level of its own."""
    rows = []
    for i in range(60):
        picture = np.full((64, 64), 20 * (i // 5) + 10, np.uint8)
        picture[:, :4] = i % 5
        cv2.imwrite(str(tmp_path / f"{i:02d}.png"), picture)
        rows.append(
            {
                "path": f"{i:02d}.png",
                "label": i % 2,
                "group": f"p{i // 5}",
                "group_kind": "patient",
                "slice": str(i % 5),
                "split": "",
            }
        )
    return Manifest(build_frame(rows), tmp_path, "patients")


def nearest(images: np.ndarray, labels: np.ndarray, held_out: np.ndarray, *_: object) -> Fitted:
    """A perfect memory: the label of the most similar image."""
    apart = np.abs(held_out.mean(axis=(1, 2))[:, None] - images.mean(axis=(1, 2))[None])
    return Fitted(labels[apart.argmin(axis=1)].astype(np.float32), 3)


def test_memory_shows_split_by_slice_and_not_split_by_patient(
    patients: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random_labels, "fit_and_score", nearest)
    found = train_on_random_labels(patients)
    assert isinstance(found, RandomLabels)
    assert found.by_slice > 0.9
    assert found.by_group < 0.8
    assert found.n_groups == 4
    assert found.n[1] == 20
    assert found.epochs == 3


def test_too_few_patients_or_none_known_say_so(patients: Manifest) -> None:
    few = patients.subset(patients.frame["group"].isin(["p0", "p1", "p2"]))
    assert "too few groups (3)" in str(train_on_random_labels(few))
    unknown = replace(patients, frame=patients.frame.assign(group_kind="file", group=patients.frame["path"]))
    assert "Patients are unknown" in str(train_on_random_labels(unknown))


def test_the_network_is_really_trained_and_stops_in_time() -> None:
    pytest.importorskip("keras")
    rng = np.random.default_rng(0)
    labels = np.arange(64) % 2
    images = (rng.integers(0, 60, (64, 32, 32)) + 120 * labels[:, None, None]).astype(np.uint8)
    told: list[tuple[int, int]] = []
    fitted = fit_and_score(images, labels, images[:8], lambda done, total: told.append((done, total)), epochs=6)
    assert fitted.epochs == 6
    assert fitted.logit.shape == (8,)
    assert fitted.logit[1::2].min() > fitted.logit[::2].max()
    assert len(told) == 12
    assert fit_and_score(images, labels, images[:8], epochs=50, seconds=0.0).epochs == 0
