import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from hemo.data.manifest import Manifest
from hemo.evaluate import baselines
from hemo.workspace import Workspace


def test_features_are_what_they_say(small_set: Manifest) -> None:
    features = baselines.extract_features(small_set)
    picture = small_set.read(5).grey()
    assert features.mean_grey[5] == pytest.approx(picture.mean())
    assert list(features.size[5]) == [64, 48]
    assert features.thumbnail.shape == (24, 256)
    assert list(features.position[:4]) == [0, 1, 0, 1]


def test_features_are_kept_and_follow_the_order_of_rows(small_set: Manifest) -> None:
    cache = Workspace.from_environment().cache
    first = baselines.extract_features(small_set, cache)
    calls: list[int] = []
    turned = dataclasses.replace(small_set, frame=small_set.frame.iloc[::-1])
    second = baselines.extract_features(turned, cache, lambda done, total: calls.append(done))
    assert not calls
    np.testing.assert_array_equal(first.mean_grey[::-1], second.mean_grey)


def test_an_unreadable_slice_is_left_out(small_set: Manifest) -> None:
    (small_set.root / "02.png").write_bytes(b"not a picture")
    features = baselines.extract_features(small_set)
    assert not features.readable[2]
    assert features.readable.sum() == 23


def test_position_is_by_group() -> None:
    assert list(baselines.positions(["a", "b", "a", "b", "a", "c"])) == [0, 0, 0.5, 1, 1, 0.5]


def test_fitted_on_training_and_judged_elsewhere(small_set: Manifest) -> None:
    features = baselines.extract_features(small_set)
    split = small_set.frame["split"]
    found = baselines.judge_baselines(features, small_set.labels, small_set.groups, split)
    assert {(b.name, b.part) for b in found} == {(name, "test") for name in baselines.BASELINES}
    grey = next(b for b in found if b.name == "mean grey")
    assert grey.fitted_on == "16 training slices"
    test = np.asarray(split == "test")
    model = LogisticRegression(class_weight="balanced").fit(features.mean_grey[~test, None], small_set.labels[~test])
    expected = roc_auc_score(small_set.labels[test], model.decision_function(features.mean_grey[test, None]))
    assert grey.metrics["auc"].value == pytest.approx(expected)
    size = next(b for b in found if b.name == "picture size")
    assert size.why == "it is the same for every slice"


def test_without_a_split_it_is_out_of_fold_by_patient(small_set: Manifest) -> None:
    features = baselines.extract_features(small_set)
    found = baselines.judge_baselines(features, small_set.labels, small_set.groups, [""] * 24)
    assert {b.part for b in found} == {"out of fold"}
    thumbnail = next(b for b in found if b.name == "16×16 thumbnail")
    assert thumbnail.metrics["auc"].n == 24
    assert thumbnail.metrics["auc"].value is not None
    assert thumbnail.metrics["auc"].value > 0.9


def test_out_of_fold_scores_do_not_know_their_own_label() -> None:
    rng = np.random.default_rng(0)
    inputs, groups = rng.random((60, 1)), np.repeat(np.arange(12), 5).astype(str)
    labels = rng.integers(0, 2, 60)
    before = baselines.out_of_fold(inputs, labels, groups)
    flipped = np.where(groups == "3", 1 - labels, labels)
    after = baselines.out_of_fold(inputs, flipped, groups)
    np.testing.assert_array_equal(before[groups == "3"], after[groups == "3"])


def test_one_class_only_says_why(small_set: Manifest) -> None:
    features = baselines.extract_features(small_set)
    found = baselines.judge_baselines(features, np.zeros(24, int), small_set.groups, small_set.frame["split"])
    assert {b.why for b in found if b.name != "picture size"} == {"the training part holds one class only"}
    alone = baselines.judge_baselines(features, np.zeros(24, int), small_set.groups, [""] * 24)
    assert any("not two classes" in b.why for b in alone)


def test_random_labels_are_remembered_by_slice_and_not_by_group() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 12)
    thumbs = (rng.random((30, 256))[groups] + rng.normal(0, 0.05, (360, 256))).astype(np.float32)
    features = baselines.Features(
        np.ones(360, np.float32), np.ones((360, 2), np.float32), np.zeros(360, np.float32), thumbs
    )
    memory = baselines.random_label_memory(features, groups.astype(str))
    assert memory is not None
    assert memory[0] > 0.95
    assert 0.2 < memory[1] < 0.8
    assert baselines.random_label_memory(features, (groups // 5).astype(str)) is None
