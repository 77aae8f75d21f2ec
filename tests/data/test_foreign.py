"""Slices as foreign pictures: as many sizes as the web has, the same from the same seed, the head still in view."""

import numpy as np
import pytest

from hemo.ct.head import find_head
from hemo.ct.window import MODEL_WINDOW, apply_window
from hemo.data.degrade import DegradeSettings
from hemo.data.foreign import foreign, framed
from hemo.data.phantom_study import phantom_study


@pytest.fixture(scope="module")
def grey() -> np.ndarray:
    return apply_window(phantom_study(1, 3, None, 192).hu[1], MODEL_WINDOW)


def test_foreign_pictures_vary_in_size_and_repeat_by_seed(grey: np.ndarray) -> None:
    shapes = set()
    for seed in range(12):
        (one, tint), (two, _) = (foreign(grey, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(one, two)
        assert one.dtype == np.uint8 and one.ndim == 2 and 0 <= tint <= 0.3
        assert find_head(one) is not None
        shapes.add(one.shape)
    assert len(shapes) > 8


def test_settings_decide_what_tone_and_noise_do(grey: np.ndarray) -> None:
    names = ("tone_share", "noise_share", "blur_share", "resample_share", "letter_share", "jpeg_share")
    spared = DegradeSettings(**dict.fromkeys(names, 0.0))

    def brain(seed: int, settings: DegradeSettings | None) -> float:
        """Median grey level of the middle of the picture."""
        picture, _ = foreign(grey, np.random.default_rng(seed), settings)
        tall, wide = picture.shape
        return float(np.median(picture[2 * tall // 5 : 3 * tall // 5, 2 * wide // 5 : 3 * wide // 5]))

    kept, changed = ([brain(seed, settings) for seed in range(16)] for settings in (spared, None))
    assert np.std(kept) < 0.5 * np.std(changed)


def test_a_frame_has_the_given_widths_and_shade(grey: np.ndarray) -> None:
    picture = framed(grey, [1, 2, 3, 4], 255)
    assert picture.shape == (grey.shape[0] + 3, grey.shape[1] + 7)
    assert (picture[0] == 255).all() and np.array_equal(picture[1:-2, 3:-4], grey)
