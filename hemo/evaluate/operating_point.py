"""Where to put the threshold, and what that threshold is worth on slices that did not choose it.

Three points named for use: rule-out (misses few bleeds), balanced, rule-in (calls few normals). A threshold is fitted
on one set and reported on another; where only out-of-fold predictions exist it is cross-fitted: each fold's calls use
the threshold fitted on the other folds.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hemo.evaluate.metrics import Counts, FloatArray, IntArray, checked, confusion, sensitivity, specificity

POINTS = ("rule-out", "balanced", "rule-in")
TARGET = 0.95
DESCRIPTIONS = {
    "rule-out": "sensitivity of at least 0.95 where it was fitted: a negative call weighs most",
    "balanced": "sensitivity and specificity together at their best where it was fitted",
    "rule-in": "specificity of at least 0.95 where it was fitted: a positive call weighs most",
}


@dataclass(frozen=True)
class OperatingPoint:
    """A named threshold and what it reached.

    Args:
        name: one of `POINTS`.
        threshold: a probability at or above it is a positive call.
        sensitivity: on the set it is reported on; None where not defined.
        specificity: likewise.
        fitted_on: where the threshold comes from and where the two figures were measured.
    """

    name: str
    threshold: float
    sensitivity: float | None
    specificity: float | None
    fitted_on: str

    def to_json(self) -> dict[str, Any]:
        """As in a card's `operating_points`."""
        return asdict(self)


@dataclass(frozen=True)
class _Steps:
    """Every distinct threshold, from the highest score down, with the counts at or above it."""

    thresholds: FloatArray
    tp: IntArray
    fp: IntArray
    positives: int
    negatives: int


def _steps(labels: ArrayLike, scores: ArrayLike) -> _Steps:
    y, s, reason = checked(labels, scores)
    if not reason and y.min() == y.max():
        reason = "all labels are the same"
    if reason:
        raise ValueError(f"expected finite scores of both classes to fit a threshold on. Received: {reason}")
    order = np.argsort(-s, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(s[order])), y.size - 1)
    tp = np.cumsum(y[order])[ends]
    return _Steps(s[order][ends], tp, ends + 1 - tp, int(tp[-1]), int(y.size - tp[-1]))


def _between(thresholds: FloatArray, first: int, last: int) -> float:
    """The middle of the gap below step `last`, so that rounding of scores does not move a call.

    Steps `first`..`last` reach the same and are all as good; the threshold goes to the middle of their whole range.
    """
    top = thresholds[first]
    bottom = thresholds[last + 1] if last + 1 < thresholds.size else thresholds[last]
    return float((top + bottom) / 2)


def fit_threshold(labels: ArrayLike, scores: ArrayLike, name: str = "balanced", target: float = TARGET) -> float:
    """The threshold of one named point on these slices.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) finite.
        name: "rule-out": the highest threshold with sensitivity ≥ target; "rule-in": the lowest with
            specificity ≥ target; "balanced": the largest sum of sensitivity and specificity (Youden 1950).
        target: for rule-out and rule-in.

    Raises:
        ValueError: an unknown name, or one class only.
    """
    steps = _steps(labels, scores)
    sens, spec = steps.tp / steps.positives, 1 - steps.fp / steps.negatives
    if name == "rule-out":
        at = int(np.argmax(sens >= target))
        return _between(steps.thresholds, at, at)
    if name == "rule-in":
        good = np.flatnonzero(spec >= target)
        if not good.size:  # even the highest score calls too many normals: call nothing
            return float(np.nextafter(steps.thresholds[0], np.inf))
        return _between(steps.thresholds, int(good[-1]), int(good[-1]))
    if name == "balanced":
        at = int(np.argmax(sens + spec))
        return _between(steps.thresholds, at, at)
    raise ValueError(f"expected one of {', '.join(POINTS)}. Received: {name!r}")


