"""Kaggle Head CT - hemorrhage, rebuilt in miniature: a blank in the header, many sizes, RGBA and tinted PNGs."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from hemo.data.importers import import_dataset
from hemo.errors import DatasetError
from tests.data.pictures import head_picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "head_ct" / "head_ct"
    images.mkdir(parents=True)
    for number, side in enumerate((96, 128, 72)):
        picture = head_picture(number, side)
        if number == 1:
            alpha = np.full_like(picture, 255)
            cv2.imwrite(str(images / f"{number:03d}.png"), np.dstack([picture, picture, picture, alpha]))
        elif number == 2:
            tinted = np.dstack([picture, (picture * 0.9).astype(np.uint8), (picture * 0.8).astype(np.uint8)])
            cv2.imwrite(str(images / f"{number:03d}.png"), tinted)
        else:
            cv2.imwrite(str(images / f"{number:03d}.png"), picture)
    (tmp_path / "labels.csv").write_text("id, hemorrhage\n0,1\n1,1\n2,0\n")
    return tmp_path


def test_labels_and_pictures(folder: Path) -> None:
    manifest = import_dataset(folder)
    assert manifest.name == "Head CT - hemorrhage"
    assert manifest.frame["path"].tolist() == [f"head_ct/head_ct/00{number}.png" for number in range(3)]
    assert manifest.labels.tolist() == [1, 1, 0]
    assert manifest.group_kind == "file"
    assert manifest.problems == ()


def test_every_kind_of_png_in_it_is_read(folder: Path) -> None:
    manifest = import_dataset(folder)
    assert [manifest.read(i).shape for i in range(3)] == [(96, 96), (128, 128), (72, 72)]
    assert np.array_equal(manifest.read(1).grey(), head_picture(1, 128))


def test_the_table_itself_may_be_given(folder: Path) -> None:
    assert len(import_dataset(folder / "labels.csv")) == 3


def test_missing_and_unlabelled_pictures_are_named_and_the_rest_is_used(folder: Path) -> None:
    (folder / "labels.csv").write_text("id, hemorrhage\n0,1\n2,0\n9,1\n")
    manifest = import_dataset(folder)
    assert manifest.labels.tolist() == [1, 0]
    assert {problem.kind: problem.path for problem in manifest.problems} == {
        "missing": "009.png",
        "unlabelled": "head_ct/head_ct/001.png",
    }


def test_without_pictures_it_is_refused(folder: Path) -> None:
    for file in folder.rglob("*.png"):
        file.unlink()
    with pytest.raises(DatasetError, match=r"Expected the pictures that labels.csv names"):
        import_dataset(folder)
