import numpy as np
import pytest
from scipy import stats

from hemo.bench.resampling import plain_loop, synthetic_table
from hemo.evaluate import intervals
from hemo.evaluate.metrics import METRICS


def test_draws_are_resamples_of_the_groups() -> None:
    counts = intervals.draw_counts(7, 50, seed=1)
    assert counts.shape == (50, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert not (counts == counts[0]).all()
    assert (intervals.draw_counts(7, 50, seed=1) == counts).all()


def test_the_sweep_equals_the_loop_over_scikit_learn() -> None:
    labels, probability, groups = synthetic_table(n=600, n_groups=30, seed=4)
    order = np.random.default_rng(0).permutation(labels.size)  # groups need not be sorted
    labels, probability, groups = labels[order], probability[order], groups[order]
    counts = intervals.draw_counts(np.unique(groups).size, 25, seed=2)
    ours = intervals.bootstrap(labels, probability, groups, 0.5, counts=counts)
    theirs = plain_loop(labels, probability, groups, 0.5, counts)
    assert tuple(ours) == METRICS
    for name in METRICS:
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-9, rtol=0, err_msg=name)


def test_an_undrawn_class_leaves_nan_not_a_crash() -> None:
    labels, probability = np.array([1, 0, 0]), np.array([0.9, 0.2, 0.4])
    counts = np.array([[0, 2, 1], [1, 1, 1]], dtype=np.int32)
    result = intervals.bootstrap(labels, probability, ["a", "b", "c"], 0.5, counts=counts)
    assert np.isnan(result["auc"][0])
    assert np.isnan(result["sensitivity"][0])
    assert result["auc"][1] == 1.0


def test_interval_agrees_with_scipy_bootstrap_of_groups() -> None:
    labels, probability, groups = synthetic_table(n=1500, n_groups=60, seed=8)
    codes, n_groups = np.unique(groups, return_inverse=True)[1], np.unique(groups).size
    correct = np.bincount(codes, weights=(probability >= 0.5) == labels)
    size = np.bincount(codes)

    def accuracy(correct: np.ndarray, size: np.ndarray, axis: int = -1) -> np.ndarray:
        return correct.sum(axis=axis) / size.sum(axis=axis)

    theirs = stats.bootstrap(
        (correct, size), accuracy, paired=True, method="percentile", n_resamples=9999, rng=np.random.default_rng(1)
    ).confidence_interval
    ours = intervals.summarise(labels, probability, groups, 0.5, resamples=9999)["accuracy"].interval
    assert ours is not None
    assert ours == pytest.approx(tuple(theirs), abs=2e-3)
    assert n_groups == 60


def test_wilson_agrees_with_scipy() -> None:
    for successes, n in [(0, 10), (3, 10), (10, 10), (480, 500)]:
        theirs = stats.binomtest(successes, n).proportion_ci(method="wilson")
        assert intervals.wilson(successes, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert intervals.wilson(0, 0) is None


def test_patients_make_a_wider_interval_than_slices() -> None:
    labels, probability, groups = synthetic_table()
    by_patient = intervals.summarise(labels, probability, groups, 0.5)["auc"]
    by_slice = intervals.summarise(labels, probability, None, 0.5)["auc"]
    assert by_patient.interval is not None
    assert by_slice.interval is not None
    assert np.ptp(by_patient.interval) > 1.25 * np.ptp(by_slice.interval)
    assert "82 patients" in by_patient.method
    assert "patients unknown" in by_slice.method
    assert by_slice.n_groups is None


def test_unknown_patients_get_wilson_for_proportions() -> None:
    labels, probability, _ = synthetic_table(n=200)
    result = intervals.summarise(labels, probability, None, 0.5)
    assert result["accuracy"].method.startswith("Wilson")
    correct = int(((probability >= 0.5) == labels).sum())
    assert result["accuracy"].interval == pytest.approx(intervals.wilson(correct, 200))


def test_few_groups_get_no_interval_and_a_reason() -> None:
    labels, probability, groups = synthetic_table(n=300, n_groups=9, seed=5)
    result = intervals.summarise(labels, probability, groups, 0.5, group_kind="series")
    assert result["auc"].value is not None
    assert result["auc"].interval is None
    assert "only 9 series" in result["auc"].why_none


def test_few_groups_with_a_bleed_cost_only_the_figures_that_rest_on_them() -> None:
    groups = np.repeat(np.arange(30), 10)
    labels = ((groups < 4) & (np.arange(300) % 2 == 0)).astype(int)
    probability = np.clip(0.3 + 0.4 * labels + np.random.default_rng(0).normal(0, 0.1, 300), 0, 1)
    result = intervals.summarise(labels, probability, groups, 0.5)
    assert "only 4 patients with a slice that shows a bleed" in result["sensitivity"].why_none
    assert result["specificity"].interval is not None


@pytest.mark.parametrize(
    ("labels", "probability"),
    [([0] * 20, np.linspace(0, 1, 20)), ([0, 1] * 10, [0.5] * 20), ([0, 1] * 10, [np.nan] * 20), ([], [])],
    ids=["one class", "constant", "NaN", "empty"],
)
def test_odd_tables_never_crash(labels: list[int], probability: list[float]) -> None:
    result = intervals.summarise(labels, probability, [f"p{i}" for i in range(len(labels))], 0.5)
    assert tuple(result) == METRICS
    for metric in result.values():
        assert metric.value is not None or metric.why.startswith("not defined, because ")
        assert metric.interval is not None or metric.why_none


def test_missing_groups_are_named() -> None:
    with pytest.raises(ValueError, match=r"a group for every slice. Received: 1 slices without one"):
        intervals.summarise([0, 1], [0.1, 0.9], ["a", None], 0.5)


def test_mean_with_interval() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 5)
    values = rng.random(40)[groups]
    metric = intervals.mean_with_interval(values, groups)
    assert metric.value == pytest.approx(values.mean())
    assert metric.interval is not None
    assert metric.interval[0] < values.mean() < metric.interval[1]
    assert intervals.mean_with_interval(values[:10], groups[:10]).interval is None
    assert "2 of 3 values" in intervals.mean_with_interval([1, np.nan, np.nan], [1, 2, 3]).why
