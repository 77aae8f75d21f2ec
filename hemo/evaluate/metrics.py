"""What a classifier's answers are worth: pure functions on arrays.

A label is 1 for hemorrhage and 0 for normal; a probability at or above the threshold is a positive call. Every
function returns a `Metric`; where the figure does not exist (one class only, a division by zero, NaN) its value is
`None` and `why` says "not defined, because …", so that a page prints the reason in the figure's place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ECE_BINS = 10
METRICS = (
    "auc",
    "average_precision",
    "accuracy",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "log_loss",
    "brier",
    "ece",
)
METRIC_NAMES = {
    "auc": "AUC",
    "average_precision": "Average precision",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "ece": "Calibration error (ECE)",
}


@dataclass(frozen=True)
class Metric:
    """One figure with all that must stand beside it.

    Args:
        value: the figure, or None where it is not defined.
        why: why `value` is None, one sentence.
        n: number of slices (or whatever was counted) behind the figure.
        n_groups: number of patients or series behind it; None where groups are unknown.
        interval: 95 % interval (low, high), or None.
        why_none: why `interval` is None, one sentence.
        method: how the interval was made, e.g. "2,000 resamples of 82 patients".
    """

    value: float | None
    why: str = ""
    n: int = 0
    n_groups: int | None = None
    interval: tuple[float, float] | None = None
    why_none: str = ""
    method: str = ""

    @classmethod
    def undefined(cls, because: str, n: int = 0) -> "Metric":
        """A metric without a value, saying why."""
        return cls(value=None, why=f"not defined, because {because}", n=n, why_none="the figure itself is not defined")

    def with_interval(self, interval: tuple[float, float] | None, why_none: str = "", method: str = "") -> "Metric":
        """The same figure with an interval, or with the reason for its absence."""
        return replace(self, interval=interval, why_none="" if interval else why_none, method=method)

    def to_json(self) -> dict[str, Any]:
        """As written to model cards and by `hemo evaluate --json`."""
        return {
            "value": self.value,
            "why": self.why or None,
            "n": self.n,
            "n_groups": self.n_groups,
            "interval": list(self.interval) if self.interval else None,
            "why_none": self.why_none or None,
            "method": self.method or None,
        }

    def text(self, digits: int = 3) -> str:
        """For people: "0.953 (0.921-0.974)", "0.953", or "not defined"."""
        if self.value is None:
            return "not defined"
        text = f"{self.value:.{digits}f}"
        if self.interval:
            text += f" ({self.interval[0]:.{digits}f}–{self.interval[1]:.{digits}f})"
        return text


@dataclass(frozen=True)
class Counts:
    """The four cells of a confusion matrix."""

    tp: int
    fp: int
    tn: int
    fn: int

    @property
    def n(self) -> int:
        """All slices counted."""
        return self.tp + self.fp + self.tn + self.fn

    @property
    def positives(self) -> int:
        """Slices labelled hemorrhage."""
        return self.tp + self.fn

    @property
    def negatives(self) -> int:
        """Slices labelled normal."""
        return self.fp + self.tn


@dataclass(frozen=True)
class BrierParts:
    """Murphy's decomposition over bins (Murphy 1973; within-bin terms after Stephenson et al. 2008).

    `brier = reliability - resolution + uncertainty + within_bins` holds exactly.
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float


def checked(labels: ArrayLike, scores: ArrayLike) -> tuple[IntArray, FloatArray, str]:
    """Labels and scores as flat arrays, and why nothing can be computed on them ("" where it can).

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) of probabilities or logits.

    Returns:
        labels int64 (N,), scores float64 (N,), reason.

    Raises:
        ValueError: the shapes differ, or a label is neither 0 nor 1.
    """
    label_values = np.asarray(labels, dtype=np.float64).ravel()
    score_values = np.asarray(scores, dtype=np.float64).ravel()
    if label_values.shape != score_values.shape:
        raise ValueError(
            f"expected as many scores as labels. Received: {label_values.size} labels, {score_values.size} scores"
        )
    if label_values.size == 0:
        return label_values.astype(np.int64), score_values, "there are no slices"
    if not np.isin(label_values, (0.0, 1.0)).all():
        wrong = label_values[~np.isin(label_values, (0.0, 1.0))][0]
        raise ValueError(f"expected labels of 0 (normal) and 1 (hemorrhage). Received: {wrong}")
    unfit = int(np.count_nonzero(~np.isfinite(score_values)))
    reason = f"{unfit} of {score_values.size} scores are not finite numbers" if unfit else ""
    return label_values.astype(np.int64), score_values, reason


def _one_class(labels: IntArray) -> str:
    if labels.size and labels.min() == labels.max():
        return f"all {labels.size} slices are labelled {'hemorrhage' if labels[0] else 'normal'}"
    return ""


