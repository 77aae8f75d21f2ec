"""Does a score of 0.8 mean four bleeds in five? Temperature scaling, fitted out of fold, and the reliability diagram.

Temperature and an optional bias move the logits by two numbers fitted on held-out labels: p = sigmoid(logit / T + b)
(Guo et al. 2017; with the bias it is Platt 1999). The bias matters where a training batch shows more bleeds than a
ward does. Neither changes the ranking, so AUC and average precision stay as they are.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logit

from hemo.evaluate.intervals import MIN_GROUPS, draw_counts, wilson
from hemo.evaluate.metrics import ECE_BINS, FloatArray, bin_index, checked, group_codes

_LOG_BOUND = 4.0  # temperatures from e^-4 to e^4: beyond, the scores are a step function or a constant


@dataclass(frozen=True)
class Calibration:
    """Two numbers between a raw logit and a probability.

    Args:
        temperature: divides the logit; above 1 softens, below 1 sharpens.
        bias: added after the division; 0 for pure temperature scaling.
        how: on what it was fitted, one sentence.
    """

    temperature: float = 1.0
    bias: float = 0.0
    how: str = "not calibrated"

    def apply(self, logits: ArrayLike) -> FloatArray:
        """Probabilities float64, in the shape of `logits`."""
        return np.asarray(expit(np.asarray(logits, dtype=np.float64) / self.temperature + self.bias))

    def to_json(self) -> dict[str, Any]:
        """As the card's `calibration`."""
        return asdict(self)


@dataclass(frozen=True)
class ReliabilityBin:
    """One point of a reliability diagram.

    Args:
        low: lower edge of the bin.
        high: upper edge.
        n: slices in it.
        n_positive: bleeds among them.
        n_groups: patients or series in it.
        mean_probability: mean score.
        share: share of bleeds.
        interval: 95 % of the share, groups resampled where there are enough, else Wilson's; None where n is 0.
    """

    low: float
    high: float
    n: int
    n_positive: int
    n_groups: int
    mean_probability: float
    share: float
    interval: tuple[float, float] | None


def to_logits(probabilities: ArrayLike) -> FloatArray:
    """Logits of probabilities, kept finite for 0 and 1."""
    epsilon = 1e-7
    return np.asarray(logit(np.clip(np.asarray(probabilities, dtype=np.float64), epsilon, 1 - epsilon)))


def _negative_log_likelihood(labels: FloatArray, logits: FloatArray) -> float:
    return float(np.mean(np.logaddexp(0, logits) - labels * logits))


def fit_calibration(
    logits: ArrayLike, labels: ArrayLike, bias: bool = False, how: str = "fitted on the slices it is reported on"
) -> Calibration:
    """The temperature (and bias) with the least log loss.

    Args:
        logits: (N,) raw network outputs.
        labels: (N,) of 0 and 1.
        bias: fit a bias too.
        how: kept in the result.

    Raises:
        ValueError: one class only, no slices, or a logit that is not finite.
    """
    y, z, reason = checked(labels, logits)
    if not reason and y.min() == y.max():
        reason = "all labels are the same"
    if reason:
        raise ValueError(f"expected finite logits of both classes to calibrate on. Received: {reason}")
    truth = y.astype(np.float64)
    first = minimize_scalar(
        lambda log_t: _negative_log_likelihood(truth, z / np.exp(log_t)),
        bounds=(-_LOG_BOUND, _LOG_BOUND),
        method="bounded",
        options={"xatol": 1e-6},
    )
    if not bias:
        return Calibration(float(np.exp(first.x)), 0.0, how)
    second = minimize(
        lambda p: _negative_log_likelihood(truth, z / np.exp(p[0]) + p[1]),
        x0=[float(first.x), 0.0],
        method="L-BFGS-B",
        bounds=[(-_LOG_BOUND, _LOG_BOUND), (-20, 20)],
    )
    return Calibration(float(np.exp(second.x[0])), float(second.x[1]), how)


def cross_fitted(
    logits: ArrayLike, labels: ArrayLike, folds: ArrayLike, bias: bool = False
) -> tuple[FloatArray, list[Calibration]]:
    """Calibrate every fold with what was fitted on the others, so that calibration figures are honest.

    Args:
        logits: (N,) out-of-fold outputs.
        labels: (N,) of 0 and 1.
        folds: (N,) fold of each slice; folds must not share patients.
        bias: fit a bias too.

    Returns:
        probabilities float64 (N,), and the calibration used on each fold in sorted order of the folds.
    """
    z = np.asarray(logits, dtype=np.float64)
    y = np.asarray(labels)
    fold = np.asarray(folds)
    probabilities = np.empty(z.size)
    used: list[Calibration] = []
    for name in np.unique(fold):
        here = fold == name
        calibration = fit_calibration(z[~here], y[~here], bias, f"fitted on all folds but {name}")
        probabilities[here] = calibration.apply(z[here])
        used.append(calibration)
    return probabilities, used


def reliability(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None = None,
    bins: int = ECE_BINS,
    resamples: int = 1000,
) -> list[ReliabilityBin]:
    """Points of the reliability diagram; empty bins are left out, bins of NaN scores do not exist.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) in [0, 1].
        groups: (N,) patient or series; None gives Wilson's interval throughout.
        bins: equal-width bins of [0, 1].
        resamples: of the groups, for the intervals.
    """
    y, p, reason = checked(labels, probabilities)
    if reason or p.min() < 0 or p.max() > 1:
        return []
    index = bin_index(p, bins)
    codes, n_groups = group_codes(np.arange(y.size) if groups is None else np.asarray(groups))
    draws = None if groups is None or n_groups < MIN_GROUPS else draw_counts(n_groups, resamples).astype(np.float64)
    points: list[ReliabilityBin] = []
    for b in np.unique(index):
        here = index == b
        n, positive = int(here.sum()), int(y[here].sum())
        members = np.unique(codes[here]).size
        interval = wilson(positive, n)
        if draws is not None and members >= MIN_GROUPS and 0 < positive < n:
            total = draws @ np.bincount(codes[here], minlength=n_groups)
            hits = draws @ np.bincount(codes[here], weights=y[here], minlength=n_groups)
            low, high = np.quantile(hits[total > 0] / total[total > 0], [0.025, 0.975])
            interval = (float(low), float(high))
        points.append(
            ReliabilityBin(
                b / bins, (b + 1) / bins, n, positive, members, float(p[here].mean()), positive / n, interval
            )
        )
    return points
