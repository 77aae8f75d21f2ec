"""A look at every file: unreadable ones, and pictures that occur twice."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from hemo.data.importers import import_dataset
from hemo.data.problems import check_files, same_pictures
from tests.data.pictures import head_picture, write_class_folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_class_folders(tmp_path / "set", {"Normal/p1": 3, "Normal/p2": 3, "Hemorrhage/p3": 3})


def test_a_clean_set_has_nothing_to_report(folder: Path, tmp_path: Path) -> None:
    check = check_files(import_dataset(folder), tmp_path / "cache")
    assert check.problems() == []
    assert len(check.manifest) == 9


def test_the_same_file_under_another_label_is_told_with_both_names(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "Hemorrhage/p3/1.png", folder / "Normal/p1/7.png")
    problems = check_files(import_dataset(folder), tmp_path / "cache").problems()
    assert [(problem.kind, problem.path) for problem in problems] == [("duplicate", "Normal/p1/7.png")]
    assert problems[0].detail == (
        "The same file as Hemorrhage/p3/1.png, with label Hemorrhage and Normal, patient p3 and p1."
    )


@pytest.mark.parametrize("change", ["jpeg", "smaller", "mirrored", "contrast"])
def test_the_same_picture_saved_again_under_another_patient_is_found(folder: Path, tmp_path: Path, change: str) -> None:
    picture = cv2.imread(str(folder / "Normal/p1/1.png"), cv2.IMREAD_GRAYSCALE)
    changed = {
        "jpeg": picture,
        "smaller": cv2.resize(picture, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA),
        "mirrored": picture[:, ::-1],
        "contrast": np.clip(picture * 1.2 - 10, 0, 255).astype(np.uint8),
    }[change]
    cv2.imwrite(str(folder / "Normal/p2/9.jpg"), changed, [cv2.IMWRITE_JPEG_QUALITY, 40])
    problems = check_files(import_dataset(folder), tmp_path / "cache").problems()
    assert [(problem.kind, problem.path) for problem in problems] == [("near_duplicate", "Normal/p2/9.jpg")]
    assert "Normal/p1/1.png" in problems[0].detail


def test_likeness_within_a_patient_is_no_finding() -> None:
    picture = cv2.resize(head_picture(1), (64, 64))
    pair = np.stack([picture, picture])
    assert same_pictures(pair, np.array(["p1", "p1"])) == []
    assert [(d.first, d.second) for d in same_pictures(pair, np.array(["p1", "p2"]))] == [(0, 1)]


def test_blank_pictures_are_not_alike() -> None:
    assert same_pictures(np.zeros((3, 64, 64), np.uint8), np.array(["a", "b", "c"])) == []


def test_what_cannot_be_decoded_is_named_and_the_rest_is_compared(folder: Path, tmp_path: Path) -> None:
    (folder / "Normal/p1/1.png").write_bytes(b"\xff\xd8\xff\xe0" + bytes(300) + b"\xff\xd9")
    check = check_files(import_dataset(folder), tmp_path / "cache")
    assert [problem.path for problem in check.unreadable] == ["Normal/p1/1.png"]
    assert len(check.manifest) == 8


def test_the_real_set_has_no_picture_under_two_patients(hemo_data: Path, tmp_path: Path) -> None:
    check = check_files(import_dataset(hemo_data / "seed"), tmp_path / "cache")
    assert check.problems() == []
