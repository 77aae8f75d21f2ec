"""Scores among their neighbours: the binomial mean of log odds, ends and gaps, and series kept apart."""

import numpy as np
import pytest

from hemo.evaluate.study_context import smoothed_scores, with_neighbours, with_neighbours_by_group


def test_the_mean_is_of_log_odds() -> None:
    smoothed = with_neighbours([0.1, 0.5, 0.9, 0.9])
    odds = np.log([1 / 9, 1.0, 9.0, 9.0])
    expected = [(odds[0] * 3 + odds[1]) / 4, 0.0, (odds[1] + 3 * odds[2]) / 4, odds[3]]
    assert smoothed == pytest.approx(1 / (1 + np.exp(-np.array(expected))))


def test_a_lone_spike_sinks_and_a_run_stays() -> None:
    spike, run = with_neighbours([0.02, 0.9, 0.02]), with_neighbours([0.9, 0.9, 0.9])
    assert spike[1] < 0.4 and run[1] == pytest.approx(0.9)


def test_one_slice_is_its_own_score_and_a_gap_stays_one() -> None:
    assert with_neighbours([0.3]) == pytest.approx([0.3])
    smoothed = with_neighbours([0.3, np.nan, 0.8])
    assert np.isnan(smoothed[1]) and smoothed[[0, 2]] == pytest.approx([0.3, 0.8])
    assert np.isfinite(with_neighbours([0.0, 1.0])).all()


def test_series_are_sorted_and_kept_apart() -> None:
    scores, groups, order = [0.9, 0.1, 0.2, 0.8], ["a", "b", "b", "a"], [2, 7, 3, 1]
    smoothed = with_neighbours_by_group(scores, groups, order)
    assert smoothed[[3, 0]] == pytest.approx(with_neighbours([0.8, 0.9]))
    assert smoothed[[2, 1]] == pytest.approx(with_neighbours([0.2, 0.1]))


def test_a_refused_slice_has_no_smoothed_score() -> None:
    first, gap, last = smoothed_scores([0.3, None, 0.8])
    assert gap is None and (first, last) == (pytest.approx(0.3), pytest.approx(0.8))
