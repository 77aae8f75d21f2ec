"""One preparation for every source, and the way back to the slice."""

import cv2
import numpy as np
import pytest

from hemo.ct.guard import assess
from hemo.ct.preparation import Preparation
from hemo.ct.slice import CTSlice
from hemo.ct.window import MODEL_WINDOW, apply_window
from hemo.data.phantom_study import phantom_study
from hemo.errors import HemoError


@pytest.fixture(scope="module")
def slice_hu() -> np.ndarray:
    """A mid-brain phantom slice, 256 × 256 HU."""
    study = phantom_study(seed=3, n_slices=12, size=256)
    return study.hu[[index for index, level in enumerate(study.levels) if level == "brain"][2]]


@pytest.mark.parametrize("kind", ["head", "whole"])
@pytest.mark.parametrize("size", [64, 224, 512])
def test_gives_a_square_grey_image(slice_hu: np.ndarray, kind: str, size: int) -> None:
    prepared = Preparation(kind, size).apply(apply_window(slice_hu, MODEL_WINDOW))  # type: ignore[arg-type]
    assert prepared.image.shape == (size, size)
    assert prepared.image.dtype == np.uint8
    assert prepared.source_shape == slice_hu.shape


def test_a_slice_in_hu_and_its_picture_are_prepared_alike(slice_hu: np.ndarray) -> None:
    grey = apply_window(slice_hu, MODEL_WINDOW)
    from_hu = Preparation().apply(CTSlice(pixels=slice_hu.astype(np.float32), unit="HU", name="a"))
    from_grey = Preparation().apply(CTSlice(pixels=grey.astype(np.float32), unit="grey", name="b"))
    assert np.array_equal(from_hu.image, from_grey.image)


@pytest.mark.parametrize("side", [180, 256, 650])
def test_the_head_that_the_guard_found_serves_as_well(slice_hu: np.ndarray, side: int) -> None:
    grey = cv2.resize(apply_window(slice_hu, MODEL_WINDOW), (side, side))
    verdict = assess(CTSlice(pixels=grey.astype(np.float32), unit="grey", name="a"))
    assert verdict.head is not None
    looked, given = Preparation().apply(grey), Preparation().apply(grey, verdict.head)
    assert np.array_equal(looked.image, given.image)
    assert np.array_equal(looked.to_source, given.to_source) and given.head_found


def test_the_margin_does_not_change_what_the_network_sees(slice_hu: np.ndarray) -> None:
    grey = apply_window(slice_hu, MODEL_WINDOW)
    wide = cv2.copyMakeBorder(grey, 60, 10, 90, 30, cv2.BORDER_CONSTANT, value=0)
    one, other = Preparation().apply(grey).image, Preparation().apply(wide).image
    # The head fills the picture to a pixel or two of the work size, whatever the margin.
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.9


def test_letters_beside_the_head_are_not_seen(slice_hu: np.ndarray) -> None:
    grey = cv2.copyMakeBorder(apply_window(slice_hu, MODEL_WINDOW), 40, 40, 40, 40, cv2.BORDER_CONSTANT, value=0)
    lettered = grey.copy()
    cv2.putText(lettered, "R", (5, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 255, 2)
    assert np.array_equal(Preparation().apply(grey).image, Preparation().apply(lettered).image)


@pytest.mark.parametrize("kind", ["head", "whole"])
def test_a_heat_map_lands_where_its_pixels_came_from(slice_hu: np.ndarray, kind: str) -> None:
    grey = cv2.copyMakeBorder(apply_window(slice_hu, MODEL_WINDOW), 50, 0, 0, 80, cv2.BORDER_CONSTANT, value=0)
    prepared = Preparation(kind, 224).apply(grey)  # type: ignore[arg-type]
    heat = np.zeros((14, 14), np.float32)
    heat[4, 9] = 1.0
    placed = prepared.heat_to_source(heat)
    assert placed.shape == grey.shape
    y, x = np.unravel_index(int(placed.argmax()), placed.shape)
    expected = prepared.to_source @ np.array([9 * 16 + 7.5, 4 * 16 + 7.5, 1.0])
    assert np.hypot(x - expected[0], y - expected[1]) < 12
    assert placed.min() >= 0 and placed.max() <= 1


def test_empty_air_is_taken_whole() -> None:
    prepared = Preparation().apply(np.zeros((100, 140), np.uint8))
    assert not prepared.head_found
    assert prepared.image.max() == 0


def test_survives_json() -> None:
    preparation = Preparation("whole", 256)
    assert Preparation.from_json(preparation.to_json()) == preparation


@pytest.mark.parametrize("values", [{"kind": "chest", "size": 224}, {"kind": "head", "size": 4}, {"colour": "red"}])
def test_refuses_what_it_does_not_know(values: dict[str, object]) -> None:
    with pytest.raises(HemoError, match="Received"):
        Preparation.from_json(values)
