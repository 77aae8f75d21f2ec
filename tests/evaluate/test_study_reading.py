"""A study's call follows its worst slice and changes with the operating point alone."""

import pytest

from hemo.errors import BundleError
from hemo.evaluate.study_context import USUAL_REACH_MM
from hemo.evaluate.study_reading import read_study, study_reach
from hemo.model.reading import Reading
from tests.small_bundle import small_card

CARD = small_card()


def reading(probability: float | None) -> Reading:
    call = "Normal" if probability is not None else "Refused"
    return Reading("slice", probability, call, "no head in view" if probability is None else "", None, ())


def test_the_worst_slice_decides() -> None:
    answer = read_study([reading(0.1), reading(None), reading(0.9), reading(0.7)], CARD)
    assert (answer.call, answer.score, answer.worst) == ("Hemorrhage", 0.9, 2)
    assert answer.calls == ("Normal", "Refused", "Hemorrhage", "Hemorrhage")
    assert (answer.n_read, answer.n_called) == (3, 2)
    assert answer.reasons[1] == "no head in view"


def test_the_first_of_equal_scores_is_shown() -> None:
    assert read_study([reading(0.2), reading(0.7), reading(0.7)], CARD).worst == 1


@pytest.mark.parametrize(("point", "call"), [(None, "Uncertain"), ("rule-out", "Hemorrhage"), ("balanced", "Normal")])
def test_the_operating_point_decides_the_call(point: str | None, call: str) -> None:
    assert read_study([reading(0.45)], CARD, point).call == call


def test_an_unknown_point_is_refused() -> None:
    with pytest.raises(BundleError, match=r"balanced.*Received"):
        read_study([reading(0.5)], CARD, "perfect")


def test_a_study_without_a_readable_slice_is_refused() -> None:
    answer = read_study([reading(None)], CARD)
    assert (answer.call, answer.score, answer.worst) == ("Refused", None, None)


def test_triage_puts_the_worst_first_and_the_refused_last() -> None:
    studies = [read_study([reading(p)], CARD) for p in (0.1, None, 0.95, 0.5, 0.7)]
    assert [study.score for study in sorted(studies, key=lambda study: study.order)] == [0.95, 0.7, 0.5, 0.1, None]


def test_the_card_names_the_rule_of_the_study_score() -> None:
    readings = [reading(0.5), reading(None), reading(0.2)]
    assert read_study(readings, CARD).study_score == 0.5
    by_rule = read_study(readings, small_card(study_score={"rule": "noisy_or"}))
    assert by_rule.study_score == pytest.approx(1 - 0.5 * 0.8)
    assert by_rule.call == read_study(readings, CARD).call


def test_triage_puts_several_suspicious_slices_before_one() -> None:
    card = small_card(study_score={"rule": "noisy_or"})
    one, several = read_study([reading(0.72), reading(0.0)], card), read_study([reading(0.7), reading(0.7)], card)
    assert sorted([one, several], key=lambda study: study.order) == [several, one]


@pytest.mark.parametrize("context", [None, {}, {"reach_mm": "far"}, {"reach_mm": float("nan")}, {"reach_mm": -1}])
def test_a_card_without_a_reach_has_the_usual_one(context: dict | None) -> None:
    assert study_reach(small_card(study_context=context)) == USUAL_REACH_MM
    assert study_reach(small_card(study_context={"reach_mm": 7})) == 7.0
