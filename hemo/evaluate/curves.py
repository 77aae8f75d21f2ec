"""Curves over all thresholds: ROC, precision-recall, decision curve, and the table behind a threshold slider.

All from one sorted pass; bands come from the same patient resamples as the intervals.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemo.evaluate.intervals import MIN_GROUPS, RESAMPLES, draw_chunks, percentile_interval
from hemo.evaluate.metrics import FloatArray, Metric, checked, group_codes, predictive_values

_BAND_RESAMPLES = 1000
_MAX_STEPS = 400


@dataclass(frozen=True)
class Curve:
    """A curve with an optional band.

    Args:
        x: (K,) false positive rate, recall or threshold probability.
        y: (K,) true positive rate, precision or net benefit.
        thresholds: (K,) score at each point; inf where nothing is called.
        band_x: (M,) where the band is given; empty without a band.
        low: (M,) lower 95 % limit.
        high: (M,) upper 95 % limit.
        why_none: why there is no band.
    """

    x: FloatArray
    y: FloatArray
    thresholds: FloatArray
    band_x: FloatArray
    low: FloatArray
    high: FloatArray
    why_none: str = ""


_NONE = np.empty(0)


def _ranking(labels: ArrayLike, scores: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray, str]:
    """Distinct scores from high to low with true and false positives at or above each; a reason where undefined."""
    y, s, reason = checked(labels, scores)
    if not reason and y.min() == y.max():
        reason = f"all {y.size} slices are labelled {'hemorrhage' if y[0] else 'normal'}"
    if reason:
        return _NONE, _NONE, _NONE, reason
    order = np.argsort(-s, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(s[order])), y.size - 1)
    tp = np.cumsum(y[order])[ends].astype(np.float64)
    return s[order][ends], tp, ends + 1 - tp, ""


def _grid(thresholds: FloatArray, steps: int) -> FloatArray:
    """At most `steps` of the distinct scores, evenly by rank, highest first."""
    if thresholds.size <= steps:
        return thresholds
    return thresholds[np.unique(np.linspace(0, thresholds.size - 1, steps).round().astype(int))]


def _counts_at(
    labels: ArrayLike, scores: ArrayLike, groups: ArrayLike, thresholds: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Per group and threshold: bleeds called (G, T), normals called (G, T); bleeds (G,) and normals (G,) in all.

    Thresholds must fall.
    """
    y, s, _ = checked(labels, scores)
    codes, n_groups = group_codes(np.asarray(groups))
    first = np.searchsorted(-thresholds, -s, side="left")  # the first threshold that calls the slice
    cells = codes * (thresholds.size + 1) + first
    size = n_groups * (thresholds.size + 1)
    both = [np.bincount(cells[y == value], minlength=size).reshape(n_groups, -1) for value in (1, 0)]
    called = [np.cumsum(table[:, :-1], axis=1).astype(np.float64) for table in both]
    return called[0], called[1], both[0].sum(axis=1).astype(np.float64), both[1].sum(axis=1).astype(np.float64)


