"""Class folders in the spellings people use."""

from pathlib import Path

import pytest

from hemo.data.importers import import_dataset
from hemo.errors import DatasetError
from tests.data.pictures import write_class_folders, write_picture


@pytest.mark.parametrize(
    ("normal", "hemorrhage"),
    [
        ("Normal", "Hemorrhage"),
        ("NORMAL", "Haemorrhage"),
        ("Without Hemorrhage", "With Hemorrhage"),
        ("no_hemorrhage", "hemorrhagic"),
        ("0", "1"),
        ("negative", "ICH"),
    ],
)
def test_spellings(tmp_path: Path, normal: str, hemorrhage: str) -> None:
    manifest = import_dataset(write_class_folders(tmp_path, {normal: 2, hemorrhage: 3}))
    assert sorted(manifest.labels.tolist()) == [0, 0, 1, 1, 1]
    assert all((tmp_path / path).parent.name == hemorrhage for path in manifest.frame.query("label == 1")["path"])


@pytest.mark.parametrize(
    ("folder", "split"),
    [("train", "train"), ("Training", "train"), ("val", "validation"), ("Valid", "validation"), ("TEST", "test")],
)
def test_a_split_level_above(tmp_path: Path, folder: str, split: str) -> None:
    write_class_folders(tmp_path, {f"{folder}/Normal": 1, f"{folder}/Hemorrhage": 1})
    assert set(import_dataset(tmp_path).frame["split"]) == {split}


def test_folders_inside_a_class_are_patients(tmp_path: Path) -> None:
    manifest = import_dataset(write_class_folders(tmp_path, {"Normal/p1": 2, "Normal/p2": 1, "Hemorrhage/p3": 2}))
    assert manifest.group_kind == "patient"
    assert manifest.groups.tolist() == ["p3", "p3", "p1", "p1", "p2"]


def test_without_patients_each_file_counts_alone_and_the_user_is_told(tmp_path: Path) -> None:
    manifest = import_dataset(write_class_folders(tmp_path, {"Normal": 2, "Hemorrhage": 2}))
    assert manifest.group_kind == "file"
    assert manifest.frame["group"].nunique() == 4
    assert [problem.kind for problem in manifest.problems] == ["no_groups"]


def test_a_pattern_finds_patients_in_file_names(tmp_path: Path) -> None:
    for number, name in enumerate(("Normal/p1_1", "Normal/p1_2", "Hemorrhage/p2_1")):
        write_picture(tmp_path / f"{name}.png", number)
    manifest = import_dataset(tmp_path, group_pattern=r"^(p\d+)_")
    assert manifest.groups.tolist() == ["p2", "p1", "p1"]
    assert manifest.problems == ()


def test_a_pattern_that_is_none_is_refused(tmp_path: Path) -> None:
    write_class_folders(tmp_path, {"Normal": 1, "Hemorrhage": 1})
    with pytest.raises(DatasetError, match=r"regular expression .* Received: '\('"):
        import_dataset(tmp_path, group_pattern="(")


def test_subtype_folders_are_hemorrhage_of_that_subtype(tmp_path: Path) -> None:
    frame = import_dataset(write_class_folders(tmp_path, {"Normal": 1, "SDH": 1, "epidural": 1})).frame
    assert frame["label"].sum() == 2
    assert frame.loc[frame["subdural"], "path"].tolist() == ["SDH/0.png"]
    assert frame.loc[frame["epidural"], "path"].tolist() == ["epidural/0.png"]


def test_masks_and_other_files_stay_out(tmp_path: Path) -> None:
    write_class_folders(tmp_path, {"Normal": 1, "Hemorrhage": 1})
    write_picture(tmp_path / "Hemorrhage/0_HGE_Seg.png", 9)
    (tmp_path / "Hemorrhage/notes.txt").write_text("hello")
    assert len(import_dataset(tmp_path)) == 2


def test_a_class_without_images_is_a_problem_and_the_rest_is_used(tmp_path: Path) -> None:
    manifest = import_dataset(write_class_folders(tmp_path, {"Normal": 3, "Hemorrhage": 0}))
    assert len(manifest) == 3
    details = [problem.detail for problem in manifest.problems if problem.kind == "empty_class"]
    assert "Expected images in the class folder Hemorrhage. Received: none." in details
    assert "Expected slices of both classes. Received: 0 Hemorrhage and 3 Normal." in details


def test_one_patient_only_is_a_problem_and_the_rest_is_used(tmp_path: Path) -> None:
    manifest = import_dataset(write_class_folders(tmp_path, {"Normal/p1": 2, "Hemorrhage/p1": 1}))
    assert len(manifest) == 3
    assert [problem.kind for problem in manifest.problems] == ["one_group"]


@pytest.mark.parametrize(
    ("content", "received"),
    [(b"", "an empty file"), (b"plain text, no picture", "another kind"), (b"PK\x03\x04" + bytes(200), "a zip file")],
)
def test_what_is_no_picture_is_named_and_the_rest_is_used(tmp_path: Path, content: bytes, received: str) -> None:
    write_class_folders(tmp_path, {"Normal": 2, "Hemorrhage": 2})
    (tmp_path / "Normal/broken.png").write_bytes(content)
    manifest = import_dataset(tmp_path)
    assert len(manifest) == 4
    problem = next(problem for problem in manifest.problems if problem.kind == "unreadable")
    assert problem.path == "Normal/broken.png"
    assert received in problem.detail


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_picture_cut_short_is_named_and_the_rest_is_used(tmp_path: Path, suffix: str) -> None:
    write_class_folders(tmp_path, {"Normal": 2, "Hemorrhage": 2}, suffix=suffix)
    whole = (tmp_path / f"Normal/0{suffix}").read_bytes()
    (tmp_path / f"Normal/0{suffix}").write_bytes(whole[: len(whole) // 2])
    manifest = import_dataset(tmp_path)
    assert len(manifest) == 3
    assert [p.path for p in manifest.problems if p.kind == "unreadable"] == [f"Normal/0{suffix}"]
    assert any("cut short" in problem.detail for problem in manifest.problems)


def test_the_order_is_natural(tmp_path: Path) -> None:
    manifest = import_dataset(write_class_folders(tmp_path, {"Normal": 12, "Hemorrhage": 1}))
    assert manifest.frame.query("label == 0")["slice"].tolist() == [str(number) for number in range(12)]