def confusion(labels: ArrayLike, scores: ArrayLike, threshold: ArrayLike) -> Counts:
    """Count calls against labels at one threshold, or one a slice where thresholds are cross-fitted.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,), finite.
        threshold: a score at or above it is a positive call; one number, or (N,).

    Raises:
        ValueError: a score is NaN or infinite.
    """
    y, s, reason = checked(labels, scores)
    if reason and y.size:
        raise ValueError(f"expected finite scores. Received: {reason}")
    call = s >= np.asarray(threshold, dtype=np.float64)
    tp = int(np.count_nonzero(call & (y == 1)))
    fp = int(np.count_nonzero(call & (y == 0)))
    return Counts(tp=tp, fp=fp, tn=int(np.count_nonzero(y == 0)) - fp, fn=int(np.count_nonzero(y == 1)) - tp)


def _share(part: int, whole: int, because: str, n: int) -> Metric:
    return Metric(part / whole, n=whole) if whole else Metric.undefined(because, n)


def accuracy(counts: Counts) -> Metric:
    """Share of slices called as labelled."""
    return _share(counts.tp + counts.tn, counts.n, "there are no slices", counts.n)


def sensitivity(counts: Counts) -> Metric:
    """Share of the bleeds that are called."""
    return _share(counts.tp, counts.positives, "no slice is labelled hemorrhage", counts.n)


def specificity(counts: Counts) -> Metric:
    """Share of the normal slices that are not called."""
    return _share(counts.tn, counts.negatives, "no slice is labelled normal", counts.n)


def predictive_values(sens: ArrayLike, spec: ArrayLike, prevalence: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """PPV and NPV by Bayes' rule, elementwise; NaN where nothing would be called (or nothing cleared)."""
    se, sp, pi = (np.asarray(value, dtype=np.float64) for value in (sens, spec, prevalence))
    with np.errstate(divide="ignore", invalid="ignore"):
        ppv = se * pi / (se * pi + (1 - sp) * (1 - pi))
        npv = sp * (1 - pi) / (sp * (1 - pi) + (1 - se) * pi)
    return ppv, npv


def positive_predictive_value(counts: Counts, prevalence: float | None = None) -> Metric:
    """Share of the positive calls that are bleeds.

    Args:
        counts: the confusion matrix.
        prevalence: share of bleeds where the model would be used; None takes the share in these data.
    """
    if prevalence is None:
        return _share(counts.tp, counts.tp + counts.fp, "no slice is called hemorrhage", counts.n)
    return _at_prevalence(counts, prevalence, 0)


def negative_predictive_value(counts: Counts, prevalence: float | None = None) -> Metric:
    """Share of the negative calls that are normal; `prevalence` as in `positive_predictive_value`."""
    if prevalence is None:
        return _share(counts.tn, counts.tn + counts.fn, "no slice is called normal", counts.n)
    return _at_prevalence(counts, prevalence, 1)


def _at_prevalence(counts: Counts, prevalence: float, which: int) -> Metric:
    if not 0 <= prevalence <= 1:
        raise ValueError(f"expected a prevalence between 0 and 1. Received: {prevalence}")
    parts = sensitivity(counts), specificity(counts)
    for part in parts:
        if part.value is None:
            return replace(part, n=counts.n)
    value = float(predictive_values(parts[0].value, parts[1].value, prevalence)[which])  # type: ignore[arg-type]
    if np.isnan(value):
        return Metric.undefined(f"no slice would be called {'normal' if which else 'hemorrhage'}", counts.n)
    return Metric(value, n=counts.n)


def auc(labels: ArrayLike, scores: ArrayLike) -> Metric:
    """Area under the ROC curve: how often a bleed scores above a normal slice, ties counting half (Mann-Whitney).

    Example:
        >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).value
        0.75
    """
    y, s, reason = checked(labels, scores)
    reason = reason or _one_class(y)
    if reason:
        return Metric.undefined(reason, y.size)
    positives = int(y.sum())
    negatives = y.size - positives
    rank_sum = float(rankdata(s)[y == 1].sum())
    return Metric((rank_sum - positives * (positives + 1) / 2) / (positives * negatives), n=y.size)


def average_precision(labels: ArrayLike, scores: ArrayLike) -> Metric:
    """Mean precision over the recalls reached, without interpolation (scikit-learn's definition)."""
    y, s, reason = checked(labels, scores)
    if not reason and not y.any():
        reason = "no slice is labelled hemorrhage"
    if reason:
        return Metric.undefined(reason, y.size)
    order = np.argsort(-s, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(s[order])), y.size - 1)  # the last slice of each run of equal scores
    hits = np.cumsum(y[order])[ends]
    steps = np.diff(hits, prepend=0)
    return Metric(float(np.sum(steps * hits / (ends + 1)) / hits[-1]), n=y.size)


