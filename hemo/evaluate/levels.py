"""From slices to studies or patients: one score and one label a group. Never one column with slice figures."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemo.evaluate.metrics import FloatArray, IntArray, group_codes

RULES = ("max", "top3", "top10percent", "noisy_or", "mean")
RULE_NAMES = {
    "max": "highest slice score",
    "top3": "mean of the three highest slice scores",
    "top10percent": "mean of the highest tenth of the slice scores",
    "noisy_or": "1 − product of (1 − score), slices taken as independent",
    "mean": "mean of all slice scores",
}


@dataclass(frozen=True)
class GroupScores:
    """One row a study, series or patient, in order of first appearance.

    Args:
        group: names (G,).
        label: 1 where any slice shows a bleed, int64 (G,).
        score: float64 (G,).
        n: slices, int64 (G,).
        n_positive: slices that show a bleed, int64 (G,).
        rule: one of `RULES`.
    """

    group: NDArray[np.object_]
    label: IntArray
    score: FloatArray
    n: IntArray
    n_positive: IntArray
    rule: str


def study_score(probabilities: ArrayLike, rule: str = "max") -> float:
    """One score from the slices of one study.

    Args:
        probabilities: (N,) in [0, 1], in any order, N ≥ 1.
        rule: one of `RULES`.

    Raises:
        ValueError: an unknown rule, or no slices.
    """
    falling = np.sort(np.asarray(probabilities, dtype=np.float64).ravel())[::-1]
    if not falling.size:
        raise ValueError("expected at least one slice to score a study. Received: none")
    if rule == "max":
        return float(falling[0])
    if rule == "top3":
        return float(falling[:3].mean())
    if rule == "top10percent":
        return float(falling[: max(1, round(falling.size / 10))].mean())
    if rule == "noisy_or":
        return float(1 - np.prod(1 - falling))
    if rule == "mean":
        return float(falling.mean())
    raise ValueError(f"expected one of {', '.join(RULES)}. Received: {rule!r}")


def group_scores(labels: ArrayLike, probabilities: ArrayLike, groups: ArrayLike, rule: str = "max") -> GroupScores:
    """Score and label every group.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) in [0, 1].
        groups: (N,) study, series or patient of each slice.
        rule: one of `RULES`.
    """
    y, p = np.asarray(labels, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    names = np.asarray(groups, dtype=object)
    codes, n_groups = group_codes(names)
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(n_groups + 1))
    parts = [order[start:end] for start, end in pairwise(bounds)]
    return GroupScores(
        group=np.array([names[part[0]] for part in parts], dtype=object),
        label=np.array([int(y[part].max()) for part in parts], dtype=np.int64),
        score=np.array([study_score(p[part], rule) for part in parts], dtype=np.float64),
        n=np.array([part.size for part in parts], dtype=np.int64),
        n_positive=np.array([int(y[part].sum()) for part in parts], dtype=np.int64),
        rule=rule,
    )
