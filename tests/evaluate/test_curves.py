import numpy as np
import pytest
from sklearn import metrics as reference

from hemo.bench.resampling import synthetic_table
from hemo.evaluate import curves
from hemo.evaluate.intervals import draw_counts
from hemo.evaluate.metrics import confusion


def test_roc_agrees_with_scikit_learn() -> None:
    labels, scores, groups = synthetic_table()
    fpr, tpr, thresholds = reference.roc_curve(labels, scores, drop_intermediate=False)
    curve = curves.roc_curve(labels, scores, groups)
    assert isinstance(curve, curves.Curve)
    np.testing.assert_allclose(curve.x, fpr)
    np.testing.assert_allclose(curve.y, tpr)
    np.testing.assert_allclose(curve.thresholds, thresholds)
    assert (curve.low <= curve.high).all()
    inside = np.interp(curve.band_x, curve.x, curve.y)
    assert ((curve.low - 0.02 <= inside) & (inside <= curve.high + 0.02)).mean() > 0.95


def test_precision_recall_agrees_with_scikit_learn() -> None:
    labels, scores, groups = synthetic_table()
    precision, recall, thresholds = reference.precision_recall_curve(labels, scores)
    curve = curves.precision_recall_curve(labels, scores, groups)
    assert isinstance(curve, curves.Curve)
    np.testing.assert_allclose(curve.y, precision[:-1][::-1])
    np.testing.assert_allclose(curve.x, recall[:-1][::-1])
    np.testing.assert_allclose(curve.thresholds, thresholds[::-1])


def test_band_of_the_roc_equals_a_plain_loop() -> None:
    labels, scores, groups = synthetic_table(n=400, n_groups=30, seed=2)
    curve = curves.roc_curve(labels, scores, groups, resamples=60, seed=5)
    assert isinstance(curve, curves.Curve)
    rows = []
    for draw in draw_counts(np.unique(groups).size, 60, 5):
        weight = draw[np.unique(groups, return_inverse=True)[1]]
        keep = np.repeat(np.arange(labels.size), weight)
        fpr, tpr, _ = reference.roc_curve(labels[keep], scores[keep], drop_intermediate=False)
        # at a vertical step the curve's upper end counts, as np.interp takes it
        rows.append(np.interp(curve.band_x, fpr, tpr))
    np.testing.assert_allclose(curve.low, np.quantile(rows, 0.025, axis=0), atol=1e-9)


def test_sensitivity_at_a_specificity_equals_a_plain_loop_over_scikit_learn() -> None:
    def of(rows: np.ndarray) -> float:
        fpr, tpr, _ = reference.roc_curve(labels[rows], scores[rows], drop_intermediate=False)
        return float(tpr[fpr <= 0.1 + 1e-12].max())

    labels, scores, groups = synthetic_table(n=400, n_groups=30, seed=2)
    metric = curves.sensitivity_at_specificity(labels, scores, groups, 0.9, resamples=60, seed=5)
    assert metric.value == pytest.approx(of(np.arange(labels.size)))
    assert (metric.n, metric.n_groups) == (int(labels.sum()), 30)
    codes = np.unique(groups, return_inverse=True)[1]
    drawn = [of(np.repeat(np.arange(labels.size), draw[codes])) for draw in draw_counts(30, 60, 5)]
    np.testing.assert_allclose(metric.interval, np.quantile(drawn, [0.025, 0.975]), atol=1e-9)


def test_sensitivity_at_a_specificity_says_why_there_is_none() -> None:
    labels, scores, groups = synthetic_table(n=400, n_groups=30, seed=2)
    few = curves.sensitivity_at_specificity(labels, scores, np.arange(labels.size) % 4, 0.9)
    assert few.value is not None and few.interval is None and "only 4 groups" in few.why_none
    none = curves.sensitivity_at_specificity(np.zeros(labels.size), scores, groups, 0.9)
    assert none.value is None and "normal" in none.why


def test_threshold_table_equals_the_confusion_matrix_at_each_step() -> None:
    labels, scores, groups = synthetic_table()
    table = curves.threshold_table(labels, scores, groups, extra=(0.4321,))
    assert isinstance(table, curves.ThresholdTable)
    assert 0.4321 in table.threshold
    for i in (0, 17, 100, len(table.threshold) - 1):
        counts = confusion(labels, scores, table.threshold[i])
        assert (table.tp[i], table.fp[i]) == (counts.tp, counts.fp)
        low, high = table.sensitivity[i, 1:]
        assert low <= table.sensitivity[i, 0] <= high
    assert table.threshold[table.index(0.4321)] == 0.4321


def test_predictive_values_and_alerts_at_a_prevalence() -> None:
    labels, scores, groups = synthetic_table()
    table = curves.threshold_table(labels, scores, groups)
    assert isinstance(table, curves.ThresholdTable)
    i = table.index(0.5)
    sens, spec = table.sensitivity[i, 0], table.specificity[i, 0]
    ppv, npv = table.predictive(i, 0.06)
    assert ppv[0] == pytest.approx(sens * 0.06 / (sens * 0.06 + (1 - spec) * 0.94))
    assert npv[0] == pytest.approx(spec * 0.94 / (spec * 0.94 + (1 - sens) * 0.06))
    assert ppv[1] <= ppv[0] <= ppv[2]
    alerts = table.alerts(i, 0.06)
    assert alerts[0] == pytest.approx(100 * (sens * 0.06 + (1 - spec) * 0.94))
    assert alerts[1] <= alerts[0] <= alerts[2]


def test_decision_curve_by_hand() -> None:
    labels, scores = np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.6, 0.9])
    curve = curves.decision_curve(labels, scores)
    assert isinstance(curve, curves.DecisionCurve)
    at = int(np.argmin(np.abs(curve.threshold - 0.5)))
    assert curve.model[at] == pytest.approx(1 / 4 - 1 / 4 * 1)
    assert curve.everyone[at] == pytest.approx(0.25 - 0.75)
    assert curve.why_none == "patients are unknown"


@pytest.mark.parametrize("function", [curves.roc_curve, curves.precision_recall_curve, curves.threshold_table])
def test_one_class_has_no_curve_and_says_so(function: object) -> None:
    assert function([1, 1], [0.2, 0.3]) == "not defined, because all 2 slices are labelled hemorrhage"  # type: ignore[operator]


def test_nan_and_few_groups_say_so() -> None:
    assert "not finite" in curves.decision_curve([0, 1], [np.nan, 0.3])
    labels, scores, groups = synthetic_table(n=200, n_groups=6)
    curve = curves.roc_curve(labels, scores, groups)
    assert isinstance(curve, curves.Curve)
    assert curve.low.size == 0
    assert curve.why_none == "only 6 groups"
    table = curves.threshold_table(labels, scores, groups)
    assert isinstance(table, curves.ThresholdTable)
    assert np.isnan(table.alerts(3, 0.1)[1:]).all()
