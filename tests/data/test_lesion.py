"""Painted bleeds: inside the skull, as bright as their mask says, the same from the same seed."""

import numpy as np
import pytest

from hemo.data.lesion import (
    BLEED_KINDS,
    Anatomy,
    find_anatomy,
    grey_to_hu,
    hu_to_grey,
    paint_bleed,
    paint_thin_collection,
)
from tests.data.bleed_material import brain_slice


@pytest.fixture(scope="module")
def anatomy() -> Anatomy:
    found = find_anatomy(brain_slice())
    assert found is not None
    return found


def test_anatomy_of_a_brain_slice(anatomy: Anatomy) -> None:
    assert 25 < anatomy.parenchyma_hu < 45
    assert anatomy.intracranial.mean() > 0.2
    assert anatomy.skull_distance.max() > 40  # mm from the inner table to the middle of the brain
    assert not anatomy.ventricles[~anatomy.intracranial].any()


def test_air_has_no_anatomy() -> None:
    assert find_anatomy(np.zeros((224, 224), np.uint8)) is None


def test_grey_and_hu_are_inverse_within_the_window() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(hu_to_grey(grey_to_hu(grey)), grey)


@pytest.mark.parametrize("kind", BLEED_KINDS)
def test_a_bleed_is_brighter_than_what_it_covers_and_stays_in_the_skull(anatomy: Anatomy, kind: str) -> None:
    hu = grey_to_hu(brain_slice())
    rises = []
    for seed in range(12):
        painted, mask = paint_bleed(hu, anatomy, kind, np.random.default_rng(seed))
        assert not mask[~anatomy.intracranial].any()
        outside = ~anatomy.intracranial
        assert np.allclose(painted[outside], hu[outside])
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
        assert anatomy.skull_distance[mask].max() < 6.0
        assert np.allclose(painted[~anatomy.intracranial], hu[~anatomy.intracranial])
    # Pixels that are part bone are brighter than blood already: what must brighten is brain.
    brain = hu < anatomy.parenchyma_hu + 10
    rises = [float((painted - hu)[mask & brain].mean()) for painted, mask in kept if (mask & brain).any()]
    assert np.median(rises) > 4
