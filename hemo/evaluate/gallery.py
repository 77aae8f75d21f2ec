"""Which slices to look at, in which order: the slices behind a cell of the confusion matrix, filtered and sorted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from hemo.ct.preparation import Preparation
from hemo.ct.read import read_slice
from hemo.data.manifest import SUBTYPES
from hemo.errors import HemoError
from hemo.evaluate.predictions import Predictions

_AIR, _BONE = 20, 220
ORDERS = {
    "confident": "furthest from the threshold first",
    "close": "closest to the threshold first",
    "patient": "by patient and slice",
    "bright": "brightest brain first",
    "dark": "darkest brain first",
}


@dataclass(frozen=True, eq=False)
class Shown:
    """One slice of the gallery.

    Args:
        grey: uint8 (H, W); None where the file is not at hand.
        heat: float32 (H, W) in [0, 1]; None where there is none.
        why: why there is no picture, or "".
    """

    grey: NDArray[np.uint8] | None
    heat: NDArray[np.float32] | None
    why: str = ""


def cell_rows(predictions: Predictions, cell: str, threshold: float) -> NDArray[np.int64]:
    """Positions of the accepted slices in one cell of the confusion matrix.

    Args:
        predictions: the table.
        cell: "tp", "fp", "fn" or "tn".
        threshold: a score at or above it is a positive call.

    Raises:
        ValueError: another cell.
    """
    if cell not in ("tp", "fp", "fn", "tn"):
        raise ValueError(f"expected one of tp, fp, fn, tn. Received: {cell!r}")
    accepted = predictions.accepted
    called = (predictions.frame["probability"] >= threshold).to_numpy(dtype=bool)
    bleed = (predictions.frame["label"] == 1).fillna(False).to_numpy(dtype=bool)
    keep = accepted & (called == (cell in ("tp", "fp"))) & (bleed == (cell in ("tp", "fn")))
    return np.flatnonzero(keep).astype(np.int64)


def filters(predictions: Predictions) -> dict[str, list[str]]:
    """What the gallery can be filtered by, in this table: name → values, in natural order."""
    frame = predictions.frame
    found: dict[str, list[str]] = {}
    subtypes = [name for name in SUBTYPES if name in frame.columns and frame[name].any()]
    if subtypes:
        found["subtype"] = subtypes
    for column in ("brain_level", "split", "window", "site"):
        if column in frame.columns:
            values = [value for value in dict.fromkeys(frame[column].astype(str)) if value]
            if len(values) > 1:
                found[column] = values
    return found


def window_note(predictions: Predictions) -> str:
    """What is known of the slices' CT window where they cannot be filtered by it; "" where they can."""
    frame = predictions.frame
    named = sorted(set(frame["window"].astype(str)) - {""}) if "window" in frame.columns else []
    return f"all {named[0]}" if len(named) == 1 else "" if named else "not named by the set"


def filtered(predictions: Predictions, rows: NDArray[np.int64], chosen: dict[str, str]) -> NDArray[np.int64]:
    """The rows that match every chosen value; "group" matches a patient or series by part of its name."""
    frame = predictions.frame.iloc[rows]
    keep = np.ones(len(rows), dtype=bool)
    for name, value in chosen.items():
        if not value:
            continue
        if name == "subtype":
            keep &= frame[value].to_numpy(dtype=bool)
        elif name == "group":
            keep &= frame["group"].astype(str).str.contains(value, regex=False).to_numpy(dtype=bool)
        else:
            keep &= (frame[name].astype(str) == value).to_numpy(dtype=bool)
    return rows[keep]


def ordered(predictions: Predictions, rows: NDArray[np.int64], threshold: float, order: str) -> NDArray[np.int64]:
    """The rows in one of `ORDERS`."""
    if order == "patient":
        return rows
    if order in ("bright", "dark"):
        level = brightness(predictions)
        sign = -1 if order == "bright" else 1
        return rows if level is None else rows[np.argsort(sign * level[rows], kind="stable")]
    gap = np.abs(predictions.frame["probability"].to_numpy(dtype=np.float64)[rows] - threshold)
    return rows[np.argsort(gap if order == "close" else -gap, kind="stable")]


