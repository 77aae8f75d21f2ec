"""The manifest: values checked, saved and read back whole, identity by content."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemo.data.importers import import_dataset
from hemo.data.manifest import MANIFEST_CSV, MANIFEST_JSON, Manifest, Problem, build_frame
from hemo.errors import DatasetError, UnreadableImage
from tests.data.pictures import head_picture, write_class_folders, write_picture


def row(path: str, label: int = 0, group: str = "a", **more: object) -> dict[str, object]:
    basics = {"path": path, "label": label, "group": group, "group_kind": "patient", "slice": Path(path).stem}
    return {**basics, "split": "", **more}


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    for seed, name in enumerate(("a/1.png", "a/2.png", "b/1.png")):
        write_picture(tmp_path / name, seed)
    rows = [
        row("a/1.png", 1, "007", subdural=True, boxes=[(0.5, 0.25, 0.1, 0.2)], mask_path="a/1_mask.png"),
        row("a/2.png", 0, "007"),
        row("b/1.png", 0, "b, the second"),
    ]
    problem = Problem("c.png", "missing", "Expected a file.")
    return Manifest(build_frame(rows), tmp_path, "Set", "here", "CC0", "Nobody 2026", (problem,))


def test_a_row_is_read_as_a_slice(manifest: Manifest) -> None:
    assert np.array_equal(manifest.read(1).grey(), head_picture(1))


def test_a_file_that_has_gone_is_named_as_unreadable(manifest: Manifest) -> None:
    (manifest.root / "a/2.png").unlink()
    with pytest.raises(UnreadableImage, match="Expected"):
        manifest.read(1)


def test_saving_and_loading_gives_the_same_set(manifest: Manifest, tmp_path: Path) -> None:
    manifest.save(tmp_path / "elsewhere")
    back = Manifest.load(tmp_path / "elsewhere")
    pd.testing.assert_frame_equal(back.frame, manifest.frame, check_dtype=False)
    assert back.frame["group"].tolist() == ["007", "007", "b, the second"]
    assert (back.root, back.name, back.licence, back.problems) == (
        manifest.root.resolve(),
        manifest.name,
        manifest.licence,
        manifest.problems,
    )
    assert back.fingerprint() == manifest.fingerprint()


def test_a_set_saved_beside_its_slices_can_be_moved(manifest: Manifest, tmp_path: Path) -> None:
    manifest.save()
    moved = tmp_path.parent / f"{tmp_path.name}-moved"
    tmp_path.rename(moved)
    assert Manifest.load(moved).read(0).shape == (96, 96)


def test_the_fingerprint_knows_content_labels_and_groups_but_neither_order_nor_split(manifest: Manifest) -> None:
    first = manifest.fingerprint()
    assert manifest.subset([2, 0, 1]).fingerprint() == first
    assert manifest.with_split(["train", "test", "test"]).fingerprint() == first
    assert Manifest(manifest.frame.assign(label=0), manifest.root, "Set").fingerprint() != first
    assert Manifest(manifest.frame.assign(group="x"), manifest.root, "Set").fingerprint() != first
    write_picture(manifest.root / "a/2.png", 99)
    assert manifest.fingerprint() != first


def test_a_subset_takes_a_mask_or_row_numbers(manifest: Manifest) -> None:
    by_mask, by_rows = manifest.subset(manifest.labels == 0), manifest.subset(np.array([1, 2]))
    assert by_mask.frame["path"].tolist() == by_rows.frame["path"].tolist() == ["a/2.png", "b/1.png"]
    assert by_mask.frame.index.tolist() == [0, 1]


def test_counts_go_by_split_then_class(manifest: Manifest) -> None:
    counts = manifest.with_split(["test", "train", "train"]).counts()
    assert counts.to_dict("list") == {
        "split": ["train", "test"],
        "label": [0, 1],
        "slices": [2, 1],
        "groups": [2, 1],
    }


@pytest.mark.parametrize(("column", "value"), [("label", 2), ("split", "eval"), ("group_kind", "hospital")])
def test_unknown_values_are_refused(manifest: Manifest, column: str, value: object) -> None:
    with pytest.raises(DatasetError, match=rf"Expected {column} .* Received: .*{value}"):
        Manifest(manifest.frame.assign(**{column: value}), manifest.root, "Set")


def test_a_missing_column_is_named(manifest: Manifest) -> None:
    with pytest.raises(DatasetError, match="Received: no group"):
        Manifest(manifest.frame.drop(columns="group"), manifest.root, "Set")


@pytest.mark.parametrize("damage", ["no json", "not json", "no name column", "no root"])
def test_a_damaged_manifest_is_refused_in_one_sentence(manifest: Manifest, tmp_path: Path, damage: str) -> None:
    folder = manifest.save(tmp_path / "kept").parent
    if damage == "no json":
        (folder / MANIFEST_JSON).unlink()
    elif damage == "not json":
        (folder / MANIFEST_JSON).write_text("{")
    elif damage == "no root":
        about = json.loads((folder / MANIFEST_JSON).read_text())
        del about["root"]
        (folder / MANIFEST_JSON).write_text(json.dumps(about))
    else:
        (folder / MANIFEST_CSV).write_text("a,b\n1,2\n")
    with pytest.raises(DatasetError, match=r"Expected .* Received"):
        Manifest.load(folder)


def test_a_saved_set_is_imported_without_the_slices_that_have_gone(manifest: Manifest) -> None:
    manifest.save()
    (manifest.root / "a/2.png").unlink()
    again = import_dataset(manifest.root)
    assert again.frame["path"].tolist() == ["a/1.png", "b/1.png"]
    assert [problem.path for problem in again.problems] == ["c.png", "a/2.png"]


def test_a_saved_set_without_any_slice_left_is_refused(tmp_path: Path) -> None:
    kept = import_dataset(write_class_folders(tmp_path / "set", {"Normal": 1, "Hemorrhage": 1})).save(tmp_path / "kept")
    for file in (tmp_path / "set").rglob("*.png"):
        file.unlink()
    with pytest.raises(DatasetError, match="none of 2"):
        import_dataset(kept.parent)
