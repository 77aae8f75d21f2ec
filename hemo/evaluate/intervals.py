"""Intervals that do not pretend: patients are resampled, not slices, all metrics of all resamples in one sweep.

Neighbouring slices of a patient are near copies, so slices are not independent and a bootstrap over slices is far
too narrow (field notes; Obuchowski 1997 for the clustered case). A resample draws as many patients as there are,
with replacement, and every slice of a patient comes along as often as the patient was drawn. So a resample is a
vector of draw counts per patient, and every metric is a function of weighted sums: the sweep below is exact, not an
approximation, and equals the plain loop over scikit-learn's functions to rounding.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from hemo.evaluate.metrics import (
    ECE_BINS,
    METRICS,
    FloatArray,
    IntArray,
    Metric,
    bin_index,
    checked,
    group_codes,
    log_losses,
    point_metrics,
)

RESAMPLES = 2000
MIN_GROUPS = 10
"""Fewer patients (or fewer with a bleed, or without) than this, and no interval is given: it would mislead."""
MIN_DEFINED = 0.9
"""An interval needs the metric to exist in at least this share of the resamples."""
_CHUNK = 1 << 19  # resample-slice cells held at once: small enough to stay in cache, whatever the table's length

_NEEDS_POSITIVE = {"auc", "average_precision", "sensitivity", "ppv", "npv"}
_NEEDS_NEGATIVE = {"auc", "specificity"}
_RANKED = ("auc", "average_precision")
_PROPORTIONS = {"accuracy", "sensitivity", "specificity", "ppv", "npv"}


def draw_chunks(n_groups: int, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[NDArray[np.int32]]:
    """The rows of `draw_counts`, some at a time, so that 100,000 groups never need a gigabyte."""
    rng = np.random.default_rng(seed)
    rows = max(1, _CHUNK // max(n_groups, 1))
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        drawn = rng.integers(0, n_groups, size=(size, n_groups)) + np.arange(size)[:, None] * n_groups
        yield np.bincount(drawn.ravel(), minlength=size * n_groups).reshape(size, n_groups).astype(np.int32)


def draw_counts(n_groups: int, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.int32]:
    """How often each group is drawn in each resample.

    Returns:
        int32 (resamples, n_groups); every row sums to n_groups.
    """
    return np.concatenate(list(draw_chunks(n_groups, resamples, seed)))


def _divide(part: FloatArray, whole: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _group_sums(codes: IntArray, n_groups: int, values: list[FloatArray]) -> FloatArray:
    """Sums of each of K per-slice values within each group, float64 (G, K)."""
    return np.stack([np.bincount(codes, weights=value, minlength=n_groups) for value in values], axis=1)


class _Ranking:
    """AUC and average precision of resamples, by weighted cumulative counts down one sorted list of slices."""

    def __init__(self, labels: IntArray, scores: FloatArray, codes: IntArray):
        order = np.argsort(-scores, kind="stable")
        self.labels = labels[order].astype(np.int32)[:, None]
        self.codes = codes[order]
        ends = np.append(np.flatnonzero(np.diff(scores[order])), labels.size - 1)
        has_bleed = np.add.reduceat(labels[order], np.append(0, ends[:-1] + 1)) > 0
        # Only runs of equal scores that hold a bleed move either figure.
        self.before = np.append(-1, ends[:-1])[has_bleed] + 1
        self.ends = ends[has_bleed] + 1

    def __call__(self, counts: NDArray[np.int32]) -> tuple[FloatArray, FloatArray]:
        """AUC (B,) and average precision (B,) for draws (B, G); NaN where not defined."""
        resamples = counts.shape[0]
        area, precision = np.full(resamples, np.nan), np.full(resamples, np.nan)
        transposed = np.ascontiguousarray(counts.T)  # (G, B): a slice's weights over resamples lie side by side
        rows = max(1, _CHUNK // self.codes.size)
        for start in range(0, resamples if self.ends.size else 0, rows):
            window = slice(start, start + rows)
            area[window], precision[window] = self._figures(transposed[:, window][self.codes])
        return area, precision

    def _figures(self, weight: NDArray[np.int32]) -> tuple[FloatArray, FloatArray]:
        drawn = np.zeros((weight.shape[0] + 1, weight.shape[1]), dtype=np.int32)
        hits = np.zeros_like(drawn)
        np.cumsum(weight, axis=0, out=drawn[1:])
        np.cumsum(weight * self.labels, axis=0, out=hits[1:])
        hit_end, hit_before = hits[self.ends].astype(np.float64), hits[self.before]
        step = hit_end - hit_before
        false_end, false_before = drawn[self.ends] - hit_end, (drawn[self.before] - hit_before).astype(np.float64)
        positives = hits[-1].astype(np.float64)
        negatives = drawn[-1] - positives
        wins = (step * (negatives - (false_before + false_end) / 2)).sum(axis=0)
        seen = np.maximum(hit_end + false_end, 1)
        return _divide(wins, positives * negatives), _divide((step * hit_end / seen).sum(axis=0), positives)


def bootstrap(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike,
    threshold: ArrayLike,
    resamples: int = RESAMPLES,
    seed: int = 0,
    counts: NDArray[np.int32] | None = None,
    bins: int = ECE_BINS,
) -> dict[str, FloatArray]:
    """Every metric of `METRICS` in every resample of the groups.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) in [0, 1], finite.
        groups: (N,) patient or series of each slice.
        threshold: a probability at or above it is a positive call; one number, or (N,) where it is cross-fitted.
        resamples: number of resamples B, ignored where `counts` is given.
        seed: of the draws.
        counts: (B, G) draws to use, as from `draw_counts`, columns in order of first appearance of the groups.
        bins: of the calibration error.

    Returns:
        name → float64 (B,), NaN where the metric is not defined in that resample.

    Raises:
        ValueError: shapes differ, or a probability is not finite.
    """
    y, p, reason = checked(labels, probabilities)
    if reason:
        raise ValueError(f"expected finite probabilities. Received: {reason}")
    codes, n_groups = group_codes(np.asarray(groups))
    if counts is not None and counts.shape[1] != n_groups:
        raise ValueError(f"expected draws for {n_groups} groups. Received: {counts.shape[1]}")
    called = p >= np.asarray(threshold, dtype=np.float64)
    index = bin_index(np.clip(p, 0, 1), bins)
    values = [
        (called & (y == 1)).astype(np.float64),
        (called & (y == 0)).astype(np.float64),
        (y == 1).astype(np.float64),
        np.ones(y.size),
        log_losses(y, np.clip(p, 0, 1)),
        (p - y) ** 2,
        *[np.where(index == b, y - p, 0.0) for b in range(bins)],
    ]
    per_group = _group_sums(codes, n_groups, values)
    ranking = _Ranking(y, p, codes)
    parts = [
        _figures(chunk.astype(np.float64) @ per_group) | dict(zip(_RANKED, ranking(chunk), strict=True))
        for chunk in (draw_chunks(n_groups, resamples, seed) if counts is None else [counts])
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in METRICS}


def _figures(sums: FloatArray) -> dict[str, FloatArray]:
    """Metrics that are functions of sums; the columns are those of `bootstrap`'s `values`."""
    tp, fp, positives, n = sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3]
    negatives = n - positives
    tn, fn = negatives - fp, positives - tp
    return {
        "accuracy": _divide(tp + tn, n),
        "sensitivity": _divide(tp, positives),
        "specificity": _divide(tn, negatives),
        "ppv": _divide(tp, tp + fp),
        "npv": _divide(tn, tn + fn),
        "log_loss": _divide(sums[:, 4], n),
        "brier": _divide(sums[:, 5], n),
        "ece": _divide(np.abs(sums[:, 6:]).sum(axis=1), n),
    }