def look_up(predictions: Predictions, row: int) -> Shown:
    """Decode one slice and lay its heat map over it; prepares the slice again where the table kept no affine."""
    path = predictions.slice_file(row)
    if path is None:
        return Shown(None, None, "the slice is not on this machine")
    try:
        ct_slice = read_slice(path.read_bytes(), path.name)
    except (HemoError, OSError) as error:
        return Shown(None, None, str(error))
    grey = ct_slice.grey()
    heat = predictions.placed_heat(row)
    if heat is None and predictions.heat is not None and predictions.accepted[row]:
        prepared = Preparation.from_json(predictions.about.preparation).apply(ct_slice)
        heat = prepared.heat_to_source(predictions.heat[row].astype(np.float32))
    if heat is not None and heat.shape != grey.shape:
        return Shown(grey, None, "the file has changed since it was read")
    return Shown(grey, heat)


def described(predictions: Predictions, row: int) -> str:
    """What is known of one slice, in one line of plain text."""
    values = predictions.frame.iloc[row]
    parts = [f"{values['group']} · slice {values['slice']}", f"score {float(values['probability']):.3f}"]
    kinds = [name for name in SUBTYPES if name in predictions.frame.columns and bool(values[name])]
    parts.append("labelled " + (", ".join(kinds) or "hemorrhage" if values["label"] == 1 else "normal"))
    if "brain_level" in predictions.frame.columns and values["brain_level"]:
        parts.append(str(values["brain_level"]))
    return " · ".join(parts)


def alike(predictions: Predictions, row: int, k: int = 4) -> list[tuple[int, float]]:
    """Slices of other patients that look most like one, with the correlation of their small pictures.

    Appearance is that of the prepared slice at 24×24: level in the head, outline, ventricles, large bleeds. It is not
    the network's view, see `neighbours`, so that it can disagree with it. Empty where the table keeps no small
    pictures.
    """
    if predictions.thumbs is None or not predictions.accepted[row]:
        return []
    flat = predictions.thumbs.reshape(len(predictions), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    norm = np.maximum(np.linalg.norm(flat, axis=1), 1e-6)
    correlation = flat @ flat[row] / (norm * norm[row])
    groups = predictions.frame["group"].to_numpy(dtype=str)
    correlation[(groups == groups[row]) | ~predictions.accepted] = -np.inf
    best = np.argsort(-correlation, kind="stable")[:k]
    return [(int(each), float(correlation[each])) for each in best if np.isfinite(correlation[each])]


def brightness(predictions: Predictions) -> NDArray[np.float64] | None:
    """Mean grey level of each slice's brain, 0 to 255, float64 (N,), NaN where none is in view.

    The brain is what lies three of the small picture's pixels inside the head's outline, about the thickness of scalp
    and skull, and is neither air nor bone. None where the table keeps no small pictures.
    """
    if predictions.thumbs is None:
        return None
    thumbs = predictions.thumbs
    head = maximum_filter(thumbs, (1, 3, 3)) > _AIR
    inside = minimum_filter(head, (1, 7, 7), mode="constant", cval=0)
    brain = inside & (thumbs > _AIR) & (thumbs < _BONE)
    count = brain.sum(axis=(1, 2))
    total = np.where(brain, thumbs, 0).sum(axis=(1, 2), dtype=np.float64)
    return np.divide(total, count, out=np.full(len(thumbs), np.nan), where=count > 0)


def within(level: NDArray[np.float64], rows: NDArray[np.int64], low: float, high: float) -> NDArray[np.int64]:
    """The rows whose brain lies between two grey levels, both included."""
    return rows[(level[rows] >= low) & (level[rows] <= high)]


def doubtful_table(predictions: Predictions, sources: set[str]) -> pd.DataFrame:
    """The slices whose label a reader doubts, for export: source, slice, group, label, probability, call."""
    columns: list[Any] = ["source", "slice", "group", "label", "probability", "call"]
    return predictions.frame.loc[predictions.frame["source"].isin(sources), columns].reset_index(drop=True)
