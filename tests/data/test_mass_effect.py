"""A bleed's push: away from it, fading, never out of the bone."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from hemo.data.mass_effect import pushed_aside

SIZE = 120
PIXELS_PER_MM = 0.6


@pytest.fixture(scope="module")
def head() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A round skull of 100 HU around 30 HU, with a bright line down the middle; inside, and distance to the bone."""
    rows, columns = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    inside = np.hypot(rows, columns) < 50
    hu = np.where(inside, 30.0, 100.0).astype(np.float32)
    hu[:, SIZE // 2][inside[:, SIZE // 2]] = 60.0
    return hu, inside, (distance_transform_edt(inside) / PIXELS_PER_MM).astype(np.float32)


def crescent(inside: np.ndarray, distance: np.ndarray) -> np.ndarray:
    left = np.arange(SIZE)[None, :] < SIZE // 3
    return inside & left & (distance < 10.0)


def pushed(head: tuple[np.ndarray, np.ndarray, np.ndarray], push_mm: float = 8.0) -> np.ndarray:
    hu, inside, distance = head
    return pushed_aside(hu, crescent(inside, distance), inside, distance, PIXELS_PER_MM, push_mm, reach_mm=60.0)


def midline(hu: np.ndarray) -> int:
    return int(hu[SIZE // 2, 30:90].argmax()) + 30


def test_the_midline_moves_away_from_the_bleed(head: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    before, after = midline(head[0]), midline(pushed(head))
    assert 1 <= after - before <= 8.0 * PIXELS_PER_MM
    assert midline(pushed(head, push_mm=12.0)) > after


def test_bone_and_its_rim_stay_and_none_comes_inside(head: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    hu, inside, distance = head
    moved = pushed(head)
    still = ~inside | (distance < 1.5)
    assert np.array_equal(moved[still], hu[still])
    assert moved[inside].max() <= 60.5  # the line, not the bone's 100


def test_a_bleed_in_the_middle_pushes_nothing(head: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    hu, inside, distance = head
    middle = distance > distance.max() - 5
    assert np.array_equal(pushed_aside(hu, middle, inside, distance, PIXELS_PER_MM, 8.0, 60.0), hu)