def percentile_interval(samples: FloatArray, level: float = 0.95) -> tuple[float, float] | None:
    """The middle `level` of the defined samples; None where too few are defined (`MIN_DEFINED`)."""
    defined = samples[np.isfinite(samples)]
    if defined.size < MIN_DEFINED * samples.size or not defined.size:
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def wilson(successes: int, n: int, level: float = 0.95) -> tuple[float, float] | None:
    """Wilson's score interval of a proportion (Wilson 1927); assumes independent cases. None where n is 0."""
    if n == 0:
        return None
    z = float(norm.ppf((1 + level) / 2))
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def plural(kind: str, n: int) -> str:
    """What `n` groups of this kind are called: "patients", "1" → "patient", "series", "images"."""
    word = {"file": "image"}.get(kind, kind)
    return word if n == 1 or word.endswith("s") else f"{word}s"


def why_no_interval(
    labels: IntArray, codes: IntArray, n_groups: int, metric: str = "auc", kind: str = "patient"
) -> str:
    """Why no interval is honest for `metric` on these groups; "" where one is.

    Args:
        labels: (N,) of 0 and 1.
        codes: (N,) group of each slice as an integer.
        n_groups: number of groups.
        metric: sensitivity rests on the groups with a bleed only, specificity on those without, AUC on both.
        kind: what a group is, for the sentence.
    """
    tail = f"fewer than {MIN_GROUPS} carry no honest interval"
    if n_groups < MIN_GROUPS:
        return f"only {n_groups} {plural(kind, n_groups)}; {tail}"
    for needed, value in ((_NEEDS_POSITIVE, 1), (_NEEDS_NEGATIVE, 0)):
        have = int(np.unique(codes[labels == value]).size)
        if metric in needed and have < MIN_GROUPS:
            what = "a slice that shows a bleed" if value else "a bleed-free slice"
            return f"only {have} {plural(kind, have)} with {what}; {tail}"
    return ""


