import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from hemo.evaluate import calibration, metrics


@pytest.fixture
def overconfident() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits three times too large and shifted by one, labels, and folds."""
    rng = np.random.default_rng(0)
    truth = rng.normal(-1, 1.5, 4000)
    labels = (rng.random(4000) < expit(truth)).astype(int)
    return 3 * (truth + 1), labels, np.arange(4000) % 5


def test_temperature_and_bias_are_recovered(overconfident: tuple) -> None:
    logits, labels, _ = overconfident
    found = calibration.fit_calibration(logits, labels, bias=True)
    assert found.temperature == pytest.approx(3, rel=0.1)
    assert found.bias == pytest.approx(-1, abs=0.15)


def test_scaling_with_bias_agrees_with_unpenalised_logistic_regression(overconfident: tuple) -> None:
    logits, labels, _ = overconfident
    reference = LogisticRegression(C=np.inf).fit(logits[:, None], labels)
    found = calibration.fit_calibration(logits, labels, bias=True)
    assert 1 / found.temperature == pytest.approx(reference.coef_[0, 0], rel=1e-3)
    assert found.bias == pytest.approx(reference.intercept_[0], abs=1e-3)


def test_temperature_is_the_least_log_loss(overconfident: tuple) -> None:
    logits, labels, _ = overconfident
    found = calibration.fit_calibration(logits, labels)
    best = metrics.log_loss(labels, found.apply(logits)).value
    assert best is not None
    for factor in (0.98, 1.02):
        other = calibration.Calibration(found.temperature * factor)
        assert metrics.log_loss(labels, other.apply(logits)).value > best


def test_out_of_fold_calibration_never_sees_its_own_fold(overconfident: tuple) -> None:
    logits, labels, folds = overconfident
    before, used = calibration.cross_fitted(logits, labels, folds, bias=True)
    flipped = np.where(folds == 2, 1 - labels, labels)
    after, _ = calibration.cross_fitted(logits, flipped, folds, bias=True)
    assert (before[folds == 2] == after[folds == 2]).all()
    assert not (before[folds == 1] == after[folds == 1]).any()
    assert len(used) == 5
    raw, scaled = metrics.ece(labels, expit(logits)).value, metrics.ece(labels, before).value
    assert raw is not None
    assert scaled is not None
    assert scaled < 0.03 < raw


def test_ranking_is_untouched(overconfident: tuple) -> None:
    logits, labels, _ = overconfident
    found = calibration.fit_calibration(logits, labels, bias=True)
    assert metrics.auc(labels, found.apply(logits)).value == pytest.approx(metrics.auc(labels, logits).value, abs=1e-9)


def test_reliability_agrees_with_scikit_learn(overconfident: tuple) -> None:
    logits, labels, folds = overconfident
    probability = expit(logits)
    share, mean = calibration_curve(labels, probability, n_bins=10)
    points = calibration.reliability(labels, probability)
    assert [point.share for point in points] == pytest.approx(list(share))
    assert [point.mean_probability for point in points] == pytest.approx(list(mean))
    assert sum(point.n for point in points) == 4000
    for point in calibration.reliability(labels, probability, folds.repeat(1) * 100 + np.arange(4000) % 40):
        assert point.interval is not None
        assert point.interval[0] <= point.share <= point.interval[1]


def test_nothing_to_calibrate_on_is_said() -> None:
    with pytest.raises(ValueError, match=r"both classes to calibrate on. Received: all labels are the same"):
        calibration.fit_calibration([0.1, 0.2], [1, 1])
    assert calibration.reliability([0, 1], [np.nan, 0.5]) == []


def test_logits_of_certain_scores_stay_finite() -> None:
    assert np.isfinite(calibration.to_logits([0.0, 0.5, 1.0])).all()
    assert calibration.Calibration().apply(calibration.to_logits(0.3)) == pytest.approx(0.3)
