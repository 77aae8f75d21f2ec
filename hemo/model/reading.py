"""From slices to readings: guard, prepare, score, call, and the heat map laid back over the slice."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np

from hemo.ct.guard import assess
from hemo.ct.preparation import Prepared
from hemo.ct.slice import CTSlice
from hemo.errors import HemoError
from hemo.model.card import Card, default_threshold, operating_point
from hemo.model.predictor import BATCH, Predictor

Call = Literal["Hemorrhage", "Normal", "Uncertain", "Refused"]
CALLS: tuple[Call, ...] = ("Hemorrhage", "Normal", "Uncertain", "Refused")
MOST_THREADS = 8


@dataclass(frozen=True, eq=False)
class Reading:
    """The answer for one slice.

    Args:
        name: the slice's name.
        probability: calibrated, in [0, 1]; None where the slice was refused.
        call: one of `CALLS`.
        reason: why this call, in one sentence; for a refusal, what was expected and received.
        heat: float32 (H, W) in [0, 1] at the slice's own resolution; None where refused or not asked for.
        warnings: sentences a reader of the slice should see.
        logit: the network's own, before calibration; None where refused.
    """

    name: str
    probability: float | None
    call: Call
    reason: str
    heat: np.ndarray | None
    warnings: tuple[str, ...]
    logit: float | None = None


def read_slices(
    predictor: Predictor,
    slices: Iterable[CTSlice],
    guard: bool = True,
    point: str | None = None,
    heat: bool = True,
) -> list[Reading]:
    """Read slices; arguments as for `iterate_readings`."""
    return list(iterate_readings(predictor, slices, guard=guard, point=point, heat=heat))


def iterate_readings(
    predictor: Predictor,
    slices: Iterable[CTSlice],
    guard: bool = True,
    point: str | None = None,
    heat: bool = True,
) -> Iterator[Reading]:
    """Read slices in their order, a batch at a time, so that memory does not grow with their number.

    Args:
        predictor: the network.
        slices: any number of slices; consumed as the readings are.
        guard: refuse what is not an axial head-CT slice before any score.
        point: name of an operating point of the card; None for the default call, see `call_for`.
        heat: also lay the heat map over each slice.

    Raises:
        BundleError: the card has no operating point called `point`.
    """
    card = predictor.bundle.card
    if point is not None:
        operating_point(card, point)
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, MOST_THREADS)) as pool:
        for batch in _batches(slices):
            yield from _read_batch(predictor, batch, guard, point, heat, pool)


def call_for(probability: float, card: Card, point: str | None = None) -> tuple[Call, str]:
    """The call for a calibrated probability, and why.

    Without a named point, the card's uncertain band decides: below it Normal, above it Hemorrhage, inside it
    Uncertain; a card without a band decides at its balanced threshold. A named point is a plain cut: at or above its
    threshold Hemorrhage, else Normal.

    Args:
        probability: calibrated, in [0, 1].
        card: the bundle's card.
        point: name of an operating point, or None.
    """
    band = card["uncertain_band"]
    if point is None and band is not None:
        low, high = band
        if probability < low:
            return "Normal", f"score {probability:.3f} lies below the uncertain band ({low:.3f} to {high:.3f})"
        if probability > high:
            return "Hemorrhage", f"score {probability:.3f} lies above the uncertain band ({low:.3f} to {high:.3f})"
        return "Uncertain", f"score {probability:.3f} lies in the uncertain band ({low:.3f} to {high:.3f})"
    threshold = default_threshold(card) if point is None else operating_point(card, point)["threshold"]
    label = "balanced" if point is None else point
    if probability >= threshold:
        return "Hemorrhage", f"score {probability:.3f} reaches the {label} threshold {threshold:.3f}"
    return "Normal", f"score {probability:.3f} stays below the {label} threshold {threshold:.3f}"


def _batches(slices: Iterable[CTSlice]) -> Iterator[list[CTSlice]]:
    iterator = iter(slices)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _read_batch(
    predictor: Predictor, batch: list[CTSlice], guard: bool, point: str | None, heat: bool, pool: Executor
) -> Iterator[Reading]:
    # Guard and preparation take as long as the network; OpenCV and NumPy let go of the interpreter while they work.
    prepared = list(pool.map(lambda ct_slice: _prepare(predictor, ct_slice, guard), batch))
    accepted = [entry for entry in prepared if isinstance(entry, Prepared)]
    scores = predictor.predict(np.stack([entry.image for entry in accepted])) if accepted else None
    row = 0
    for ct_slice, entry in zip(batch, prepared, strict=True):
        if isinstance(entry, str) or scores is None:
            yield Reading(ct_slice.name, None, "Refused", str(entry), None, ct_slice.warnings)
            continue
        probability = float(scores.probability[row])
        call, reason = call_for(probability, predictor.bundle.card, point)
        yield Reading(
            name=ct_slice.name,
            probability=probability,
            call=call,
            reason=reason,
            heat=entry.heat_to_source(scores.heat[row]) if heat else None,
            warnings=ct_slice.warnings,
            logit=float(scores.logit[row]),
        )
        row += 1


def _prepare(predictor: Predictor, ct_slice: CTSlice, guard: bool) -> Prepared | str:
    """The prepared slice, or why it is refused."""
    head = None
    if guard:
        verdict = assess(ct_slice)
        if not verdict.is_head:
            return verdict.reason
        head = verdict.head
    try:
        return predictor.preparation.apply(ct_slice, head)
    except HemoError as error:
        return str(error)