def summarise(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None,
    threshold: ArrayLike,
    group_kind: str = "patient",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Metric]:
    """Every metric of `METRICS` with its interval, or the reason why there is none.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) in [0, 1].
        groups: (N,) patient or series of each slice; None where unknown.
        threshold: a probability at or above it is a positive call; one number, or (N,) where it is cross-fitted.
        group_kind: "patient", "series" or "file". For "file", or groups None, patients are unknown: proportions get
            Wilson's interval and the rest a bootstrap over images, and `method` says that this takes every image
            for another patient.
        resamples: number of patient resamples.
        seed: of the draws.
    """
    y, p, reason = checked(labels, probabilities)
    points = point_metrics(y, p, threshold)
    unknown = groups is None or group_kind == "file"
    if reason or (p.size and (p.min() < 0 or p.max() > 1)):
        return points
    codes, n_groups = (np.arange(y.size), y.size) if unknown else group_codes(np.asarray(groups))
    kind = "file" if unknown else group_kind
    samples: dict[str, FloatArray] = {}
    if n_groups >= MIN_GROUPS:
        samples = bootstrap(y, p, codes, threshold, resamples, seed)
    how = f"{resamples:,} resamples of {n_groups:,} {plural(kind, n_groups)}, percentiles"
    note = "; patients unknown, every image taken for another patient" if unknown else ""
    result: dict[str, Metric] = {}
    for name, metric in points.items():
        placed = Metric(metric.value, metric.why, metric.n, None if unknown else n_groups, why_none=metric.why_none)
        why = why_no_interval(y, codes, n_groups, name, kind)
        if metric.value is None:
            result[name] = placed
        elif why:
            result[name] = placed.with_interval(None, why)
        elif unknown and name in _PROPORTIONS:
            interval = wilson(round(metric.value * metric.n), metric.n)
            result[name] = placed.with_interval(interval, method=f"Wilson{note}")
        else:
            interval = percentile_interval(samples[name])
            lost = "not defined in more than a tenth of the resamples"
            result[name] = placed.with_interval(interval, lost, how + note)
    return result


def bootstrap_statistic(
    statistic: Callable[[FloatArray], FloatArray],
    values: ArrayLike,
    groups: ArrayLike,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> FloatArray:
    """Any function of group-summed values, in every resample of the groups.

    Args:
        statistic: takes float64 (B, K) sums over the drawn slices, returns (B,).
        values: (N, K) per-slice values.
        groups: (N,).
        resamples: number of resamples B.
        seed: of the draws.

    Returns:
        float64 (B,).
    """
    columns = np.asarray(values, dtype=np.float64)
    columns = columns[:, None] if columns.ndim == 1 else columns
    codes, n_groups = group_codes(np.asarray(groups))
    sums = _group_sums(codes, n_groups, [columns[:, k] for k in range(columns.shape[1])])
    chunks = draw_chunks(n_groups, resamples, seed)
    return np.concatenate([statistic(chunk.astype(np.float64) @ sums) for chunk in chunks])


def mean_with_interval(
    values: ArrayLike, groups: ArrayLike, kind: str = "patient", resamples: int = RESAMPLES, seed: int = 0
) -> Metric:
    """The mean of a per-slice value with its group-resampled interval; NaN values are refused with a reason."""
    x = np.asarray(values, dtype=np.float64).ravel()
    if not x.size:
        return Metric.undefined("there are no slices")
    if not np.isfinite(x).all():
        return Metric.undefined(f"{int((~np.isfinite(x)).sum())} of {x.size} values are not finite numbers", x.size)
    codes, n_groups = group_codes(np.asarray(groups))
    metric = Metric(float(x.mean()), n=x.size, n_groups=n_groups)
    if n_groups < MIN_GROUPS:
        return metric.with_interval(
            None, why_no_interval(np.zeros(x.size, np.int64), codes, n_groups, "accuracy", kind)
        )

    def mean(sums: FloatArray) -> FloatArray:
        return _divide(sums[:, 0], sums[:, 1])

    samples = bootstrap_statistic(mean, np.stack([x, np.ones(x.size)], axis=1), codes, resamples, seed)
    how = f"{resamples:,} resamples of {n_groups:,} {plural(kind, n_groups)}, percentiles"
    return metric.with_interval(percentile_interval(samples), method=how)


def to_json(metrics: dict[str, Metric]) -> dict[str, dict[str, Any]]:
    """Metrics as plain JSON values, in their order."""
    return {name: metric.to_json() for name, metric in metrics.items()}