def _resampled(
    labels: ArrayLike, scores: ArrayLike, groups: ArrayLike, thresholds: FloatArray, resamples: int, seed: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Like `_counts_at`, summed over the groups drawn: (B, T), (B, T), (B, 1), (B, 1)."""
    tp, fp, positives, negatives = _counts_at(labels, scores, groups, thresholds)
    steps = thresholds.size
    per_group = np.column_stack([tp, fp, positives, negatives]).astype(np.float32)  # counts stay exact below 2^24
    chunks = draw_chunks(tp.shape[0], resamples, seed)
    sums = np.concatenate([chunk.astype(np.float32) @ per_group for chunk in chunks]).astype(np.float64)
    return sums[:, :steps], sums[:, steps : 2 * steps], sums[:, -2:-1], sums[:, -1:]


def _why_no_band(groups: ArrayLike | None, labels: ArrayLike) -> str:
    if groups is None:
        return "patients are unknown"
    codes, n_groups = group_codes(np.asarray(groups))
    y = np.asarray(labels)
    for number, what in (
        (n_groups, "groups"),
        (np.unique(codes[y == 1]).size, "groups with a bleed"),
        (np.unique(codes[y == 0]).size, "groups with a bleed-free slice"),
    ):
        if number < MIN_GROUPS:
            return f"only {number} {what}"
    return ""


def roc_curve(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike | None = None,
    resamples: int = _BAND_RESAMPLES,
    seed: int = 0,
) -> Curve | str:
    """ROC curve with a band of sensitivities at each false positive rate; a sentence where it is not defined."""
    thresholds, tp, fp, reason = _ranking(labels, scores)
    if reason:
        return f"not defined, because {reason}"
    x, y, at = np.append(0, fp / fp[-1]), np.append(0, tp / tp[-1]), np.append(np.inf, thresholds)
    grid = np.linspace(0, 1, 101)

    def resample(h: FloatArray, f: FloatArray, p: float, n: float) -> FloatArray | None:
        return np.interp(grid, np.append(0, f / n), np.append(0, h / p)) if p > 0 and n > 0 else None

    return _banded(x, y, at, grid, resample, labels, scores, groups, resamples, seed)


def sensitivity_at_specificity(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike,
    specificity: float,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Metric:
    """The largest sensitivity of a threshold whose specificity is at least `specificity`, with its interval.

    Each resample of the patients finds its own threshold: the interval is of a point of the ROC curve, not of the calls
    at one threshold.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,), probabilities or logits.
        groups: (N,) patient or series.
        specificity: in [0, 1].
        resamples: number of patient resamples.
        seed: of the draws.
    """
    thresholds, tp, fp, reason = _ranking(labels, scores)
    if reason:
        return Metric.undefined(reason, np.size(labels))

    def reached(hits: FloatArray, false: FloatArray, positives: FloatArray, negatives: FloatArray) -> FloatArray:
        allowed = false <= (1 - specificity) * negatives + 1e-9
        return np.where(allowed, hits, 0).max(axis=-1) / positives[..., 0]

    value = float(reached(tp, fp, tp[-1:], fp[-1:]))
    metric = Metric(value, n=int(tp[-1]), n_groups=group_codes(np.asarray(groups))[1])
    why = _why_no_band(groups, labels)
    if why:
        return metric.with_interval(None, why)
    with np.errstate(divide="ignore", invalid="ignore"):
        samples = reached(*_resampled(labels, scores, groups, thresholds, resamples, seed))
    how = f"{resamples:,} resamples of {metric.n_groups:,} patients, percentiles, each with its own threshold"
    return metric.with_interval(percentile_interval(samples), "not defined in more than a tenth of the resamples", how)


def precision_recall_curve(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike | None = None,
    resamples: int = _BAND_RESAMPLES,
    seed: int = 0,
) -> Curve | str:
    """Precision against recall, from the highest score down, with a band; a sentence where it is not defined.

    Precision depends on the share of bleeds in the set: the band holds for wards with the same share only.
    """
    thresholds, tp, fp, reason = _ranking(labels, scores)
    if reason:
        return f"not defined, because {reason}"
    x, y = tp / tp[-1], tp / (tp + fp)
    grid = np.linspace(0.02, 1, 99)

    def resample(h: FloatArray, f: FloatArray, p: float, n: float) -> FloatArray | None:
        called = h + f > 0
        return np.interp(grid, h[called] / p, h[called] / (h + f)[called]) if p > 0 and called.any() else None

    return _banded(x, y, thresholds, grid, resample, labels, scores, groups, resamples, seed)


def _banded(
    x: FloatArray,
    y: FloatArray,
    at: FloatArray,
    grid: FloatArray,
    resample: Callable[[FloatArray, FloatArray, float, float], FloatArray | None],
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike | None,
    resamples: int,
    seed: int,
) -> Curve:
    """A curve with its band from patient resamples, or with the reason why it has none.

    Args:
        x, y, at: the curve.
        grid: (M,) where the band is given.
        resample: bleeds and normals called at falling thresholds, (T,) each, and all bleeds and normals of one
            resample → its y at `grid`, (M,); None where it has no curve.
        labels, scores, groups, resamples, seed: as for the curves.
    """
    why = _why_no_band(groups, labels)
    if why:
        return Curve(x, y, at, _NONE, _NONE, _NONE, why)
    assert groups is not None
    thresholds = _grid(at[np.isfinite(at)], _MAX_STEPS)
    hits, false, positives, negatives = _resampled(labels, scores, groups, thresholds, resamples, seed)
    parts = (resample(*each) for each in zip(hits, false, positives[:, 0], negatives[:, 0], strict=True))
    low, high = np.quantile([row for row in parts if row is not None], [0.025, 0.975], axis=0)
    return Curve(x, y, at, grid, low, high)


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit over threshold probabilities (Vickers & Elkin 2006).

    Args:
        threshold: (T,) probability at which a reader would act.
        model: (T,) net benefit of acting on the model.
        everyone: (T,) of acting on every slice; acting on none is 0.
        low: (T,) lower 95 % limit of `model`, empty without enough groups.
        high: (T,) upper limit.
        why_none: why there is no band.
    """

    threshold: FloatArray
    model: FloatArray
    everyone: FloatArray
    low: FloatArray
    high: FloatArray
    why_none: str = ""


def decision_curve(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None = None,
    resamples: int = _BAND_RESAMPLES,
    seed: int = 0,
) -> DecisionCurve | str:
    """Net benefit = TP/N - FP/N · t/(1-t), on calibrated probabilities; a sentence where it is not defined."""
    y, p, reason = checked(labels, probabilities)
    if not reason and (p.min() < 0 or p.max() > 1):
        reason = "these scores are not probabilities"
    if reason:
        return f"not defined, because {reason}"
    falling = np.linspace(0.01, 0.99, 99)[::-1]
    odds = falling / (1 - falling)
    tp, fp, _, _ = _counts_at(y, p, np.zeros(y.size) if groups is None else groups, falling)
    total, share = float(y.size), float(y.mean())
    model = (tp.sum(axis=0) - fp.sum(axis=0) * odds) / total
    everyone = share - (1 - share) * odds
    why = _why_no_band(groups, y)
    low = high = _NONE
    if not why:
        assert groups is not None
        hits, false, pos, neg = _resampled(y, p, groups, falling, resamples, seed)
        low, high = np.quantile((hits - false * odds) / (pos + neg), [0.025, 0.975], axis=0)
    back = slice(None, None, -1)
    return DecisionCurve(falling[back], model[back], everyone[back], low[back], high[back], why)


