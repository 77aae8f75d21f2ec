"""The phantom slices that training draws from: prepared as real ones are, masks where the blood is."""

import numpy as np
import pytest

from hemo.data.phantom_pool import PhantomPool


@pytest.fixture(scope="module")
def pool() -> PhantomPool:
    return PhantomPool.made(128, seed=1, studies=4)


def test_blood_lies_under_its_mask(pool: PhantomPool) -> None:
    assert pool.images.shape == pool.masks.shape and pool.images.dtype == np.uint8
    rises = []
    for seed in range(10):
        image, mask = pool.draw(True, np.random.default_rng(seed))
        assert mask.any()
        brain = image[(image > 60) & (image < 200) & ~mask]
        rises.append(float(np.median(image[mask])) - float(np.median(brain)))
    assert np.median(rises) > 8


def test_a_slice_without_blood_has_an_empty_mask(pool: PhantomPool) -> None:
    assert not any(pool.draw(False, np.random.default_rng(seed))[1].any() for seed in range(10))


def test_the_same_seed_makes_the_same_slices(pool: PhantomPool) -> None:
    again, other = PhantomPool.made(128, seed=1, studies=4), PhantomPool.made(128, seed=2, studies=4)
    assert np.array_equal(pool.images, again.images) and np.array_equal(pool.masks, again.masks)
    assert not np.array_equal(pool.images[0], other.images[0])
