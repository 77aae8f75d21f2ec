import numpy as np
import pytest

from hemo.ct.preparation import Preparation
from hemo.evaluate import localisation as loc


def test_a_box_lands_where_the_preparation_puts_it() -> None:
    source = np.zeros((100, 200), np.uint8)
    source[20:40, 50:90] = 255
    prepared = Preparation("whole", 64).apply(source)
    box = ((50 + 90) / 2 / 200, (20 + 40) / 2 / 100, 40 / 200, 20 / 100)
    mask = loc.boxes_to_mask([box], prepared.to_source, (100, 200), 64)
    bright = prepared.image > 127
    assert (mask & bright).sum() / (mask | bright).sum() > 0.9
    small = loc.boxes_to_mask([box], prepared.to_source, (100, 200), 64, grid=(8, 8))
    assert small.shape == (8, 8)
    exact = loc.mask_to_prepared(source > 0, prepared.to_source, 64)
    assert (exact & bright).sum() / (exact | bright).sum() > 0.9


def test_figures_by_hand() -> None:
    heat = np.array([[0.0, 1.0], [3.0, 0.0]])
    mask = np.array([[False, False], [True, True]])
    assert loc.peak_in_mask(heat, mask)
    assert loc.mass_in_mask(heat, mask) == 0.75
    assert loc.overlap(heat, mask) == pytest.approx(1 / 3)
    assert loc.overlap(heat, heat == 3) == 1


def test_a_blank_map_finds_nothing() -> None:
    blank, mask = np.zeros((4, 4)), np.ones((4, 4), bool)
    assert not loc.peak_in_mask(blank, mask)
    assert loc.mass_in_mask(blank, mask) == 0
    assert loc.overlap(blank, mask) == 0


def test_the_centre_guess_peaks_in_the_centre() -> None:
    guess = loc.centre_guess(65)
    assert np.unravel_index(guess.argmax(), guess.shape) == (32, 32)


def test_rates_carry_intervals_by_patient_and_iou_only_with_masks() -> None:
    rng = np.random.default_rng(0)
    lesions = [np.zeros((8, 8), bool) for _ in range(30)]
    heats = [rng.random((8, 8)) for _ in range(30)]
    for i, lesion in enumerate(lesions):
        lesion[2:4, 2:4] = True
        if i % 2:
            heats[i][2, 2] = 5
    row = loc.localise("map", heats, lesions, [f"p{i // 2}" for i in range(30)])
    assert row.peak_in_box.value == pytest.approx(
        np.mean([loc.peak_in_mask(h, m) for h, m in zip(heats, lesions, strict=True)])
    )
    assert row.peak_in_box.interval is not None
    assert row.iou.value is None
    assert "boxes, not masks" in row.iou.why
    exact = loc.localise("map", heats, lesions, [f"p{i // 2}" for i in range(30)], exact=True)
    assert exact.iou.value is not None


def test_deletion_area() -> None:
    assert loc.deletion_insertion(np.array([1.0, 0.5, 0.0])) == pytest.approx(0.5)
