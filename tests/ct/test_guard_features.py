import cv2
import numpy as np
import pytest

from hemo.ct.guard_features import FEATURES, measure
from hemo.ct.window import MODEL_WINDOW, apply_window
from hemo.data.phantom_study import phantom_study


@pytest.fixture(scope="module")
def head():
    study = phantom_study(3, 16, None, 320)
    return apply_window(study.hu[study.levels.index("brain") + 3], MODEL_WINDOW)


def test_a_head_has_a_closed_ring_around_soft_tissue(head):
    measured = measure(head)
    assert measured["ring_closed"] == 1.0 and measured["ring_gap"] == 0.0
    assert measured["ring_over_inside"] > 0.3
    assert 0.25 < measured["inside_median"] < 0.7
    assert measured["inside_air"] < 0.05
    assert measured["intracranial_share"] > 0.5


def test_features_are_finite_and_named():
    rng = np.random.default_rng(0)
    for grey in (np.zeros((64, 64), np.uint8), rng.integers(0, 256, (90, 200)).astype(np.uint8)):
        features = measure(grey).features
        assert features.shape == (len(FEATURES),) and np.isfinite(features).all()
    assert len(set(FEATURES)) == len(FEATURES)


def test_nothing_in_view_leaves_only_the_color():
    measured = measure(np.zeros((64, 64), np.uint8), 0.3)
    assert measured.head is None
    assert measured["colorfulness"] == pytest.approx(0.3)
    assert np.count_nonzero(measured.features) == 1


def test_same_picture_same_features(head):
    """The polar map must not read memory outside the picture."""
    first = measure(head).features
    for _ in range(5):
        np.full((500, 500), 1e30).sum()
        np.testing.assert_array_equal(measure(head).features, first)


@pytest.mark.parametrize("size", [160, 640])
def test_size_matters_little(head, size):
    interpolation = cv2.INTER_AREA if size < 320 else cv2.INTER_CUBIC
    resized = measure(cv2.resize(head, (size, size), interpolation=interpolation))
    original = measure(head)
    for name in ("head_share", "box_aspect", "ring_closed", "ring_radius", "inside_median", "intracranial_share"):
        assert resized[name] == pytest.approx(original[name], abs=0.05)


def test_a_broken_ring_shows_its_gap(head):
    broken = head.copy()
    height, width = broken.shape
    angle = np.arctan2(*(np.mgrid[:height, :width] - height / 2))
    broken[(np.abs(angle) < np.pi / 6) & (broken > 200)] = 110
    assert measure(broken)["ring_gap"] > 0.08
