"""Readings as JSON: studies with every slice's score and call, the model that gave them, and the reader's verdict."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hemo import __version__
from hemo.ct.slice import CTSlice
from hemo.evaluate.study_reading import StudyReading, study_rule_name
from hemo.model.card import Card
from hemo.model.reading import Reading

NOTICE = "For teaching and research, not for diagnosis."


@dataclass(frozen=True)
class StudyResult:
    """One study as it leaves the app.

    Args:
        name: how the study is called outside.
        slices: what is known of each slice; pixels are not used.
        readings: of the slices, in their order.
        answer: the study's call.
        warnings: sentences about the study.
        verdict: the reader's, or None.
        note: the reader's.
    """

    name: str
    slices: Sequence[CTSlice]
    readings: Sequence[Reading]
    answer: StudyReading
    warnings: tuple[str, ...] = ()
    verdict: str | None = None
    note: str = ""


def studies_json(results: Iterable[StudyResult], card: Card, point: str | None) -> str:
    """Write studies as one JSON object.

    Args:
        results: the studies.
        card: of the model that read them.
        point: name of the operating point; None for the default call.
    """
    content = {
        "notice": NOTICE,
        "hemo": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {"name": card["name"], "sha256": card["sha256"], "created": card["created"], "limits": card["limits"]},
        "study_score": study_rule_name(card),
        "operating_point": point or "default",
        "uncertain_band": card["uncertain_band"] if point is None else None,
        "studies": [_study(result) for result in results],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _study(result: StudyResult) -> dict[str, Any]:
    answer = result.answer
    return {
        "study": result.name,
        "call": answer.call,
        "score": _rounded(answer.score),
        "study_score": _rounded(answer.study_score),
        "highest_slice": None if answer.worst is None else answer.worst + 1,
        "n_slices": len(result.slices),
        "n_read": answer.n_read,
        "n_called": answer.n_called,
        "warnings": list(result.warnings),
        "reader": {"verdict": result.verdict, "note": result.note or None},
        "slices": [
            {
                "slice": number,
                "position_mm": _rounded(ct_slice.position_mm),
                "score": _rounded(reading.probability),
                "call": call,
                "reason": reason,
            }
            for number, (ct_slice, reading, call, reason) in enumerate(
                zip(result.slices, result.readings, answer.calls, answer.reasons, strict=True), start=1
            )
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)
