"""From slices to studies or patients: one score and one label a group. Never one column with slice figures."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemo.evaluate.metrics import FloatArray, IntArray, group_codes
from hemo.evaluate.operating_point import fit_threshold

RULES = ("max", "top3", "top10percent", "noisy_or", "mean")
RULE_NAMES = {
    "max": "highest slice score",
    "top3": "mean of the three highest slice scores",
    "top10percent": "mean of the highest tenth of the slice scores",
    "noisy_or": "1 − product of (1 − score), slices taken as independent",
    "mean": "mean of all slice scores",
}

THRESHOLD_NOTES = {True: "called when a slice is", False: "its threshold fitted on the other groups, in ten folds"}
"""How a group is called, by whether its score is the highest slice score; see `group_thresholds`."""


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


def group_thresholds(scores: GroupScores, slice_threshold: float, seed: int = 0) -> FloatArray:
    """The threshold of each group's call, float64 (G,).

    A group whose score is its highest slice score is called when a slice is: the slices' threshold holds. Any other
    rule puts its scores on a scale of its own, so its balanced threshold is fitted on the other groups, in ten folds;
    where that cannot be done (one class only) the slices' threshold is all there is.
    """
    n = scores.label.size
    result = np.full(n, float(slice_threshold))
    if scores.rule == "max" or n < 4:
        return result
    fold = np.random.default_rng(seed).permutation(n) % min(10, n)
    for number in range(int(fold.max()) + 1):
        here = fold == number
        rest = scores.label[~here]
        if rest.min() != rest.max():
            result[here] = fit_threshold(rest, scores.score[~here])
    return result


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
