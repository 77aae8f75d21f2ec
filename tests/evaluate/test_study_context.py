"""Scores among their neighbours: a weighted mean of log odds by distance; gaps, series kept apart, the reach."""

import numpy as np
import pytest

from hemo.evaluate.study_context import (
    REACHES_MM,
    cross_fitted_context,
    fit_reach,
    smoothed_scores,
    with_neighbours,
    with_neighbours_by_group,
)


def test_the_mean_is_of_log_odds_weighted_by_distance() -> None:
    smoothed = with_neighbours([0.1, 0.5, 0.9], [0.0, 3.0, 9.0], reach_mm=4.0)
    odds = np.log([1 / 9, 1.0, 9.0])
    near, far, across = (np.exp(-(step**2) / 32.0) for step in (3.0, 6.0, 9.0))
    expected = [
        (odds[0] + near * odds[1] + across * odds[2]) / (1 + near + across),
        (near * odds[0] + odds[1] + far * odds[2]) / (near + 1 + far),
        (across * odds[0] + far * odds[1] + odds[2]) / (across + far + 1),
    ]
    assert smoothed == pytest.approx(1 / (1 + np.exp(-np.array(expected))))


def test_a_lone_spike_sinks_and_a_run_stays() -> None:
    spike, run = with_neighbours([0.02, 0.9, 0.02]), with_neighbours([0.9, 0.9, 0.9])
    assert spike[1] < 0.4 and run[1] == pytest.approx(0.9)


def test_thin_slices_reach_as_far_as_thick_ones() -> None:
    """Five slices of 1 mm at each place say what one of 5 mm does."""
    thick = with_neighbours([0.1, 0.2, 0.9, 0.9, 0.3], np.arange(5) * 5.0, 7.0)
    thin = with_neighbours(np.repeat([0.1, 0.2, 0.9, 0.9, 0.3], 5), np.arange(25) - 2.0, 7.0)
    assert thin[2::5] == pytest.approx(thick, abs=0.03)


def test_one_slice_is_its_own_score_and_a_gap_stays_one() -> None:
    assert with_neighbours([0.3]) == pytest.approx([0.3])
    smoothed = with_neighbours([0.3, np.nan, 0.8], reach_mm=0.5)
    assert np.isnan(smoothed[1]) and smoothed[[0, 2]] == pytest.approx([0.3, 0.8])
    assert np.isfinite(with_neighbours([0.0, 1.0])).all()
    assert np.isnan(with_neighbours([np.nan, np.nan])).all()


def test_unknown_places_are_five_millimetres_apart() -> None:
    scores = [0.2, 0.7, 0.4]
    assert with_neighbours(scores, [0.0, np.nan, 2.0]) == pytest.approx(with_neighbours(scores, [0.0, 5.0, 10.0]))


def test_series_are_sorted_and_kept_apart() -> None:
    scores, groups, order = [0.9, 0.1, 0.2, 0.8], ["a", "b", "b", "a"], [2, 7, 3, 1]
    smoothed = with_neighbours_by_group(scores, groups, order)
    assert smoothed[[3, 0]] == pytest.approx(with_neighbours([0.8, 0.9]))
    assert smoothed[[2, 1]] == pytest.approx(with_neighbours([0.2, 0.1]))


def test_a_refused_slice_has_no_smoothed_score() -> None:
    first, gap, last = smoothed_scores([0.3, None, 0.8], [None, None, None], 1.0)
    assert gap is None and (first, last) == (pytest.approx(0.3), pytest.approx(0.8))


def noisy_series(seed: int) -> tuple[np.ndarray, ...]:
    """Scores, labels, folds, series and order: bleeds of six slices in every second series, scores mostly noise."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([(np.arange(30) // 6 == 2) * (series % 2) for series in range(20)])
    scores = 1 / (1 + np.exp(-(rng.normal(0, 1.5, labels.size) + labels)))
    series = np.repeat(np.arange(20), 30)
    return scores, labels, series % 4, series, np.tile(np.arange(30), 20)


def test_the_reach_is_that_of_the_bleeds_and_chosen_without_the_fold() -> None:
    scores, labels, folds, series, order = noisy_series(3)
    assert fit_reach(scores, labels, series, order) >= 5.0
    assert fit_reach(labels * 0.8 + 0.1, labels, series, order) == min(REACHES_MM)
    smoothed, reaches = cross_fitted_context(scores, labels, folds, series, order)
    others = folds != 2
    expected = fit_reach(scores[others], labels[others], series[others], order[others])
    assert reaches[2] == expected
    here = folds == 2
    alone = with_neighbours_by_group(scores[here], series[here], order[here], expected)
    assert smoothed[here] == pytest.approx(alone)