def log_losses(labels: IntArray, probabilities: FloatArray) -> FloatArray:
    """Per-slice negative log likelihood (N,); probabilities are kept one float64 epsilon off 0 and 1."""
    epsilon = np.finfo(np.float64).eps
    likelihood = np.clip(np.where(labels == 1, probabilities, 1 - probabilities), epsilon, 1 - epsilon)
    return -np.log(likelihood)


def _probabilities(labels: ArrayLike, probabilities: ArrayLike) -> tuple[IntArray, FloatArray, str]:
    y, p, reason = checked(labels, probabilities)
    if not reason and (p.min() < 0 or p.max() > 1):
        reason = "these scores are not probabilities between 0 and 1"
    return y, p, reason


def log_loss(labels: ArrayLike, probabilities: ArrayLike) -> Metric:
    """Mean negative log likelihood, in nats."""
    y, p, reason = _probabilities(labels, probabilities)
    if reason:
        return Metric.undefined(reason, y.size)
    return Metric(float(log_losses(y, p).mean()), n=y.size)


def brier(labels: ArrayLike, probabilities: ArrayLike) -> Metric:
    """Mean squared distance of probability and label (Brier 1950, one-sided form)."""
    y, p, reason = _probabilities(labels, probabilities)
    if reason:
        return Metric.undefined(reason, y.size)
    return Metric(float(np.mean((p - y) ** 2)), n=y.size)


def bin_index(probabilities: FloatArray, bins: int) -> IntArray:
    """Which of `bins` equal-width bins of [0, 1] each probability falls into; 1.0 belongs to the last."""
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def ece(labels: ArrayLike, probabilities: ArrayLike, bins: int = ECE_BINS) -> Metric:
    """Expected calibration error over equal-width bins (Guo et al. 2017): mean |share of bleeds - mean probability|."""
    y, p, reason = _probabilities(labels, probabilities)
    if reason:
        return Metric.undefined(reason, y.size)
    index = bin_index(p, bins)
    gap = np.bincount(index, weights=y - p, minlength=bins)
    return Metric(float(np.abs(gap).sum() / y.size), n=y.size)


def brier_decomposition(labels: ArrayLike, probabilities: ArrayLike, bins: int = ECE_BINS) -> BrierParts | None:
    """Split the Brier score into reliability, resolution and uncertainty; None where the score is not defined."""
    y, p, reason = _probabilities(labels, probabilities)
    if reason:
        return None
    index = bin_index(p, bins)
    n = np.bincount(index, minlength=bins)
    used = n > 0
    mean_p = np.bincount(index, weights=p, minlength=bins)[used] / n[used]
    mean_y = np.bincount(index, weights=y, minlength=bins)[used] / n[used]
    weight = n[used] / y.size
    base = float(y.mean())
    score = float(np.mean((p - y) ** 2))
    reliability = float(np.sum(weight * (mean_p - mean_y) ** 2))
    resolution = float(np.sum(weight * (mean_y - base) ** 2))
    uncertainty = base * (1 - base)
    return BrierParts(score, reliability, resolution, uncertainty, score - reliability + resolution - uncertainty)


def point_metrics(labels: ArrayLike, probabilities: ArrayLike, threshold: ArrayLike) -> dict[str, Metric]:
    """Every metric of `METRICS`, without intervals (see `intervals.summarise` for both)."""
    y, p, reason = checked(labels, probabilities)
    result: dict[str, Metric] = {
        "auc": auc(y, p),
        "average_precision": average_precision(y, p),
        "log_loss": log_loss(y, p),
        "brier": brier(y, p),
        "ece": ece(y, p),
    }
    if reason:
        result |= dict.fromkeys(
            ("accuracy", "sensitivity", "specificity", "ppv", "npv"), Metric.undefined(reason, y.size)
        )
    else:
        counts = confusion(y, p, threshold)
        result |= {
            "accuracy": accuracy(counts),
            "sensitivity": sensitivity(counts),
            "specificity": specificity(counts),
            "ppv": positive_predictive_value(counts),
            "npv": negative_predictive_value(counts),
        }
    return {name: result[name] for name in METRICS}


def group_codes(groups: Sequence[Any] | NDArray[Any]) -> tuple[IntArray, int]:
    """Groups as integers 0..G-1 in order of first appearance, and G."""
    import pandas as pd

    codes, names = pd.factorize(np.asarray(groups, dtype=object))
    if (codes < 0).any():
        raise ValueError(f"expected a group for every slice. Received: {int((codes < 0).sum())} slices without one")
    return codes.astype(np.int64), len(names)
