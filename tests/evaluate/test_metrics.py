import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from hemo.evaluate import metrics
from hemo.evaluate.metrics import METRICS, Counts


@pytest.fixture
def table() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    labels = (rng.random(400) < 0.2).astype(int)
    return labels, np.round(np.clip(rng.normal(0.3 + 0.3 * labels, 0.2), 0, 1), 2)  # rounded, so that there are ties


def test_every_figure_agrees_with_scikit_learn(table: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probability = table
    call = probability >= 0.45
    expected = {
        "auc": reference.roc_auc_score(labels, probability),
        "average_precision": reference.average_precision_score(labels, probability),
        "accuracy": reference.accuracy_score(labels, call),
        "sensitivity": reference.recall_score(labels, call),
        "specificity": reference.recall_score(labels, call, pos_label=0),
        "ppv": reference.precision_score(labels, call),
        "npv": reference.precision_score(labels, call, pos_label=0),
        "log_loss": reference.log_loss(labels, probability),
        "brier": reference.brier_score_loss(labels, probability),
    }
    ours = metrics.point_metrics(labels, probability, 0.45)
    assert tuple(ours) == METRICS
    for name, value in expected.items():
        assert ours[name].value == pytest.approx(value, abs=1e-12), name


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=2, max_size=40))
def test_ranking_agrees_with_scikit_learn_under_ties(rows: list[tuple[int, int]]) -> None:
    labels, scores = np.array([row[0] for row in rows]), np.array([row[1] / 6 for row in rows])
    if labels.min() == labels.max():
        assert metrics.auc(labels, scores).value is None
        return
    assert metrics.auc(labels, scores).value == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-12)
    assert metrics.average_precision(labels, scores).value == pytest.approx(
        reference.average_precision_score(labels, scores), abs=1e-12
    )


def test_calibration_error_by_hand() -> None:
    labels = [0, 1, 1, 1]
    probability = [0.12, 0.18, 0.95, 1.0]  # bins 1, 1, 9, 9
    expected = 0.5 * abs(0.5 - 0.15) + 0.5 * abs(1.0 - 0.975)
    assert metrics.ece(labels, probability).value == pytest.approx(expected)


def test_brier_parts_add_up(table: tuple[np.ndarray, np.ndarray]) -> None:
    parts = metrics.brier_decomposition(*table)
    assert parts is not None
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within_bins
    assert total == pytest.approx(parts.brier)
    assert parts.brier == pytest.approx(reference.brier_score_loss(*table))


def test_brier_parts_of_binned_forecasts_leave_nothing_within_bins() -> None:
    labels = np.array([0, 0, 1, 1, 1, 0])
    parts = metrics.brier_decomposition(labels, [0.25, 0.25, 0.25, 0.75, 0.75, 0.75])
    assert parts is not None
    assert parts.within_bins == pytest.approx(0, abs=1e-12)


def test_predictive_values_follow_bayes_and_the_counts() -> None:
    counts = Counts(tp=40, fp=10, tn=90, fn=10)
    own = 50 / 150
    assert metrics.positive_predictive_value(counts, own).value == pytest.approx(40 / 50)
    assert metrics.negative_predictive_value(counts, own).value == pytest.approx(90 / 100)
    assert metrics.positive_predictive_value(counts, 0.02).value == pytest.approx(0.016 / (0.016 + 0.098))


@pytest.mark.parametrize(
    ("labels", "scores", "undefined", "words"),
    [
        ([1, 1], [0.2, 0.9], {"auc", "specificity", "npv"}, "all 2 slices are labelled hemorrhage"),
        ([0, 0], [0.2, 0.9], {"auc", "average_precision", "sensitivity"}, "all 2 slices are labelled normal"),
        ([0, 1], [float("nan"), 0.9], set(METRICS), "1 of 2 scores are not finite"),
        ([], [], set(METRICS), "there are no slices"),
    ],
)
def test_what_does_not_exist_says_why(labels: list, scores: list, undefined: set[str], words: str) -> None:
    result = metrics.point_metrics(labels, scores, 0.1)
    for name in undefined - {"npv"}:
        assert result[name].value is None, name
        assert result[name].why.startswith("not defined, because "), name
    assert words in result["auc"].why


def test_constant_scores_are_a_coin() -> None:
    result = metrics.point_metrics([0, 1, 0, 1], [0.5] * 4, 0.6)
    assert result["auc"].value == 0.5
    assert result["ppv"].value is None
    assert "no slice is called hemorrhage" in result["ppv"].why


def test_logits_are_not_taken_for_probabilities() -> None:
    assert metrics.brier([0, 1], [-3.0, 2.0]).value is None
    assert metrics.auc([0, 1], [-3.0, 2.0]).value == 1.0


def test_wrong_input_says_what_was_expected() -> None:
    with pytest.raises(ValueError, match=r"as many scores as labels. Received: 2 labels, 1 scores"):
        metrics.auc([0, 1], [0.5])
    with pytest.raises(ValueError, match=r"labels of 0 .* Received: 2"):
        metrics.auc([0, 2], [0.5, 0.6])
    with pytest.raises(ValueError, match=r"prevalence between 0 and 1. Received: 1.5"):
        metrics.positive_predictive_value(Counts(1, 1, 1, 1), 1.5)


def test_text_and_json_carry_the_interval() -> None:
    metric = metrics.Metric(0.9531, n=10, n_groups=5).with_interval((0.92, 0.97), method="resamples")
    assert metric.text() == "0.953 (0.920–0.970)"
    assert metric.to_json()["interval"] == [0.92, 0.97]
    assert metrics.Metric.undefined("x").text() == "not defined"
