import json

import numpy as np
import pytest

from hemo.ct.trees import Trees


@pytest.fixture
def trees():
    return Trees(
        feature=np.array([[0, 1, 1], [1, 0, 0]]),
        threshold=np.array([[0.5, 0.25, 0.8], [0.0, -1.0, 1.0]]),
        leaf=np.array([[1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]]),
        start=-5.0,
    )


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((0.5, 0.25), 1 + 30 - 5),  # at a threshold: to the left
        ((0.4, 0.3), 2 + 30 - 5),
        ((0.6, 0.9), 4 + 30 - 5),
        ((2.0, -0.1), 3 + 20 - 5),
    ],
)
def test_score_follows_the_branches(trees, row, expected):
    assert trees.score(np.array([row], np.float32))[0] == pytest.approx(expected)


def test_json_round_trip(trees):
    again = Trees.from_json(json.loads(json.dumps(trees.to_json())))
    rows = np.random.default_rng(0).normal(size=(50, 2))
    np.testing.assert_allclose(again.score(rows), trees.score(rows))


def test_incomplete_trees_are_refused():
    with pytest.raises(ValueError, match=r"expected complete trees.*Received: feature \(1, 2\)"):
        Trees(np.zeros((1, 2), int), np.zeros((1, 2)), np.zeros((1, 3)), 0.0)
