import numpy as np
import pytest

from hemo.bench.resampling import synthetic_table
from hemo.evaluate import operating_point as op
from hemo.evaluate.metrics import confusion, sensitivity, specificity


def reach(labels: np.ndarray, scores: np.ndarray, threshold: float) -> tuple[float, float]:
    counts = confusion(labels, scores, threshold)
    sens, spec = sensitivity(counts).value, specificity(counts).value
    assert sens is not None
    assert spec is not None
    return sens, spec


def test_named_points_reach_their_target_and_no_further_step_does() -> None:
    labels, scores, _ = synthetic_table(seed=3)
    rule_out = op.fit_threshold(labels, scores, "rule-out")
    rule_in = op.fit_threshold(labels, scores, "rule-in")
    assert reach(labels, scores, rule_out)[0] >= 0.95
    assert reach(labels, scores, rule_in)[1] >= 0.95
    higher = scores[scores >= rule_out].min() + 1e-9
    assert reach(labels, scores, higher)[0] < 0.95
    lower = scores[scores < rule_in].max()
    assert reach(labels, scores, lower)[1] < 0.95


def test_balanced_is_the_best_sum() -> None:
    labels, scores, _ = synthetic_table(seed=3)
    best = sum(reach(labels, scores, op.fit_threshold(labels, scores, "balanced")))
    assert best == pytest.approx(max(sum(reach(labels, scores, t)) for t in np.unique(scores)))


def test_threshold_lies_in_the_middle_of_a_gap() -> None:
    assert op.fit_threshold([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9], "balanced") == pytest.approx(0.4)


def test_rule_in_calls_nothing_where_the_highest_score_is_normal() -> None:
    labels, scores = [0] * 10 + [1], [0.9] * 10 + [0.9]
    assert op.fit_threshold(labels, scores, "rule-in") > 0.9


def test_cross_fitted_calls_do_not_see_their_own_fold() -> None:
    labels, scores, groups = synthetic_table()
    folds = groups % 5
    calls, thresholds = op.cross_fitted_calls(labels, scores, folds, "balanced")
    changed = np.where(folds == 0, 1 - labels, labels)
    again, _ = op.cross_fitted_calls(changed, scores, folds, "balanced")
    assert (calls[folds == 0] == again[folds == 0]).all()
    assert thresholds.shape == (5,)
    assert thresholds[1] == op.fit_threshold(labels[folds != 1], scores[folds != 1], "balanced")


def test_points_report_what_held_out_folds_reached() -> None:
    labels, scores, groups = synthetic_table()
    points = op.cross_fitted_points(labels, scores, groups % 5, "CT-ICH")
    assert [point.name for point in points] == list(op.POINTS)
    calls, _ = op.cross_fitted_calls(labels, scores, groups % 5, "balanced")
    counts = op.counts_of_calls(labels, calls)
    assert points[1].sensitivity == counts.tp / counts.positives
    assert "held" in points[1].to_json()["fitted_on"] or "others" in points[1].to_json()["fitted_on"]


def test_reported_elsewhere() -> None:
    point = op.reported("balanced", 0.5, [0, 1, 1], [0.1, 0.9, 0.4], "another set")
    assert (point.sensitivity, point.specificity) == (0.5, 1.0)
    assert op.reported("balanced", 0.5, [1], [0.9], "x").specificity is None


def test_uncertain_band_exists_only_between_the_points() -> None:
    assert op.uncertain_band(0.2, 0.6) == (0.2, 0.6)
    assert op.uncertain_band(0.6, 0.2) is None


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"expected one of rule-out, balanced, rule-in. Received: 'best'"):
        op.fit_threshold([0, 1], [0.1, 0.9], "best")
    with pytest.raises(ValueError, match=r"both classes .* Received: all labels are the same"):
        op.fit_threshold([1, 1], [0.1, 0.9])


def test_slices_beside_are_fitted_on_but_not_reported_on() -> None:
    labels, folds = np.array([0, 0, 1, 1] * 2), np.repeat([0, 1], 4)
    scores = np.array([0.1, 0.2, 0.6, 0.9] * 2)
    # The same slices as pictures whose scores lie higher: only the cut above their normals serves both.
    beside = op.Beside(labels, np.array([0.3, 0.5, 0.7, 0.9] * 2), folds)
    _, alone = op.cross_fitted_calls(labels, scores, folds, "balanced")
    calls, both = op.cross_fitted_calls(labels, scores, folds, "balanced", beside=beside)
    assert alone == pytest.approx([0.4, 0.4]) and both == pytest.approx([0.55, 0.55])
    assert calls.shape == labels.shape
    point = op.cross_fitted_points(labels, scores, folds, "a set", beside=beside)[1]
    assert point.name == "balanced" and point.threshold == pytest.approx(0.55) and point.sensitivity == 1.0


def test_the_held_out_fold_of_the_slices_beside_is_left_out_too() -> None:
    labels, folds = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    scores = np.array([0.1, 0.9, 0.1, 0.9])
    # Fold 0's own pictures would move its threshold to 0.85; those of fold 1 leave it at the middle.
    beside = op.Beside(labels, np.array([0.8, 0.9, 0.1, 0.9]), folds)
    _, thresholds = op.cross_fitted_calls(labels, scores, folds, "balanced", beside=beside)
    assert thresholds == pytest.approx([0.5, 0.85])
