"""Is one model better than another on the same slices? Paired tests, because two models err on the same slices.

AUC: DeLong's test (slices taken as independent) and, where patients are known, the paired patient bootstrap, which is
the one to believe. Calls: McNemar's exact test.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest, norm, rankdata

from hemo.evaluate.intervals import RESAMPLES, bootstrap, draw_counts, percentile_interval, plural, why_no_interval
from hemo.evaluate.metrics import METRICS, FloatArray, Metric, checked, group_codes, point_metrics


@dataclass(frozen=True)
class Difference:
    """One figure of two models and their difference, second minus first.

    Args:
        name: one of `metrics.METRICS`.
        first: value of the first model.
        second: value of the second.
        difference: `second - first` with its interval.
        p_value: two-sided; None where there is no honest test.
        test: how it was tested.
    """

    name: str
    first: float | None
    second: float | None
    difference: Metric
    p_value: float | None
    test: str


def _placements(labels: np.ndarray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Per bleed the share of normals below it, per normal the share of bleeds above it; ties count half."""
    positive = labels == 1
    m, n = int(positive.sum()), int((~positive).sum())
    overall = rankdata(scores)
    above = (overall[positive] - rankdata(scores[positive])) / n
    below = 1 - (overall[~positive] - rankdata(scores[~positive])) / m
    return above, below


def delong(labels: ArrayLike, first: ArrayLike, second: ArrayLike) -> tuple[float, float, float]:
    """DeLong, DeLong & Clarke-Pearson 1988, by midranks (Sun & Xu 2014).

    Takes slices as independent: with several slices a patient its p-value is too small.

    Returns:
        difference of the AUCs (second - first), its standard error, two-sided p-value.

    Raises:
        ValueError: one class only, or scores that are not finite.
    """
    y, a, reason = checked(labels, first)
    _, b, other = checked(labels, second)
    reason = reason or other
    if not reason and min(int(y.sum()), int((1 - y).sum())) < 2:
        reason = f"{int(y.sum())} bleeds and {int((1 - y).sum())} normals"
    if reason:
        raise ValueError(f"expected finite scores and at least two slices of each class. Received: {reason}")
    (above_a, below_a), (above_b, below_b) = _placements(y, a), _placements(y, b)
    difference = float(above_b.mean() - above_a.mean())
    variance = (above_b - above_a).var(ddof=1) / above_a.size + (below_b - below_a).var(ddof=1) / below_a.size
    error = float(np.sqrt(variance))
    if error == 0:
        return difference, 0.0, 1.0 if difference == 0 else 0.0
    return difference, error, float(2 * norm.sf(abs(difference) / error))


def delong_interval(labels: ArrayLike, scores: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """DeLong's interval of one AUC on the logit scale, for independent slices."""
    y, s, _ = checked(labels, scores)
    above, below = _placements(y, s)
    value = float(above.mean())
    error = float(np.sqrt(above.var(ddof=1) / above.size + below.var(ddof=1) / below.size))
    if value in (0.0, 1.0) or error == 0:
        return value, value
    z = norm.ppf((1 + level) / 2) * error / (value * (1 - value))
    middle = np.log(value / (1 - value))
    return float(1 / (1 + np.exp(-(middle - z)))), float(1 / (1 + np.exp(-(middle + z))))


def mcnemar(first_correct: ArrayLike, second_correct: ArrayLike) -> tuple[int, int, float]:
    """McNemar's exact test on paired correctness.

    Returns:
        slices only the first gets right, slices only the second gets right, two-sided p-value (1 where neither).
    """
    a, b = np.asarray(first_correct, dtype=bool), np.asarray(second_correct, dtype=bool)
    if a.shape != b.shape:
        raise ValueError(f"expected the same slices for both models. Received: {a.size} and {b.size}")
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    total = only_first + only_second
    return only_first, only_second, float(binomtest(only_first, total).pvalue) if total else 1.0


def compare(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike | None,
    thresholds: tuple[float, float] = (0.5, 0.5),
    group_kind: str = "patient",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Difference]:
    """Every metric of two models on the same slices, with the paired difference.

    Args:
        labels: (N,) of 0 and 1.
        first: (N,) probabilities of the first model.
        second: (N,) of the second.
        groups: (N,) patient or series; None where unknown, then only AUC is tested, by DeLong.
        thresholds: each model's own balanced threshold.
        group_kind: what a group is, for the sentences.
        resamples: number of resamples; both models see the same ones.
        seed: of the draws.

    Returns:
        one `Difference` a metric, in the order of `METRICS`.
    """
    y, a, _ = checked(labels, first)
    _, b, _ = checked(labels, second)
    points = point_metrics(y, a, thresholds[0]), point_metrics(y, b, thresholds[1])
    unknown = groups is None or group_kind == "file"
    codes, n_groups = (np.arange(y.size), y.size) if unknown else group_codes(np.asarray(groups))
    drawn = None
    finite = np.isfinite(a).all() and np.isfinite(b).all()
    if not unknown and finite and not why_no_interval(y, codes, n_groups, "accuracy", group_kind):
        counts = draw_counts(n_groups, resamples, seed)
        drawn = (
            bootstrap(y, a, codes, thresholds[0], counts=counts),
            bootstrap(y, b, codes, thresholds[1], counts=counts),
        )
    result = []
    for name in METRICS:
        one, two = points[0][name], points[1][name]
        if one.value is None or two.value is None:
            gap = Metric.undefined((one.why or two.why).removeprefix("not defined, because "), y.size)
            result.append(Difference(name, one.value, two.value, gap, None, ""))
            continue
        gap = Metric(two.value - one.value, n=y.size, n_groups=None if unknown else n_groups)
        why = "patients are unknown" if unknown else why_no_interval(y, codes, n_groups, name, group_kind)
        if drawn is not None and not why:
            samples = drawn[1][name] - drawn[0][name]
            how = f"{resamples:,} paired resamples of {n_groups:,} {plural(group_kind, n_groups)}"
            gap = gap.with_interval(percentile_interval(samples), "not defined in many resamples", how)
            result.append(Difference(name, one.value, two.value, gap, _bootstrap_p(samples), how))
        elif name == "auc" and finite and unknown:
            p = delong(y, a, b)[2]
            result.append(Difference(name, one.value, two.value, gap.with_interval(None, why), p, "DeLong, by image"))
        else:
            result.append(Difference(name, one.value, two.value, gap.with_interval(None, why), None, ""))
    return result


def _bootstrap_p(samples: FloatArray) -> float:
    """Two-sided p-value: twice the share of resamples on the other side of zero, at least 1 in the resamples."""
    defined = samples[np.isfinite(samples)]
    tail = min((defined <= 0).mean(), (defined >= 0).mean())
    return float(min(1.0, max(2 * tail, 1 / defined.size)))