def reported(name: str, threshold: float, labels: ArrayLike, scores: ArrayLike, fitted_on: str) -> OperatingPoint:
    """What a given threshold reaches on these slices."""
    counts = confusion(labels, scores, threshold)
    return OperatingPoint(name, float(threshold), sensitivity(counts).value, specificity(counts).value, fitted_on)


@dataclass(frozen=True)
class Beside:
    """Slices that thresholds are fitted on beside those reported on, such as the same slices as foreign pictures.

    Args:
        labels, scores, folds: (M,), as of the slices reported on; the same patients in the same folds.
    """

    labels: np.ndarray
    scores: np.ndarray
    folds: np.ndarray

    def with_slices(self, labels: np.ndarray, scores: np.ndarray, folds: np.ndarray) -> tuple[np.ndarray, ...]:
        """Labels, scores and folds of the given slices and of these."""
        pairs = ((labels, self.labels), (scores, self.scores), (folds, self.folds))
        return tuple(np.concatenate(pair) for pair in pairs)


def cross_fitted_calls(
    labels: ArrayLike,
    scores: ArrayLike,
    folds: ArrayLike,
    name: str,
    target: float = TARGET,
    beside: Beside | None = None,
) -> tuple[np.ndarray, FloatArray]:
    """Calls of every fold by the threshold fitted on the other folds.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) out-of-fold probabilities.
        folds: (N,) fold of each slice.
        name: of the point.
        target: for rule-out and rule-in.
        beside: more slices to fit on; their own fold is left out as well.

    Returns:
        calls bool (N,), thresholds float64 (number of folds,) in sorted order of the folds.
    """
    y, s, fold = np.asarray(labels), np.asarray(scores, dtype=np.float64), np.asarray(folds)
    names = np.unique(fold)
    fit_y, fit_s, fit_fold = beside.with_slices(y, s, fold) if beside else (y, s, fold)
    calls = np.zeros(s.size, dtype=bool)
    thresholds = np.empty(names.size)
    for i, held_out in enumerate(names):
        here, others = fold == held_out, fit_fold != held_out
        thresholds[i] = fit_threshold(fit_y[others], fit_s[others], name, target)
        calls[here] = s[here] >= thresholds[i]
    return calls, thresholds


def counts_of_calls(labels: ArrayLike, calls: ArrayLike) -> Counts:
    """Confusion matrix of calls made elsewhere."""
    return confusion(labels, np.asarray(calls, dtype=np.float64), 0.5)


def cross_fitted_points(
    labels: ArrayLike,
    scores: ArrayLike,
    folds: ArrayLike,
    fitted_on: str,
    target: float = TARGET,
    beside: Beside | None = None,
) -> tuple[OperatingPoint, ...]:
    """The three points: thresholds fitted on all slices, figures measured with the fold held out.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) out-of-fold probabilities.
        folds: (N,) fold of each slice.
        fitted_on: name of the set, for the card.
        target: sensitivity of rule-out and specificity of rule-in.
        beside: more slices to fit on, see `cross_fitted_calls`; the figures are those of the slices themselves.
    """
    fit_y, fit_s = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if beside:
        fit_y, fit_s, _ = beside.with_slices(fit_y, fit_s, np.asarray(folds))
    points = []
    for name in POINTS:
        calls, _ = cross_fitted_calls(labels, scores, folds, name, target, beside)
        counts = counts_of_calls(labels, calls)
        points.append(
            OperatingPoint(
                name,
                fit_threshold(fit_y, fit_s, name, target),
                sensitivity(counts).value,
                specificity(counts).value,
                f"{fitted_on}; sensitivity and specificity measured with each fold's threshold fitted on the others",
            )
        )
    return tuple(points)


def uncertain_band(rule_out: float, rule_in: float) -> tuple[float, float] | None:
    """Scores too high to rule out and too low to rule in; None where the two thresholds leave no room between."""
    return (float(rule_out), float(rule_in)) if rule_out < rule_in else None
