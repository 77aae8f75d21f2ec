import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference

from hemo.bench.resampling import synthetic_table
from hemo.evaluate import compare
from hemo.evaluate.metrics import METRICS


def delong_by_definition(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Variance of the AUC difference from the full matrix of pairs, as the paper writes it."""

    def components(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gap = scores[labels == 1][:, None] - scores[labels == 0][None, :]
        psi = (gap > 0) + 0.5 * (gap == 0)
        return psi.mean(axis=1), psi.mean(axis=0)

    (v10a, v01a), (v10b, v01b) = components(first), components(second)
    s10, s01 = np.cov(v10a, v10b), np.cov(v01a, v01b)
    s = s10 / v10a.size + s01 / v01a.size
    return float(s[0, 0] + s[1, 1] - 2 * s[0, 1])


def test_delong_equals_its_definition() -> None:
    labels, first, _ = synthetic_table(n=300, n_groups=30)
    second = np.round(np.clip(first + np.random.default_rng(1).normal(0, 0.15, 300), 0, 1), 2)
    gap, error, p = compare.delong(labels, first, second)
    assert gap == pytest.approx(reference.roc_auc_score(labels, second) - reference.roc_auc_score(labels, first))
    assert error**2 == pytest.approx(delong_by_definition(labels, first, second))
    assert p == pytest.approx(2 * stats.norm.sf(abs(gap) / error))


def test_the_same_model_does_not_differ() -> None:
    labels, scores, groups = synthetic_table()
    assert compare.delong(labels, scores, scores) == (0.0, 0.0, 1.0)
    for row in compare.compare(labels, scores, scores, groups):
        assert row.difference.value == 0
        assert row.p_value == 1
        assert row.difference.interval == (0, 0)


def test_mcnemar_is_the_sign_test_of_the_discordant_pairs() -> None:
    first = np.array([1, 1, 1, 1, 1, 1, 0, 0, 1], dtype=bool)
    second = np.array([0, 0, 0, 0, 0, 1, 1, 0, 1], dtype=bool)
    only_first, only_second, p = compare.mcnemar(first, second)
    assert (only_first, only_second) == (5, 1)
    assert p == pytest.approx(stats.binomtest(1, 6).pvalue)
    assert compare.mcnemar([True], [True])[2] == 1.0


def test_a_worse_model_is_found_worse() -> None:
    labels, first, groups = synthetic_table()
    second = np.clip(first + np.random.default_rng(0).normal(0, 0.3, first.size), 0, 1)
    rows = {row.name: row for row in compare.compare(labels, first, second, groups)}
    assert tuple(rows) == METRICS
    assert rows["auc"].difference.interval is not None
    assert rows["auc"].difference.interval[1] < 0
    assert rows["auc"].p_value is not None
    assert rows["auc"].p_value < 0.05


def test_unknown_patients_leave_delong_alone() -> None:
    labels, first, _ = synthetic_table(n=300)
    rows = {row.name: row for row in compare.compare(labels, first, first[::-1], None)}
    assert rows["auc"].test == "DeLong, by image"
    assert rows["auc"].difference.interval is None
    assert rows["accuracy"].p_value is None
    assert rows["accuracy"].difference.why_none == "patients are unknown"


def test_odd_input_says_why() -> None:
    row = compare.compare([1, 1], [0.1, 0.2], [0.2, 0.3], ["a", "b"])[0]
    assert row.difference.value is None
    assert "all 2 slices are labelled hemorrhage" in row.difference.why
    with pytest.raises(ValueError, match=r"at least two slices of each class. Received: 1 bleeds and 1 normals"):
        compare.delong([0, 1], [0.1, 0.2], [0.1, 0.2])


def test_delong_interval_holds_the_value() -> None:
    labels, scores, _ = synthetic_table(n=400)
    low, high = compare.delong_interval(labels, scores)
    assert low < reference.roc_auc_score(labels, scores) < high
    assert compare.delong_interval([0, 0, 1, 1], [0, 0, 1, 1]) == (1.0, 1.0)