@dataclass(frozen=True)
class ThresholdTable:
    """What each threshold does, with intervals: the table behind the slider, computed once.

    Args:
        threshold: (T,) rising from 0 to 1.
        tp, fp: (T,) bleeds and normals called at it.
        positives, negatives: of the set.
        sensitivity, specificity: (T, 3) value, low, high; low and high are NaN where no interval is honest.
        samples: resampled (sensitivity, specificity), each (B, T), for predictive values at any prevalence; None
            without enough groups.
        why_none: why there are no intervals.
    """

    threshold: FloatArray
    tp: FloatArray
    fp: FloatArray
    positives: int
    negatives: int
    sensitivity: FloatArray
    specificity: FloatArray
    samples: tuple[NDArray[np.float32], NDArray[np.float32]] | None
    why_none: str = ""

    def index(self, threshold: float) -> int:
        """The row nearest to a threshold."""
        return int(np.argmin(np.abs(self.threshold - threshold)))

    def predictive(self, index: int, prevalence: float) -> tuple[FloatArray, FloatArray]:
        """PPV and NPV at a prevalence, each (3,) value, low, high; NaN where not defined."""
        value = predictive_values(self.sensitivity[index, 0], self.specificity[index, 0], prevalence)
        rows = []
        drawn = None
        if self.samples is not None:
            drawn = predictive_values(self.samples[0][:, index], self.samples[1][:, index], prevalence)
        for which in (0, 1):
            low = high = np.nan
            if drawn is not None and np.isfinite(drawn[which]).mean() >= 0.9:
                low, high = np.nanquantile(drawn[which], [0.025, 0.975])
            rows.append(np.array([float(value[which]), low, high]))
        return rows[0], rows[1]

    def alerts(self, index: int, prevalence: float, per: int = 100) -> FloatArray:
        """Positive calls per `per` slices at a prevalence, (3,) value, low, high."""

        def rate(sens: Any, spec: Any) -> Any:
            return per * (sens * prevalence + (1 - spec) * (1 - prevalence))

        value = rate(self.sensitivity[index, 0], self.specificity[index, 0])
        if self.samples is None:
            return np.array([float(value), np.nan, np.nan])
        low, high = np.nanquantile(rate(self.samples[0][:, index], self.samples[1][:, index]), [0.025, 0.975])
        return np.array([float(value), low, high])


def threshold_table(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None = None,
    resamples: int = _BAND_RESAMPLES,
    steps: int = 1000,
    seed: int = 0,
    extra: tuple[float, ...] = (),
) -> ThresholdTable | str:
    """Sensitivity and specificity at every step of the slider, with their resamples; a sentence where not defined.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) in [0, 1].
        groups: (N,) patient or series; None where unknown.
        resamples: number of resamples.
        steps: thresholds are 0, 1/steps, …, 1.
        seed: of the draws.
        extra: further thresholds to hold exactly, e.g. the shipped operating points.
    """
    y, p, reason = checked(labels, probabilities)
    if not reason and (p.min() < 0 or p.max() > 1):
        reason = "these scores are not probabilities"
    if not reason and y.min() == y.max():
        reason = f"all {y.size} slices are labelled {'hemorrhage' if y[0] else 'normal'}"
    if reason:
        return f"not defined, because {reason}"
    rising = np.unique(np.append(np.linspace(0, 1, steps + 1), extra))
    falling = rising[::-1]
    back = slice(None, None, -1)
    tp, fp, positives, negatives = _counts_at(y, p, np.zeros(y.size) if groups is None else groups, falling)
    hits, false = tp.sum(axis=0)[back], fp.sum(axis=0)[back]
    n_pos, n_neg = int(positives.sum()), int(negatives.sum())
    sens, spec = np.full((rising.size, 3), np.nan), np.full((rising.size, 3), np.nan)
    sens[:, 0], spec[:, 0] = hits / n_pos, 1 - false / n_neg
    why = _why_no_band(groups, y)
    samples = None
    if not why:
        assert groups is not None
        drawn_tp, drawn_fp, drawn_pos, drawn_neg = _resampled(y, p, groups, falling, resamples, seed)
        with np.errstate(divide="ignore", invalid="ignore"):
            kept = np.float32  # the samples stay in memory behind the slider
            samples = (drawn_tp / drawn_pos)[:, back].astype(kept), (1 - drawn_fp / drawn_neg)[:, back].astype(kept)
        for table, sample in ((sens, samples[0]), (spec, samples[1])):
            table[:, 1:] = np.nanquantile(sample, [0.025, 0.975], axis=0).T
    return ThresholdTable(rising, hits, false, n_pos, n_neg, sens, spec, samples, why)
