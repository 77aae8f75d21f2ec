"""The score bar: in words for those who cannot see it, and inside its box whatever the score."""

import pytest

from hemo.charts.calls import CALL_STYLES
from hemo.charts.score_bar import score_bar


def test_it_is_said_in_words() -> None:
    html = score_bar(0.934, "Hemorrhage", band=(0.4, 0.6))
    assert 'role="img"' in html
    assert "score 0.93 on a scale from 0 to 1, uncertain from 0.40 to 0.60" in html


def test_the_mark_has_the_color_of_the_call() -> None:
    assert CALL_STYLES["Uncertain"].color in score_bar(0.5, "Uncertain")


@pytest.mark.parametrize(("score", "place"), [(-1.0, "0.00%"), (0.25, "25.00%"), (7.0, "100.00%")])
def test_the_mark_stays_on_the_track(score: float, place: str) -> None:
    assert f"left:calc({place} - 7px)" in score_bar(score, "Normal")


def test_a_refused_study_shows_the_scale_alone() -> None:
    html = score_bar(None, "Refused", threshold=0.5)
    assert "no score, threshold 0.50" in html
    assert "calc(" not in html
