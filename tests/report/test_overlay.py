"""The overlay shows more where the network reacted more, and leaves the slice alone where it did not."""

import io

import numpy as np
import pytest
from PIL import Image

from hemo.errors import RefusedInput
from hemo.report.overlay import NOTE, overlay, overlay_png

GREY = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (48, 1))


def test_no_heat_and_no_opacity_leave_the_slice_as_it_is() -> None:
    slice_rgb = np.repeat(GREY[..., None], 3, axis=2)
    np.testing.assert_array_equal(overlay(GREY, np.zeros(GREY.shape, np.float32)), slice_rgb)
    np.testing.assert_array_equal(overlay(GREY, np.ones(GREY.shape, np.float32), opacity=0), slice_rgb)


def test_color_rises_with_heat_and_does_not_depend_on_the_slices_own_maximum() -> None:
    heat = np.zeros(GREY.shape, np.float32)
    heat[:16] = 0.2
    alone = overlay(GREY, heat)
    heat[32:] = 1.0
    beside = overlay(GREY, heat)
    np.testing.assert_array_equal(alone[:16], beside[:16])
    color = np.ptp(beside.astype(int), axis=2).mean(axis=1)
    assert color[20] == 0 < color[5] < color[40]


def test_values_outside_the_scale_and_holes_are_tamed() -> None:
    heat = np.full(GREY.shape, 3.0, np.float32)
    heat[0] = np.nan
    blended = overlay(GREY, heat)
    np.testing.assert_array_equal(blended[1:], overlay(GREY, np.ones(GREY.shape, np.float32))[1:])
    np.testing.assert_array_equal(blended[0], np.repeat(GREY[0][:, None], 3, axis=1))


def test_a_png_has_the_slices_resolution_and_says_what_it_is() -> None:
    with Image.open(io.BytesIO(overlay_png(GREY, np.ones(GREY.shape, np.float32)))) as picture:
        assert picture.size == (GREY.shape[1], GREY.shape[0])
        assert picture.text == {"Description": NOTE}  # type: ignore[attr-defined]


def test_a_map_of_another_shape_is_refused() -> None:
    with pytest.raises(RefusedInput, match=r"shape \(48, 64\)\. Received: \(7, 7\)"):
        overlay(GREY, np.zeros((7, 7), np.float32))
