import numpy as np
import pytest

from hemo.ct.slice import CTSlice
from hemo.ct.window import WINDOWS


def test_hu_go_through_the_window_and_grey_does_not():
    values = np.array([[0, 40, 80]], dtype=np.float32)
    assert CTSlice(values, "HU", "a").grey(WINDOWS["brain"]).tolist() == [[0, 129, 255]]
    assert CTSlice(values, "grey", "a").grey(WINDOWS["brain"]).tolist() == [[0, 40, 80]]


def test_pixels_of_another_type_are_refused():
    with pytest.raises(ValueError, match="Received: uint8"):
        CTSlice(np.zeros((4, 4), np.uint8), "grey", "a")  # type: ignore[arg-type]


def test_unknown_unit_is_refused():
    with pytest.raises(ValueError, match="Received: 'T1'"):
        CTSlice(np.zeros((4, 4), np.float32), "T1", "a")  # type: ignore[arg-type]
