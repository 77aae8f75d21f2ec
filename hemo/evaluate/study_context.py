"""A slice's score among those of the slices above and below it: a bleed rarely lies on one slice alone.

The smoothed score is a mean of log odds, weighted by a Gaussian of the distance between slices. Its one number, the
reach, is chosen among a few on slices of other patients than those it is reported on. It needs a series in order: of a
single picture it is the score itself.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from hemo.evaluate.metrics import FloatArray, IntArray, auc, group_codes

REACHES_MM = (2.5, 3.5, 5.0, 7.0, 10.0, 14.0)
"""Standard deviations of the Gaussian that are tried."""
USUAL_REACH_MM = 5.0
"""Of a model whose card names none."""
USUAL_SPACING_MM = 5.0
"""Between slices whose places are not known: that of most head CT kept for reading."""
_LEAST = 1e-6


def with_neighbours(
    probabilities: ArrayLike, places_mm: ArrayLike | None = None, reach_mm: float = USUAL_REACH_MM
) -> FloatArray:
    """Smoothed scores of one series.

    Args:
        probabilities: (N,) in [0, 1]; NaN where a slice has no score.
        places_mm: (N,) along the body, mm; None, or one that is NaN, stands for slices in order, 5 mm apart.
        reach_mm: standard deviation of the Gaussian of the distance, mm.

    Returns:
        float64 (N,) in [0, 1]. A slice without a score counts for no other; NaN stays NaN.
    """
    odds = _log_odds(np.asarray(probabilities, dtype=np.float64))
    places = np.arange(odds.size) * USUAL_SPACING_MM
    if places_mm is not None and np.isfinite(given := np.asarray(places_mm, dtype=np.float64)).all():
        places = given
    known = np.isfinite(odds)
    weights = np.exp(-((places[:, None] - places[None]) ** 2) / (2.0 * reach_mm**2)) * known[None]
    total = weights.sum(axis=1)
    mean = np.divide(weights @ np.where(known, odds, 0.0), total, out=np.full(odds.size, np.nan), where=known)
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * mean)), dtype=np.float64)


def smoothed_scores(
    scores: Sequence[float | None], places_mm: Sequence[float | None], reach_mm: float
) -> list[float | None]:
    """As `with_neighbours`, of scores that are None where a slice was refused and places that may be None."""
    places = [np.nan if place is None else place for place in places_mm]
    smoothed = with_neighbours([np.nan if score is None else score for score in scores], places, reach_mm)
    return [None if np.isnan(score) else float(score) for score in smoothed]


def with_neighbours_by_group(
    probabilities: ArrayLike, groups: ArrayLike, order: ArrayLike, reach_mm: float = USUAL_REACH_MM
) -> FloatArray:
    """Smoothed scores of several series of slices 5 mm apart.

    Args:
        probabilities: (N,) in [0, 1].
        groups: (N,) series of each slice.
        order: (N,) numbers that sort the slices of a series.
        reach_mm: as in `with_neighbours`.

    Returns:
        float64 (N,), each slice's in its own place.
    """
    scores = np.asarray(probabilities, dtype=np.float64)
    result = np.empty(scores.size)
    for rows in _series(groups, order):
        result[rows] = with_neighbours(scores[rows], reach_mm=reach_mm)
    return result


def fit_reach(probabilities: ArrayLike, labels: ArrayLike, groups: ArrayLike, order: ArrayLike) -> float:
    """The reach of `REACHES_MM` whose smoothed scores have the largest AUC by slice, mm.

    Arguments are those of `with_neighbours_by_group`, and labels (N,) 0 or 1.
    """
    truth = np.asarray(labels)
    return max(
        REACHES_MM,
        key=lambda reach: auc(truth, with_neighbours_by_group(probabilities, groups, order, reach)).value or 0.0,
    )


def cross_fitted_context(
    probabilities: ArrayLike, labels: ArrayLike, folds: ArrayLike, groups: ArrayLike, order: ArrayLike
) -> tuple[FloatArray, list[float]]:
    """Smoothed scores whose reach was chosen without their own fold.

    Returns:
        float64 (N,), and the reach of each fold, mm, in the folds' sorted order. No series may cross folds.
    """
    scores, truth, fold = (np.asarray(values) for values in (probabilities, labels, folds))
    names, places = np.asarray(groups, dtype=object), np.asarray(order, dtype=np.float64)
    result, reaches = np.empty(scores.size), []
    for number in np.unique(fold):
        here, others = fold == number, fold != number
        reach = fit_reach(scores[others], truth[others], names[others], places[others])
        result[here] = with_neighbours_by_group(scores[here], names[here], places[here], reach)
        reaches.append(reach)
    return result, reaches


def _series(groups: ArrayLike, order: ArrayLike) -> Iterator[IntArray]:
    """Rows of each series, sorted."""
    codes, places = group_codes(np.asarray(groups, dtype=object))[0], np.asarray(order, dtype=np.float64)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        yield rows[np.argsort(places[rows], kind="stable")]


def _log_odds(scores: FloatArray) -> FloatArray:
    clipped = np.clip(scores, _LEAST, 1.0 - _LEAST)
    return np.asarray(np.log(clipped / (1.0 - clipped)), dtype=np.float64)
