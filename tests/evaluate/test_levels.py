import numpy as np
import pytest

from hemo.evaluate import levels


def test_rules_by_hand() -> None:
    scores = [0.1, 0.9, 0.5, 0.3]
    assert levels.study_score(scores, "max") == 0.9
    assert levels.study_score(scores, "top3") == pytest.approx(1.7 / 3)
    assert levels.study_score(scores, "top10percent") == 0.9
    assert levels.study_score(scores, "noisy_or") == pytest.approx(1 - 0.9 * 0.1 * 0.5 * 0.7)
    assert levels.study_score(scores, "mean") == pytest.approx(0.45)
    assert set(levels.RULE_NAMES) == set(levels.RULES)


def test_one_slice_is_its_own_study() -> None:
    for rule in levels.RULES:
        assert levels.study_score([0.4], rule) == pytest.approx(0.4)


def test_a_patient_bleeds_if_one_slice_does() -> None:
    table = levels.group_scores([0, 1, 0, 0], [0.2, 0.8, 0.4, 0.1], ["a", "b", "a", "b"])
    assert list(table.group) == ["a", "b"]
    assert list(table.label) == [0, 1]
    assert list(table.score) == [0.4, 0.8]
    assert list(table.n) == [2, 2]
    assert list(table.n_positive) == [0, 1]


def test_order_of_slices_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    labels, scores, groups = rng.integers(0, 2, 50), rng.random(50), rng.integers(0, 7, 50)
    once = levels.group_scores(labels, scores, groups, "top3")
    order = rng.permutation(50)
    again = levels.group_scores(labels[order], scores[order], groups[order], "top3")
    assert dict(zip(once.group, once.score, strict=True)) == pytest.approx(
        dict(zip(again.group, again.score, strict=True))
    )


def test_a_group_is_called_when_a_slice_is_or_by_a_threshold_of_other_groups() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 10)
    labels = (groups % 2 == 0) & (rng.random(300) < 0.5)
    scores = np.clip(0.2 + 0.5 * labels + rng.normal(0, 0.1, 300), 0.001, 0.999)
    highest = levels.group_scores(labels, scores, groups, "max")
    assert set(levels.group_thresholds(highest, 0.4)) == {0.4}
    either = levels.group_scores(labels, scores, groups, "noisy_or")
    cuts = levels.group_thresholds(either, 0.4)
    assert cuts.min() > 0.4  # many slices put a noisy-or far above any slice's threshold
    changed = levels.GroupScores(
        **{**vars(either), "label": np.where(np.arange(30) == 3, 1 - either.label, either.label)}
    )
    assert levels.group_thresholds(changed, 0.4)[3] == cuts[3]


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"expected one of max, .* Received: 'best'"):
        levels.study_score([0.1], "best")
    with pytest.raises(ValueError, match=r"at least one slice"):
        levels.study_score([])
