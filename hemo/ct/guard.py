"""Is this an axial head-CT slice? Asked before any score is shown.

A network gives every picture a score, a cat's too. The guard measures the outline, the ring of bone and what lies
within (`guard_features`), and boosted trees fitted on heads and on many kinds of non-heads decide. In doubt it
accepts: to refuse a head costs a reader more than to let an odd picture through. Hounsfield units, where known, are
checked first.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from hemo.ct.guard_features import FEATURES, Measured, measure
from hemo.ct.head import Head
from hemo.ct.slice import CTSlice
from hemo.ct.trees import Trees
from hemo.errors import HemoError

WEIGHTS_FILE = Path(__file__).with_name("guard_weights.json")
LEVEL_CLASSES = ("neck", "base", "brain", "vertex")

_EXPECTED = "Expected an axial head-CT slice."
_TISSUE_HU, _LEAST_TISSUE = -300.0, 0.03
_BONE_HU, _LEAST_BONE = 200.0, 0.02
_LUNG_HU, _MOST_LUNG = (-950.0, -450.0), 0.22


@dataclass(frozen=True)
class GuardVerdict:
    """What the guard says of one slice.

    Attributes:
        is_head: whether the slice may be given a score.
        reason: "" for a head, else one sentence for the user.
        level: "brain", "base" (skull base in view) or "vertex" (little brain within thick bone); "none" if refused.
            A heuristic for reports by level, not an anatomical statement.
        score: logit of "head" less the threshold: at least 0 for a head. -inf where Hounsfield units alone decide.
        head: where the head is, in the pixels of `hemo.ct.head.work_copy`, so that a preparation need not look for it
            again; None where refused.
    """

    is_head: bool
    reason: str
    level: Literal["brain", "base", "vertex", "none"]
    score: float
    head: Head | None = field(default=None, repr=False, compare=False)


def assess(slice_: CTSlice) -> GuardVerdict:
    """Say whether a slice is an axial head-CT slice, and why not if not.

    Args:
        slice_: in HU (looked at through the model's window) or grey.
    """
    if slice_.unit == "HU":
        fault = _hounsfield_fault(slice_.pixels)
        if fault:
            return GuardVerdict(False, f"{_EXPECTED} Received: {fault}.", "none", -float("inf"))
    measured = measure(slice_.grey(), slice_.colorfulness)
    weights = _weights()
    features = measured.features[None]
    score = float(weights.head.score(features)[0]) - weights.threshold
    if measured.head is None or score < 0:
        reason = _reason(measured, float(weights.levels["neck"].score(features)[0]))
        return GuardVerdict(False, f"{_EXPECTED} Received: {reason}.", "none", min(score, -1e-6))
    levels = {name: float(trees.score(features)[0]) for name, trees in weights.levels.items() if name != "neck"}
    return GuardVerdict(True, "", max(levels, key=lambda name: levels[name]), score, measured.head)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Weights:
    head: Trees
    threshold: float
    levels: dict[str, Trees]


@cache
def _weights() -> _Weights:
    """The committed weights.

    Raises:
        HemoError: if they were fitted on other features than this version measures.
    """
    values = json.loads(WEIGHTS_FILE.read_text(encoding="utf-8"))
    if tuple(values["features"]) != FEATURES:
        raise HemoError(
            f"expected guard weights for these {len(FEATURES)} features; fit them again with scripts/train_guard.py. "
            f"Received: weights for {len(values['features'])} features"
        )
    levels = {name: Trees.from_json(trees) for name, trees in values["level"].items()}
    return _Weights(Trees.from_json(values["head"]), float(values["threshold"]), levels)


def _hounsfield_fault(hu: np.ndarray) -> str:
    """What Hounsfield units alone rule out, or "": air only, no bone at all, a body full of lung."""
    scale = min(1.0, 256 / max(hu.shape))
    size = (max(1, round(hu.shape[1] * scale)), max(1, round(hu.shape[0] * scale)))
    small = cv2.resize(hu, size, interpolation=cv2.INTER_AREA)
    tissue = small > _TISSUE_HU
    # A support is thin; opening leaves only what has a body.
    body = cv2.morphologyEx(tissue.astype(np.uint8), cv2.MORPH_OPEN, np.ones((7, 7), np.uint8)).astype(bool)
    if body.mean() < _LEAST_TISSUE:
        return "an image with hardly anything but air"
    if (small > _BONE_HU).sum() < _LEAST_BONE * body.sum():
        return "an image without bone, so without a skull"
    # Only air that the body encloses counts: a pillow's foam is as thin as lung.
    outlines, _ = cv2.findContours(body.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = cv2.drawContours(np.zeros(small.shape, np.uint8), outlines, -1, 1, cv2.FILLED).astype(bool)
    low, high = _LUNG_HU
    if (filled & (small > low) & (small < high)).sum() > _MOST_LUNG * filled.sum():
        return "an image with as much lung as a chest has"
    return ""


def _reason(measured: Measured, neck_score: float) -> str:
    """The plainest thing that is wrong, for the user; the decision itself is the trees'."""
    if measured.head is None or measured["contrast"] < 0.08:
        return "a picture in which no large object stands out from the background"
    if measured["colorfulness"] > 0.12:
        return "a colored picture"
    if measured["outside_bright"] > 0.5 and measured["straight_edges"] > 0.3:
        return "a picture with a light page and straight edges, such as text, a chart or a screenshot"
    if measured["straight_edges"] > 0.5:
        return "a picture with mostly straight edges, such as a screenshot or a drawing"
    if measured["ring_closed"] < 0.75:
        return "a picture without the closed bright ring of a skull"
    if measured["inside_air"] > 0.25:
        return "a picture that is dark within its outline, where a head holds brain"
    on_black = measured["outside_mean"] < 0.15 and measured["head_share"] < 0.9
    if neck_score > 0 and on_black and measured["top_levels_share"] < 0.8:
        return "a slice without brain inside a closed skull, such as neck, face or another part of the body"
    return "a picture that does not look like brain within a skull"
