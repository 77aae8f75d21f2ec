"""The session's room: bounded, exact, and never two copies of one study."""

from dataclasses import replace

import numpy as np
import pytest

from hemo.ct.slice import CTSlice
from hemo.ct.study import Study
from pages.components import reading_room
from pages.components.reading_room import Room


def study(seed: int = 0, name: str = "study", whole: bool = True) -> Study:
    rng = np.random.default_rng(seed)
    pixels = [rng.uniform(-1000, 2000, (16, 16)).astype(np.float32) for _ in range(3)]
    kept = [np.rint(each) if whole else each for each in pixels]
    slices = tuple(CTSlice(each, "HU", f"{at}") for at, each in enumerate(kept))
    return Study(name=name, slices=slices, spacing=None, warnings=(), kind="dicom")


@pytest.mark.parametrize(("whole", "bytes_a_pixel"), [(True, 2), (False, 4)])
def test_pixels_come_back_exactly(whole: bool, bytes_a_pixel: int) -> None:
    source = study(whole=whole)
    entry = Room().admit(source)
    assert entry is not None
    for at, ct_slice in enumerate(source.slices):
        np.testing.assert_array_equal(entry.slice(at).pixels, ct_slice.pixels)
        assert entry.slice(at).name == ct_slice.name
    assert entry.nbytes() == 3 * 16 * 16 * (bytes_a_pixel + 1)  # a byte for the heat map


def test_the_same_study_is_admitted_once() -> None:
    room = Room()
    assert room.admit(study()) is room.admit(study())
    assert room.admit(study(seed=1)) is not room.admit(study())
    assert len(room.studies) == 2


def test_a_full_room_says_which_study_stays_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_room, "MAX_BYTES", 4000)
    room = Room()
    assert room.admit(study(0, "first")) is not None
    assert room.admit(study(1, "second")) is None
    assert room.full == ["second"]
    assert room.nbytes() <= 4000


def test_huge_values_are_not_cut() -> None:
    source = study()
    high = replace(source.slices[0], pixels=np.full((16, 16), 70000, np.float32))
    entry = Room().admit(replace(source, slices=(high,)))
    assert entry is not None
    assert entry.slice(0).pixels.max() == 70000


def test_a_stack_of_pictures_is_named_by_its_first_and_last() -> None:
    entry = Room().admit(replace(study(name="#.jpg"), kind="pictures"))
    assert entry is not None
    assert entry.title == "0 to 2"
    named = Room().admit(study(name="scan"))
    assert named is not None and named.title == "scan"
