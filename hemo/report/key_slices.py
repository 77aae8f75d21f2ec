"""The slices of a study worth a picture in a report: those with the highest scores, in their order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemo.ct.window import MODEL_WINDOW, Window
from hemo.report.overlay import overlay
from hemo.report.study_json import StudyResult

KEY_SLICES = 6


@dataclass(frozen=True, eq=False)
class KeySlice:
    """One slice as it is printed.

    Args:
        number: of the slice in its study, from 1.
        position_mm: along the slice normal, where known.
        spacing_mm: between rows and columns, where known.
        call: of the slice at the study's operating point.
        score: of the slice.
        grey: uint8 (H, W), the untouched slice.
        marked: uint8 (H, W, 3), the same with the heat map over it.
    """

    number: int
    position_mm: float | None
    spacing_mm: tuple[float, float] | None
    call: str
    score: float
    grey: NDArray[np.uint8]
    marked: NDArray[np.uint8]

    @property
    def caption(self) -> str:
        """Slice, position, call and score in one line."""
        place = "" if self.position_mm is None else f", {self.position_mm:.1f} mm"
        return f"Slice {self.number}{place}: {self.call}, score {self.score:.3f}"


def key_slices(result: StudyResult, limit: int = KEY_SLICES, window: Window = MODEL_WINDOW) -> list[KeySlice]:
    """Up to `limit` slices of highest score that were read, in the study's order.

    Args:
        result: a study with its readings.
        limit: how many at most.
        window: what HU are looked at through; a picture keeps its own.
    """
    scored = [(reading.probability, index) for index, reading in enumerate(result.readings)]
    read = [(score, index) for score, index in scored if score is not None]
    # Of equal scores the earlier slice wins.
    best = sorted(read, key=lambda item: (-item[0], item[1]))[:limit]
    return [_key_slice(result, index, score, window) for score, index in sorted(best, key=lambda item: item[1])]


def _key_slice(result: StudyResult, index: int, score: float, window: Window) -> KeySlice:
    source, heat = result.slices[index], result.readings[index].heat
    grey = source.grey(window)
    marked = np.repeat(grey[..., np.newaxis], 3, axis=2) if heat is None else overlay(grey, heat)
    return KeySlice(index + 1, source.position_mm, source.spacing_mm, result.answer.calls[index], score, grey, marked)
