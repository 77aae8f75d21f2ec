"""A small data set on disk and a network that is a rule, so that tests of the table need no TensorFlow."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from hemo.ct.preparation import Preparation
from hemo.data.manifest import Manifest, build_frame
from hemo.evaluate import map_kinds
from hemo.model.predictor import Scores


@dataclass
class RuleBundle:
    """What `predict_manifest` asks of a bundle."""

    card: dict[str, Any] = field(default_factory=dict)
    name: str = "rule"


class RulePredictor:
    """Scores a picture by its brightest quarter; the heat map marks that quarter."""

    def __init__(self, size: int = 32):
        self.preparation = Preparation("whole", size)
        self.calls = 0
        self.heat_kind = "evidence"
        card = {
            "name": "rule",
            "sha256": "0" * 64,
            "preparation": self.preparation.to_json(),
            "calibration": {"temperature": None},
            "operating_points": [{"name": "balanced", "threshold": 0.5, "fitted_on": "nothing"}],
            "uncertain_band": [0.4, 0.6],
            "data": {"name": "elsewhere", "fingerprint": "f", "split": "none"},
        }
        self.bundle: Any = RuleBundle(card)

    def predict(self, images: np.ndarray) -> Scores:
        self.calls += 1
        heat = np.stack(
            [cv2.resize(image.astype(np.float32) / 255, (2, 2), interpolation=cv2.INTER_AREA) for image in images]
        )
        probability = np.clip(heat.max(axis=(1, 2)), 1e-6, 1 - 1e-6)
        return Scores(logit=np.log(probability / (1 - probability)), probability=probability, heat=heat)


@pytest.fixture
def rule() -> RulePredictor:
    return RulePredictor()


@pytest.fixture
def small_set(tmp_path: Path) -> Manifest:
    """24 pictures of 12 patients; a bleed brightens the upper left quarter, where its box lies."""
    root = tmp_path / "set"
    root.mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for i in range(24):
        label = int(i % 4 == 0)
        picture = rng.integers(60, 100, (64, 48)).astype(np.uint8)
        if label:
            picture[:32, :24] = rng.integers(150, 250)
        cv2.imwrite(str(root / f"{i:02d}.png"), picture)
        rows.append(
            {
                "path": f"{i:02d}.png",
                "label": label,
                "group": f"patient {i // 2}",
                "group_kind": "patient",
                "slice": str(i % 2),
                "split": "train" if i < 16 else "test",
                "epidural": bool(label),
                "boxes": [(0.25, 0.25, 0.5, 0.5)] if label else [],
            }
        )
    return Manifest(build_frame(rows), root, "small", "made for tests", "CC0", "nobody")


@pytest.fixture
def every_slice_is_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the guard off where it is not what is tested."""
    verdict = SimpleNamespace(is_head=True, reason="", head=None)
    monkeypatch.setattr("hemo.evaluate.predictions.assess", lambda ct_slice: verdict)


@pytest.fixture
def maps_without_a_network(rule: RulePredictor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Maps of other kinds for the rule, which has no weights and no gradients."""

    def run(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(images)), np.random.default_rng(0).random((len(images), 2, 2))

    def cams(model: object, images: np.ndarray) -> dict[str, np.ndarray]:
        return {name: images[:, ::8, ::8].astype(np.float32) for name in map_kinds.OTHERS[:2]}

    control = map_kinds.ShuffledNetwork(None, run)
    monkeypatch.setattr(map_kinds, "shuffled_network", lambda predictor, seed: control)
    monkeypatch.setattr(map_kinds, "gradient_cams", cams)
    monkeypatch.setattr(map_kinds, "gradient_maps", lambda model, images: images.astype(np.float32))
    monkeypatch.setattr(RuleBundle, "load_model", lambda self: None, raising=False)
