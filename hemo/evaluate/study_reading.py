"""From the readings of a study's slices to one call for the study; no new inference.

The study's call is the call of its highest slice: one slice called Hemorrhage makes the study Hemorrhage, because a
card's thresholds were fitted on slices. A study of many slices is therefore called more often than the slice's
specificity suggests; pages say so beside the call. The order of a triage list rests on the study's score, by the rule
that the card names as the best one out of fold.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hemo.evaluate.levels import RULE_NAMES, RULES, study_score
from hemo.evaluate.study_context import USUAL_REACH_MM
from hemo.model.card import Card
from hemo.model.reading import Call, Reading, call_for

SEVERITY: dict[Call, int] = {"Hemorrhage": 0, "Uncertain": 1, "Normal": 2, "Refused": 3}


@dataclass(frozen=True)
class StudyReading:
    """The answer for a study.

    Args:
        call: the worst call of any slice; Refused where no slice could be read.
        score: the highest slice score; None where no slice could be read.
        worst: index of that slice, from 0; None likewise.
        study_score: of the whole study, by the card's rule; None likewise.
        calls: the call of each slice.
        reasons: why, a sentence for each slice.
    """

    call: Call
    score: float | None
    worst: int | None
    study_score: float | None
    calls: tuple[Call, ...]
    reasons: tuple[str, ...]

    @property
    def n_read(self) -> int:
        """Slices that got a score."""
        return sum(call != "Refused" for call in self.calls)

    @property
    def n_called(self) -> int:
        """Slices called Hemorrhage."""
        return sum(call == "Hemorrhage" for call in self.calls)

    @property
    def order(self) -> tuple[int, float]:
        """Sorts a triage list worst first."""
        return SEVERITY[self.call], -(self.study_score or 0.0)


def study_rule(card: Card) -> str:
    """The rule from slice scores to a study's, one of `RULES`: the card's, or "max" where it names none."""
    rule = (card.get("study_score") or {}).get("rule")
    return rule if rule in RULES else "max"


def study_rule_name(card: Card) -> str:
    """That rule in words."""
    return RULE_NAMES[study_rule(card)]


def study_reach(card: Card) -> float:
    """How far a slice's score is smoothed over its series, mm: the card's reach, or the usual one."""
    reach = (card.get("study_context") or {}).get("reach_mm")
    if isinstance(reach, int | float) and math.isfinite(reach) and reach > 0:
        return float(reach)
    return USUAL_REACH_MM


def read_study(readings: Sequence[Reading], card: Card, point: str | None = None) -> StudyReading:
    """Call a study at an operating point.

    Args:
        readings: of the study's slices, in their order.
        card: of the model that made them.
        point: name of one of the card's operating points; None for the default call, see `call_for`.

    Raises:
        BundleError: the card has no such point.
    """
    answers = [
        ("Refused", reading.reason) if reading.probability is None else call_for(reading.probability, card, point)
        for reading in readings
    ]
    calls: tuple[Call, ...] = tuple(answer[0] for answer in answers)  # type: ignore[misc]
    reasons = tuple(answer[1] for answer in answers)
    scored = [
        (reading.probability, -index) for index, reading in enumerate(readings) if reading.probability is not None
    ]
    if not scored:
        return StudyReading("Refused", None, None, None, calls, reasons)
    score, place = max(scored)
    whole = study_score([probability for probability, _ in scored], study_rule(card))
    return StudyReading(calls[-place], score, -place, whole, calls, reasons)
