"""Painted bleeds: inside the skull, as bright as their mask says, the same from the same seed."""

import cv2
import numpy as np
import pytest

from hemo.data.anatomy import Anatomy, find_anatomy, grey_to_hu
from hemo.data.lesion import BLEED_KINDS, paint_bleed, paint_thin_collection
from tests.data.bleed_material import brain_slice


@pytest.fixture(scope="module")
def anatomy() -> Anatomy:
    found = find_anatomy(brain_slice())
    assert found is not None
    return found


def assert_only_joined_outside(painted: np.ndarray, hu: np.ndarray, mask: np.ndarray, anatomy: Anatomy) -> None:
    """Outside the brain nothing changes but the pixels between a collection and the bone, which never darken."""
    radius = 2 * max(1, round(1.5 * anatomy.pixels_per_mm)) + 1
    near = cv2.dilate(mask.astype(np.uint8), np.ones((radius, radius))).astype(bool)
    outside = ~anatomy.intracranial
    assert np.allclose(painted[outside & ~near], hu[outside & ~near])
    assert (painted - hu)[outside].min() > -0.01


@pytest.mark.parametrize("kind", BLEED_KINDS)
def test_a_bleed_is_brighter_than_what_it_covers_and_stays_in_the_skull(anatomy: Anatomy, kind: str) -> None:
    hu = grey_to_hu(brain_slice())
    rises = []
    for seed in range(12):
        painted, mask = paint_bleed(hu, anatomy, kind, np.random.default_rng(seed))
        assert not mask[~anatomy.intracranial].any()
        assert_only_joined_outside(painted, hu, mask, anatomy)
        if mask.any():
            rises.append(float((painted - hu)[mask].mean()))
    assert len(rises) >= 9
    assert np.median(rises) > 5


@pytest.mark.parametrize("kind", BLEED_KINDS)
def test_the_same_seed_paints_the_same(anatomy: Anatomy, kind: str) -> None:
    hu = grey_to_hu(brain_slice())
    first = paint_bleed(hu, anatomy, kind, np.random.default_rng(4))
    again = paint_bleed(hu, anatomy, kind, np.random.default_rng(4))
    other = paint_bleed(hu, anatomy, kind, np.random.default_rng(5))
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])


@pytest.mark.parametrize("kind", ["epidural", "subdural"])
def test_collections_under_the_skull_touch_it(anatomy: Anatomy, kind: str) -> None:
    touching = 0
    for seed in range(10):
        _, mask = paint_bleed(grey_to_hu(brain_slice()), anatomy, kind, np.random.default_rng(seed))
        touching += bool(mask.any() and anatomy.skull_distance[mask].min() < 3)
    assert touching >= 7  # a thickened falx, one subdural in seven, lies in the middle


def test_refuses_an_unknown_kind(anatomy: Anatomy) -> None:
    with pytest.raises(ValueError, match="Received: 'tumour'"):
        paint_bleed(grey_to_hu(brain_slice()), anatomy, "tumour", np.random.default_rng(0))


def test_a_thin_collection_is_thin_and_lies_along_the_bone(anatomy: Anatomy) -> None:
    hu = grey_to_hu(brain_slice())
    drawn = [paint_thin_collection(hu, anatomy, np.random.default_rng(seed)) for seed in range(20)]
    kept = [(painted, mask) for painted, mask in drawn if mask.any()]
    assert len(kept) >= 12
    for painted, mask in kept:
        assert anatomy.skull_distance[mask].max() < 7.0
        assert_only_joined_outside(painted, hu, mask, anatomy)
    # Pixels that are part bone are brighter than blood already: what must brighten is brain.
    brain = hu < anatomy.parenchyma_hu + 10
    rises = [float((painted - hu)[mask & brain].mean()) for painted, mask in kept if (mask & brain).any()]
    assert np.median(rises) > 4


def test_no_dark_line_lies_between_a_collection_and_the_bone(anatomy: Anatomy) -> None:
    hu = grey_to_hu(brain_slice())
    darker = []
    for seed in range(20):
        painted, mask = paint_thin_collection(hu, anatomy, np.random.default_rng(seed))
        if not mask.any():
            continue
        blood = float(np.median(painted[mask]))
        rim = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))).astype(bool) & ~anatomy.intracranial
        darker.append(float((painted[rim] < blood - 15).mean()) if rim.any() else 0.0)
    assert len(darker) >= 12 and np.mean(darker) < 0.05


def test_some_thick_subdurals_are_old(anatomy: Anatomy) -> None:
    hu, rises = grey_to_hu(brain_slice()), []
    for seed in range(80):
        painted, mask = paint_bleed(hu, anatomy, "subdural", np.random.default_rng(seed))
        if mask.any() and anatomy.skull_distance[mask].max() >= 6:
            rises.append(float(np.median(painted[mask & (anatomy.skull_distance > 2)])) - anatomy.parenchyma_hu)
    assert len(rises) >= 15
    assert 0.1 < np.mean(np.array(rises) < 7.0) < 0.6
    assert min(rises) < -4
