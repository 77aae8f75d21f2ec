"""Prepared images on disk: right rows, made once, taken up where they were left, never stale."""

from pathlib import Path

import numpy as np
import pytest

from hemo.ct.preparation import Preparation
from hemo.data import prepared
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest
from hemo.data.prepared import cache_key, prepared_images, prepared_set
from hemo.errors import DatasetError
from tests.data.pictures import write_class_folders, write_picture

PREPARATION = Preparation("whole", 32)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return import_dataset(write_class_folders(tmp_path / "set", {"Normal": 5, "Hemorrhage": 4}))


def broken(manifest: Manifest, row: int) -> None:
    """A JPEG's beginning and end with nothing between: past the importer, but not past the decoder."""
    manifest.file(row).write_bytes(b"\xff\xd8\xff\xe0" + bytes(300) + b"\xff\xd9")


def test_rows_are_what_the_preparation_makes_of_each_slice(manifest: Manifest, tmp_path: Path) -> None:
    images = prepared_images(manifest, PREPARATION, tmp_path / "cache")
    assert images.shape == (9, 32, 32)
    assert images.dtype == np.uint8
    for row in range(9):
        assert np.array_equal(images[row], PREPARATION.apply(manifest.read(row)).image)


def test_a_second_call_decodes_nothing(manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = np.array(prepared_images(manifest, PREPARATION, tmp_path / "cache"))
    monkeypatch.setattr(Manifest, "read", lambda self, i: pytest.fail("decoded again"))
    assert np.array_equal(prepared_images(manifest, PREPARATION, tmp_path / "cache"), first)


def test_the_result_cannot_be_written(manifest: Manifest, tmp_path: Path) -> None:
    images = prepared_images(manifest, PREPARATION, tmp_path / "cache")
    with pytest.raises(ValueError, match="read-only"):
        images[0, 0, 0] = 1


def test_the_key_knows_content_order_and_preparation_but_not_the_split(manifest: Manifest) -> None:
    key = cache_key(manifest, PREPARATION)
    assert cache_key(manifest.with_split(["train"] * 9), PREPARATION) == key
    assert cache_key(manifest.subset(np.arange(9)[::-1]), PREPARATION) != key
    assert cache_key(manifest, Preparation("whole", 33)) != key
    write_picture(manifest.file(0), 77)
    assert cache_key(manifest, PREPARATION) != key


def test_what_was_cut_short_is_taken_up_again(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "_CHUNK", 3)
    seen: list[int] = []

    def stop_at_six(done: int, total: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared_images(manifest, PREPARATION, tmp_path / "cache", stop_at_six)
    read = Manifest.read
    monkeypatch.setattr(Manifest, "read", lambda self, i: seen.append(i) or read(self, i))
    images = prepared_images(manifest, PREPARATION, tmp_path / "cache")
    assert sorted(seen) == [6, 7, 8]
    assert np.array_equal(images[0], PREPARATION.apply(read(manifest, 0)).image)
    assert sorted(file.suffix for file in (tmp_path / "cache").iterdir()) == [".json", ".npy"]


def test_progress_counts_up_to_all(manifest: Manifest, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    prepared_images(manifest, PREPARATION, tmp_path / "cache", lambda done, total: seen.append((done, total)))
    assert seen[-1] == (9, 9)
    assert seen == sorted(seen)


def test_a_file_that_cannot_be_decoded_is_left_out_and_named(manifest: Manifest, tmp_path: Path) -> None:
    broken(manifest, 4)
    result = prepared_set(manifest, PREPARATION, tmp_path / "cache")
    assert len(result.manifest) == len(result.images) == 8
    assert [problem.path for problem in result.unreadable] == [manifest.frame["path"][4]]
    assert result.manifest.problems[-1] == result.unreadable[0]
    assert np.array_equal(result.images[4], PREPARATION.apply(manifest.read(5)).image)
    again = prepared_set(manifest, PREPARATION, tmp_path / "cache")
    assert again.unreadable == result.unreadable


def test_asked_for_every_row_it_refuses_and_names_the_file(manifest: Manifest, tmp_path: Path) -> None:
    broken(manifest, 4)
    with pytest.raises(DatasetError, match=r"Expected 9 readable slices. Received: 1 that are not \(.*png\)"):
        prepared_images(manifest, PREPARATION, tmp_path / "cache")


def test_a_set_without_any_readable_slice_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    for row in range(9):
        broken(manifest, row)
    with pytest.raises(DatasetError, match="none of 9"):
        prepared_set(manifest, PREPARATION, tmp_path / "cache")
