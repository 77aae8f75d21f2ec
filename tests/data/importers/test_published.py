"""The published project's folders: split from the top folder, series from the file name."""

from pathlib import Path

import pytest

from hemo.data.importers import import_dataset
from hemo.data.importers.published import series_and_slice
from hemo.data.split import check_no_overlap
from tests.data.pictures import write_picture


@pytest.mark.parametrize(
    ("stem", "series", "number"),
    [
        ("6_0_80", "6", "80"),
        ("N21_0_107", "N21", "107"),
        ("IMG-0001-00015", "IMG-0001", "15"),
        ("12_0_0", "12", "0"),
        ("scan", "scan", "scan"),
    ],
)
def test_series_and_slice(stem: str, series: str, number: str) -> None:
    assert series_and_slice(stem) == (series, number)


def test_folders(tmp_path: Path) -> None:
    names = (
        "Training Data/With Hemorrhage/6_0_80",
        "Training Data/Without Hemorrhage/N1_0_10",
        "Validation Data/With Hemorrhage/IMG-0001-00015",
        "Testing Data/Without Hemorrhage/N21_0_107",
    )
    for seed, name in enumerate(names):
        write_picture(tmp_path / f"{name}.jpg", seed)
    frame = import_dataset(tmp_path).frame.set_index("group")
    assert frame["split"].to_dict() == {"6": "train", "N1": "train", "IMG-0001": "validation", "N21": "test"}
    assert frame["label"].to_dict() == {"6": 1, "N1": 0, "IMG-0001": 1, "N21": 0}
    assert set(frame["group_kind"]) == {"series"}


def test_the_real_folders_hold_nine_series_that_do_not_overlap(hemo_data: Path) -> None:
    manifest = import_dataset(hemo_data / "seed")
    frame = manifest.frame
    assert len(frame) == 620
    groups = frame.groupby(["split", "label"])["group"].unique().map(sorted).to_dict()
    assert groups == {
        ("train", 1): ["5", "6"],
        ("train", 0): ["N1"],
        ("validation", 1): ["IMG-0001"],
        ("validation", 0): ["N18"],
        ("test", 1): ["12", "2"],
        ("test", 0): ["N20", "N21"],
    }
    check_no_overlap(frame)
    assert manifest.problems == ()
