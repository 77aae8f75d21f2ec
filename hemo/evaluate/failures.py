"""What a network gets wrong, in sentences for its card: which bleeds it misses and which slices it calls for nothing.

Counts alone hide that errors come in patients: one patient with a thin clot is missed on every slice, one noisy scan is
called on every slice. So each sentence names the patients and the slices that anyone with the data can open.
"""

import numpy as np

from hemo.data.manifest import SUBTYPES
from hemo.evaluate.predictions import Predictions

_NAMED = 6
"""Patients and slices named in a sentence; the rest is in the table."""


def failures(predictions: Predictions, threshold: float) -> list[str]:
    """Sentences on the misses, the false alarms and the refusals.

    Args:
        predictions: with labels; the calls are those at `threshold`.
        threshold: on the calibrated probability, at or above it is a positive call.

    Returns:
        One sentence a kind of failure that occurs: missed by patient, missed by subtype, lowest scores of bleeds,
        false alarms by patient, highest scores of normal slices, refused bleeds.
    """
    frame = predictions.frame
    accepted = np.asarray(predictions.accepted, bool)
    label = frame["label"].to_numpy(dtype=float, na_value=np.nan)
    called = frame["probability"].to_numpy(dtype=float, na_value=np.nan) >= threshold
    bleed, normal = accepted & (label == 1), accepted & (label == 0)
    sentences = [
        *_by_patient(predictions, bleed & ~called, bleed, "bleeds missed", "Missed"),
        *_by_subtype(predictions, bleed & ~called, bleed),
        *_extremes(predictions, bleed, lowest=True),
        *_by_patient(predictions, normal & called, normal, "normal slices called", "False alarms"),
        *_extremes(predictions, normal, lowest=False),
    ]
    refused = ~accepted & (label == 1)
    if refused.any():
        sentences.append(f"Refused as no head CT although a bleed is labelled: {_names(predictions, refused)}")
    return sentences


def _by_patient(predictions: Predictions, wrong: np.ndarray, among: np.ndarray, what: str, title: str) -> list[str]:
    if not wrong.any():
        return []
    group = predictions.frame["group"].astype(str).to_numpy()
    counts = {name: int((wrong & (group == name)).sum()) for name in np.unique(group[wrong])}
    worst = sorted(counts, key=lambda name: (-counts[name], name))[:_NAMED]
    named = ", ".join(f"{name} ({counts[name]} of {int((among & (group == name)).sum())})" for name in worst)
    kind = predictions.about.group_kind
    most = "in" if len(counts) <= _NAMED else f"in {len(counts)} of them, most in"
    return [
        f"{title}: {int(wrong.sum())} of {int(among.sum())} {what} at the balanced threshold, by {kind}: {most} {named}"
    ]


def _by_subtype(predictions: Predictions, missed: np.ndarray, bleed: np.ndarray) -> list[str]:
    frame = predictions.frame
    parts = []
    for name in SUBTYPES:
        if name in frame.columns:
            of_kind = bleed & frame[name].to_numpy(dtype=bool)
            if of_kind.any():
                parts.append(f"{name} {int((missed & of_kind).sum())} of {int(of_kind.sum())}")
    return [f"Missed by kind: {', '.join(parts)}"] if parts and missed.any() else []


def _extremes(predictions: Predictions, among: np.ndarray, lowest: bool) -> list[str]:
    """The bleeds with the lowest scores or the normal slices with the highest, one a patient."""
    frame = predictions.frame
    rows = np.flatnonzero(among)
    if not rows.size:
        return []
    score = frame["probability"].to_numpy(dtype=float)[rows]
    ordered = rows[np.argsort(score if lowest else -score, kind="stable")]
    first: dict[str, int] = {}
    for row in ordered:
        first.setdefault(str(frame["group"].iloc[row]), int(row))
    chosen = list(first.values())[:_NAMED]
    named = ", ".join(
        f"{frame['group'].iloc[row]}/{frame['slice'].iloc[row]} ({frame['probability'].iloc[row]:.3f})"
        for row in chosen
    )
    what = "Lowest scores of bleeds" if lowest else "Highest scores of slices labelled normal"
    return [f"{what}, one a {predictions.about.group_kind}, as {predictions.about.group_kind}/slice: {named}"]


def _names(predictions: Predictions, rows: np.ndarray) -> str:
    frame = predictions.frame[rows]
    names = [f"{group}/{number}" for group, number in zip(frame["group"], frame["slice"], strict=True)]
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
