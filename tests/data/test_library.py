"""The list of known data sets: kept, replaced, opened, forgotten, and damaged ones passed over."""

from pathlib import Path

import pytest

from hemo.data.importers import import_dataset
from hemo.data.library import dataset_path, forget_dataset, keep_dataset, known_datasets, open_dataset
from hemo.data.manifest import Manifest
from hemo.errors import DatasetError
from tests.data.pictures import write_class_folders


def make(root: Path, seed: int = 0) -> Manifest:
    return import_dataset(write_class_folders(root, {"Normal/p1": 2, "Hemorrhage/p2": 1}, seed))


def test_what_was_kept_is_listed_and_opened(tmp_path: Path) -> None:
    manifest = make(tmp_path / "My Set")
    name = keep_dataset(manifest, tmp_path / "known")
    assert name == "my-set"
    (entry,) = known_datasets(tmp_path / "known")
    assert (entry.title, entry.slices, entry.positives, entry.groups) == ("My Set", 3, 1, 2)
    assert open_dataset(name, tmp_path / "known").fingerprint() == manifest.fingerprint()
    assert import_dataset(dataset_path(name, tmp_path / "known")).fingerprint() == manifest.fingerprint()


def test_the_same_place_again_replaces_and_another_of_that_name_does_not(tmp_path: Path) -> None:
    known = tmp_path / "known"
    assert [keep_dataset(make(tmp_path / "a/set"), known) for _ in range(2)] == ["set", "set"]
    assert keep_dataset(make(tmp_path / "b/set", seed=50), known) == "set-2"
    assert len(known_datasets(known)) == 2


def test_a_set_made_inside_the_library_stays_where_it_is(tmp_path: Path) -> None:
    manifest = make(tmp_path / "known/phantom")
    manifest.save()
    assert keep_dataset(manifest, tmp_path / "known") == "phantom"
    assert len(known_datasets(tmp_path / "known")) == 1


def test_forgetting_an_import_leaves_its_slices(tmp_path: Path) -> None:
    name = keep_dataset(make(tmp_path / "set"), tmp_path / "known")
    forget_dataset(name, tmp_path / "known")
    assert known_datasets(tmp_path / "known") == []
    assert len(list((tmp_path / "set").rglob("*.png"))) == 3


def test_a_damaged_entry_does_not_hide_the_others(tmp_path: Path) -> None:
    name = keep_dataset(make(tmp_path / "set"), tmp_path / "known")
    (tmp_path / "known/broken").mkdir()
    (tmp_path / "known/broken/manifest.json").write_text("{")
    assert [entry.name for entry in known_datasets(tmp_path / "known")] == [name]


@pytest.mark.parametrize("name", ["nothing", "../set", ""])
def test_a_name_that_is_not_known_is_refused(tmp_path: Path, name: str) -> None:
    keep_dataset(make(tmp_path / "set"), tmp_path / "known")
    with pytest.raises(DatasetError, match=r"Expected a known data set \(set\)"):
        open_dataset(name, tmp_path / "known")
