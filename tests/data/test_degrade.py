"""Degradations keep an image an image, repeatably."""

import cv2
import numpy as np
import pytest

from hemo.data.degrade import DegradeSettings, degrade, warp_matrix
from tests.data.bleed_material import brain_slice


def test_the_same_seed_degrades_the_same() -> None:
    one = degrade(brain_slice(), np.random.default_rng(1))
    assert np.array_equal(one, degrade(brain_slice(), np.random.default_rng(1)))
    assert one.dtype == np.uint8 and one.shape == brain_slice().shape


def test_most_draws_change_the_image_and_all_keep_the_anatomy() -> None:
    plain = brain_slice()
    draws = [degrade(plain, np.random.default_rng(seed)) for seed in range(30)]
    assert sum(not np.array_equal(plain, draw) for draw in draws) >= 27
    likeness = [np.corrcoef(plain.ravel(), draw.ravel())[0, 1] for draw in draws]
    assert min(likeness) > 0.7


def test_nothing_changes_when_everything_is_switched_off() -> None:
    shares = {name: 0.0 for name in vars(DegradeSettings()) if name.endswith("_share")}
    off = DegradeSettings(**shares)
    assert np.array_equal(degrade(brain_slice(), np.random.default_rng(0), off), brain_slice())


@pytest.mark.parametrize(
    "share", ["tone_share", "noise_share", "blur_share", "resample_share", "letter_share", "jpeg_share"]
)
def test_each_degradation_alone_changes_the_image(share: str) -> None:
    shares = {name: 0.0 for name in vars(DegradeSettings()) if name.endswith("_share")}
    alone = DegradeSettings(**{**shares, share: 1.0})
    assert not np.array_equal(degrade(brain_slice(), np.random.default_rng(3), alone), brain_slice())


def test_air_stays_black_in_another_window() -> None:
    shares = {name: 0.0 for name in vars(DegradeSettings()) if name.endswith("_share")}
    toned = degrade(brain_slice(), np.random.default_rng(2), DegradeSettings(**{**shares, "tone_share": 1.0}))
    assert toned[brain_slice() < 3].max() == 0


def test_the_warp_turns_about_the_centre_within_its_bounds() -> None:
    settings = DegradeSettings()
    for seed in range(20):
        warp = warp_matrix(224, settings, np.random.default_rng(seed))
        centre = warp @ np.array([111.5, 111.5, 1.0])
        assert np.abs(centre - 111.5).max() <= settings.shift * 224 + 1e-9
        area = abs(np.linalg.det(warp[:, :2]))
        assert np.exp(-2 * settings.zoom) - 1e-9 <= area <= np.exp(2 * settings.zoom) + 1e-9
    assert cv2.warpAffine(brain_slice(), warp, (224, 224)).shape == (224, 224)
