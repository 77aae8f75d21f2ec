"""Where a bleed could be: found in a brain, not in air."""

import numpy as np
import pytest

from hemo.data.anatomy import Anatomy, find_anatomy, grey_to_hu, hu_to_grey
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
