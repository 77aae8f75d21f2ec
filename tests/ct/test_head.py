"""The head finder must survive what pictures from papers bring."""

import cv2
import numpy as np
import pytest

from hemo.ct.head import find_head
from hemo.ct.window import MODEL_WINDOW, apply_window
from hemo.data.phantom_study import phantom_study


@pytest.fixture(scope="module")
def head_picture() -> np.ndarray:
    """A mid-brain phantom slice in the model's window, 256 × 256."""
    study = phantom_study(seed=3, n_slices=12, size=256)
    middle = [index for index, level in enumerate(study.levels) if level == "brain"][2]
    return apply_window(study.hu[middle], MODEL_WINDOW)


def overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Intersection over union of two boxes (top, left, bottom, right)."""
    top, left = max(one[0], other[0]), max(one[1], other[1])
    bottom, right = min(one[2], other[2]), min(one[3], other[3])
    shared = max(0, bottom - top) * max(0, right - left)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def test_finds_the_head_and_the_inside_of_its_skull(head_picture: np.ndarray) -> None:
    head = find_head(head_picture)
    assert head is not None
    assert 0.4 < head.intracranial_share < 0.9
    centre = head_picture.shape[0] // 2
    assert head.intracranial[centre, centre]
    assert not head.intracranial[~head.mask].any()


@pytest.mark.parametrize("value", [0, 255], ids=["black margin", "white page"])
def test_a_margin_moves_the_box_and_does_not_change_it(head_picture: np.ndarray, value: int) -> None:
    plain = find_head(head_picture)
    framed = cv2.copyMakeBorder(head_picture, 30, 70, 50, 20, cv2.BORDER_CONSTANT, value=value)
    found = find_head(framed)
    assert plain is not None and found is not None
    moved = (plain.box[0] + 30, plain.box[1] + 50, plain.box[2] + 30, plain.box[3] + 50)
    assert overlap(moved, found.box) > 0.93


def test_a_letter_and_a_head_rest_do_not_widen_the_box(head_picture: np.ndarray) -> None:
    plain = find_head(head_picture)
    marked = cv2.copyMakeBorder(head_picture, 40, 40, 40, 40, cv2.BORDER_CONSTANT, value=0)
    cv2.putText(marked, "L", (4, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 255, 2)
    cv2.ellipse(marked, (168, 160), (150, 155), 0, 20, 160, 255, 1)
    found = find_head(marked)
    assert plain is not None and found is not None
    moved = tuple(value + 40 for value in plain.box)
    assert overlap((moved[0], moved[1], moved[2], moved[3]), found.box) > 0.93


@pytest.mark.parametrize("air", [0, 60], ids=["black air", "grey air"])
def test_a_dim_or_lifted_window_still_shows_the_head(head_picture: np.ndarray, air: int) -> None:
    toned = (air + head_picture.astype(np.float32) * (200 - air) / 255).astype(np.uint8)
    plain, found = find_head(head_picture), find_head(toned)
    assert plain is not None and found is not None
    assert overlap(plain.box, found.box) > 0.9


def test_a_tight_crop_is_the_whole_picture(head_picture: np.ndarray) -> None:
    plain = find_head(head_picture)
    assert plain is not None
    top, left, bottom, right = plain.box
    crop = head_picture[top + 12 : bottom - 12, left + 12 : right - 12]
    found = find_head(crop)
    assert found is not None
    assert overlap((0, 0, *crop.shape), found.box) > 0.93


def test_empty_air_has_no_head() -> None:
    assert find_head(np.zeros((128, 128), np.uint8)) is None


def test_every_head_of_ct_ich_mid_brain_is_found(hemo_data) -> None:
    found = 0
    for patient in ("051", "071", "090"):
        for path in sorted((hemo_data / "ct-ich" / "Patients_CT" / patient / "brain").glob("1[5-9].jpg")):
            head = find_head(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
            assert head is not None and head.intracranial_share > 0.3, path.name
            found += 1
    assert found >= 12
