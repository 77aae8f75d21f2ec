"""Mimics change the slice, and leave the rest of it alone."""

import numpy as np

from hemo.data.lesion import find_anatomy, grey_to_hu
from hemo.data.mimic import paint_mimic
from tests.data.bleed_material import brain_slice


def test_each_seed_paints_something_repeatable() -> None:
    hu, anatomy = grey_to_hu(brain_slice()), find_anatomy(brain_slice())
    assert anatomy is not None
    changed = 0
    for seed in range(20):
        painted = paint_mimic(hu, anatomy, np.random.default_rng(seed))
        assert painted.shape == hu.shape and np.isfinite(painted).all()
        assert np.array_equal(painted, paint_mimic(hu, anatomy, np.random.default_rng(seed)))
        changed += not np.array_equal(painted, hu)
    assert changed >= 18
