"""A slice's score among those of the slices above and below it: a bleed rarely lies on one slice alone.

The smoothed score is the binomial mean (1, 2, 1) / 4 of log odds. Its weights were fitted on nothing, so figures of it
need no data of their own. It needs a series in order: of a single picture it is the score itself.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from hemo.evaluate.metrics import FloatArray, group_codes

_LEAST = 1e-6


def with_neighbours(probabilities: ArrayLike) -> FloatArray:
    """Smoothed scores of one series.

    Args:
        probabilities: (N,) in [0, 1], from one end of the series to the other; NaN where a slice has no score.

    Returns:
        float64 (N,) in [0, 1]. A neighbour that is missing or has no score counts as the slice's own; NaN stays NaN.
    """
    odds = _log_odds(np.asarray(probabilities, dtype=np.float64))
    padded = np.concatenate([[np.nan], odds, [np.nan]])
    below, above = (np.where(np.isnan(side), odds, side) for side in (padded[:-2], padded[2:]))
    mean = (below + 2.0 * odds + above) / 4.0
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * mean)), dtype=np.float64)


def smoothed_scores(scores: Sequence[float | None]) -> list[float | None]:
    """As `with_neighbours`, of scores that are None where a slice was refused."""
    smoothed = with_neighbours([np.nan if score is None else score for score in scores])
    return [None if np.isnan(score) else float(score) for score in smoothed]


def with_neighbours_by_group(probabilities: ArrayLike, groups: ArrayLike, order: ArrayLike) -> FloatArray:
    """Smoothed scores of several series.

    Args:
        probabilities: (N,) in [0, 1].
        groups: (N,) series of each slice.
        order: (N,) numbers that sort the slices of a series.

    Returns:
        float64 (N,), each slice's in its own place.
    """
    scores, codes = np.asarray(probabilities, dtype=np.float64), group_codes(np.asarray(groups, dtype=object))[0]
    place = np.asarray(order, dtype=np.float64)
    result = np.empty(scores.size)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        rows = rows[np.argsort(place[rows], kind="stable")]
        result[rows] = with_neighbours(scores[rows])
    return result


def _log_odds(scores: FloatArray) -> FloatArray:
    clipped = np.clip(scores, _LEAST, 1.0 - _LEAST)
    return np.asarray(np.log(clipped / (1.0 - clipped)), dtype=np.float64)
