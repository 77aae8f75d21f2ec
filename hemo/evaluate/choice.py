"""What a click on a mark of a chart stands for: the slices behind it, under a title, in the order to look at them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemo.evaluate.predictions import Predictions

NEAREST = 24
"""Slices shown for a point of a curve, which is a threshold and no set of slices."""


@dataclass(frozen=True)
class Choice:
    """Slices behind a mark.

    Args:
        title: what they have in common, as a heading.
        rows: their positions in the predictions table, in the order to be shown.
        threshold: the mark is this threshold on the score; None for any other mark.
        ordered: `rows` have an order of their own, which a gallery keeps.
    """

    title: str
    rows: tuple[int, ...]
    threshold: float | None = None
    ordered: bool = False


def scores_between(predictions: Predictions, low: float, high: float, label: int) -> Choice:
    """A bar of the histogram: slices of one label with low ≤ score < high; a score of 1 belongs to the last bar."""
    score = _scores(predictions)
    inside = (score >= low) & ((score < high) | ((high >= 1) & (score <= 1)))
    labelled = (predictions.frame["label"] == label).fillna(False).to_numpy(dtype=bool)
    word = "hemorrhage" if label else "normal"
    title = f"Scores {low:.3f} to {high:.3f}, labelled {word}"
    return Choice(title, _tuple(predictions.accepted & inside & labelled))


def of_subtype(predictions: Predictions, subtype: str, called: bool, threshold: float) -> Choice:
    """A bar of the subtypes: slices that show it and are called, or missed, at a threshold."""
    shows = predictions.frame[subtype].to_numpy(dtype=bool)
    same = (_scores(predictions) >= threshold) == called
    title = f"{subtype.capitalize()}, {'called' if called else 'missed'} at {threshold:.3f}"
    return Choice(title, _tuple(predictions.accepted & shows & same))


def near_threshold(predictions: Predictions, threshold: float) -> Choice:
    """A point of a curve: the slices scored closest to its threshold, on either side of it."""
    rows = np.flatnonzero(predictions.accepted & np.isfinite(_scores(predictions)))
    if not np.isfinite(threshold) or not rows.size:
        return Choice("Nothing is called at this point", ())
    gap = np.abs(_scores(predictions)[rows] - threshold)
    chosen = rows[np.argsort(gap, kind="stable")[:NEAREST]]
    return Choice(f"Slices scored closest to {threshold:.3f}", tuple(chosen.tolist()), threshold, ordered=True)


def like_this_one(predictions: Predictions, row: int, threshold: float) -> Choice:
    """A dot of the strip: its slice first, then those of its patient with the same label and call."""
    score, label = _scores(predictions), predictions.frame["label"].to_numpy()
    groups = predictions.frame["group"].to_numpy(dtype=str)
    same = (groups == groups[row]) & ((score >= threshold) == (score[row] >= threshold)) & (label == label[row])
    rest = [each for each in _tuple(same & predictions.accepted) if each != row]
    kind = predictions.about.group_kind.capitalize()
    return Choice(f"{kind} {groups[row]}: the slice clicked, then its like", (row, *rest), ordered=True)


def _scores(predictions: Predictions) -> NDArray[np.float64]:
    return predictions.frame["probability"].to_numpy(dtype=np.float64)


def _tuple(keep: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(row) for row in np.flatnonzero(keep))
