import numpy as np
import pytest

from hemo.ct.window import MODEL_WINDOW, WINDOWS, Window, apply_window


def test_model_window_maps_its_ends_to_black_and_white():
    hu = np.array([-1000, -20, 40, 100, 3000], dtype=np.float32)
    assert apply_window(hu, MODEL_WINDOW).tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize("name", sorted(WINDOWS))
def test_display_windows_follow_the_standard(name):
    """PS3.3 C.11.2.1.2.1 pseudo-code, value by value."""
    window = WINDOWS[name]
    hu = np.arange(-1100, 3200, dtype=np.float32)
    low = window.level - 0.5 - (window.width - 1) / 2
    high = window.level - 0.5 + (window.width - 1) / 2
    ramp = ((hu - (window.level - 0.5)) / (window.width - 1) + 0.5) * 255
    expected = np.where(hu <= low, 0, np.where(hu > high, 255, ramp))
    assert np.abs(apply_window(hu, window).astype(float) - expected).max() <= 0.5 + 1e-3


def test_window_of_width_one_is_a_step():
    assert apply_window(np.array([39.0, 41.0]), Window("step", 40, 1)).tolist() == [0, 255]


@pytest.mark.parametrize("width", [0, -5, 0.5])
def test_window_too_narrow_is_refused(width):
    with pytest.raises(ValueError, match=f"Received: width={width}"):
        Window("none", 40, width)


def test_windows_are_those_readers_use():
    assert {name: (window.width, window.level) for name, window in WINDOWS.items()} == {
        "brain": (80, 40),
        "subdural": (200, 80),
        "stroke": (40, 40),
        "bone": (2800, 600),
    }
