"""`import_dataset`: what it makes of paths that are nothing it knows."""

from pathlib import Path

import pytest

from hemo.data.importers import LAYOUTS, import_dataset
from hemo.data.importers.base import label_of, natural_key, split_of, subtype_of
from hemo.errors import DatasetError
from tests.data.pictures import write_class_folders, write_picture


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"^Expected .* Received: the empty folder .*\.$"):
        import_dataset(tmp_path)


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="which is not there"):
        import_dataset(tmp_path / "nowhere")


def test_a_folder_of_something_else_is_refused_and_described(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("sun")
    with pytest.raises(DatasetError, match=r"with holiday.txt"):
        import_dataset(tmp_path)


def test_loose_pictures_are_no_data_set(tmp_path: Path) -> None:
    write_picture(tmp_path / "1.png", 1)
    with pytest.raises(DatasetError, match=r"with 1.png"):
        import_dataset(tmp_path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"the file 1\.png"):
        import_dataset(write_picture(tmp_path / "1.png", 1))


def test_an_unknown_layout_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=", ".join(LAYOUTS)):
        import_dataset(tmp_path, layout="parquet")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_refuses_an_empty_folder_in_its_own_words(tmp_path: Path, layout: str) -> None:
    with pytest.raises(DatasetError, match=r"Expected .* Received"):
        import_dataset(tmp_path, layout=layout)


def test_class_folders_in_a_wrapping_folder_are_found(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "download" / "archive", {"Normal": 1, "Hemorrhage": 1})
    assert len(import_dataset(tmp_path)) == 2


def test_words() -> None:
    assert [label_of(word) for word in (" Normal ", "BLEED", "1.0", 0, "tumour", 7)] == [0, 1, 1, 0, None, None]
    assert [split_of(word) for word in ("Training Data", "VAL", "holdout", "normal")] == [
        "train",
        "validation",
        "test",
        None,
    ]
    assert [subtype_of(word) for word in ("SDH", "Epidural hematoma", "bleed")] == ["subdural", "epidural", None]
    assert sorted(["b10", "b9", "a"], key=natural_key) == ["a", "b9", "b10"]
