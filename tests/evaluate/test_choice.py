"""What a click stands for: the slices behind a bar, a point, a dot, and no others."""

import numpy as np
import pandas as pd
import pytest

from hemo.evaluate import choice
from hemo.evaluate.predictions import About, Predictions


@pytest.fixture
def table() -> Predictions:
    frame = pd.DataFrame(
        {
            "source": [f"{i}.png" for i in range(8)],
            "slice": [str(i) for i in range(8)],
            "group": ["a", "a", "a", "b", "b", "b", "c", "c"],
            "label": [1, 1, 0, 0, 1, 0, 0, 1],
            "probability": [0.90, 0.20, 0.10, 0.60, 1.00, 0.15, 0.20, np.nan],
            "logit": 0.0,
            "call": ["Hemorrhage"] * 7 + ["Refused"],
            "reason": "",
            "epidural": [True, True, False, False, True, False, False, True],
        }
    )
    return Predictions(frame, About("m", "0", "d", "0", "patient", 0.5))


def test_a_bar_of_the_histogram_holds_its_range_and_label(table: Predictions) -> None:
    assert choice.scores_between(table, 0.2, 0.3, 1).rows == (1,)
    assert choice.scores_between(table, 0.2, 0.3, 0).rows == (6,)
    assert choice.scores_between(table, 0.1, 0.2, 0).rows == (2, 5)
    assert choice.scores_between(table, 0.975, 1.0, 1).rows == (4,)  # a score of 1 has no bar of its own


def test_a_bar_of_the_subtypes_holds_what_is_called_or_missed(table: Predictions) -> None:
    assert choice.of_subtype(table, "epidural", True, 0.5).rows == (0, 4)
    missed = choice.of_subtype(table, "epidural", False, 0.5)
    assert missed.rows == (1,)
    assert missed.title == "Epidural, missed at 0.500"


def test_a_point_of_a_curve_holds_the_scores_closest_to_it(table: Predictions) -> None:
    found = choice.near_threshold(table, 0.55)
    assert found.rows[:2] == (3, 0)
    assert len(found.rows) == 7
    assert found.threshold == 0.55
    assert choice.near_threshold(table, float("inf")).rows == ()


def test_a_dot_holds_its_slice_first(table: Predictions) -> None:
    assert choice.like_this_one(table, 5, 0.5).rows == (5,)
    assert choice.like_this_one(table, 1, 0.95).rows == (1, 0)
