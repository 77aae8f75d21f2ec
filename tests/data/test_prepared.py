"""Prepared images on disk: right rows, made once, taken up where they were left, never stale."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from hemo.ct.preparation import Preparation
from hemo.data import prepared
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest
from hemo.data.prepared import cache_key, is_prepared, prepared_images, prepared_set
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
    with pytest.raises(TypeError, match="item assignment"):
        images[0, 0, 0] = 1


def test_the_key_knows_content_order_and_preparation_but_not_the_split(manifest: Manifest) -> None:
    key = cache_key(manifest, PREPARATION)
    assert cache_key(manifest.with_split(["train"] * 9), PREPARATION) == key
    assert cache_key(manifest.subset(np.arange(9)[::-1]), PREPARATION) != key
    assert cache_key(manifest, Preparation("whole", 33)) != key
    write_picture(manifest.file(0), 77)
    assert cache_key(manifest, PREPARATION) != key


def test_a_preparation_that_was_killed_goes_on_after_the_last_whole_shard(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "SHARD", 4)
    monkeypatch.setattr(prepared, "_CHUNK", 2)
    expected = [PREPARATION.apply(manifest.read(row)).image for row in range(9)]
    broken(manifest, 1)
    seen: list[int] = []

    def stop_at_six(done: int, total: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared_set(manifest, PREPARATION, tmp_path / "cache", stop_at_six)
    assert not is_prepared(manifest, PREPARATION, tmp_path / "cache")
    (entry,) = (tmp_path / "cache").iterdir()
    (entry / ".shard-00001.npy.99.part").write_bytes(b"left by a killed process")
    read = Manifest.read
    monkeypatch.setattr(Manifest, "read", lambda self, i: seen.append(i) or read(self, i))
    result = prepared_set(manifest, PREPARATION, tmp_path / "cache")
    assert sorted(seen) == [4, 5, 6, 7, 8]
    assert np.array_equal(result.images, [expected[row] for row in range(9) if row != 1])
    assert [problem.path for problem in result.unreadable] == [manifest.frame["path"][1]]
    names = [".lock", "entry.json", *(f"shard-0000{number}.npy" for number in range(3))]
    assert sorted(file.name for file in entry.iterdir()) == names


@pytest.mark.parametrize("damage", ["gone", "cut short"])
def test_a_damaged_shard_is_made_again_and_alone(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr(prepared, "SHARD", 4)
    first = np.array(prepared_images(manifest, PREPARATION, tmp_path / "cache"))
    shard = next((tmp_path / "cache").glob("*/shard-00001.npy"))
    if damage == "gone":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:-1])
    assert np.array_equal(prepared_images(manifest, PREPARATION, tmp_path / "cache"), first)


def test_shards_are_numpy_files(manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "SHARD", 4)
    images = prepared_images(manifest, PREPARATION, tmp_path / "cache")
    shards = [np.load(path) for path in sorted((tmp_path / "cache").glob("*/*.npy"))]
    assert [len(shard) for shard in shards] == [4, 4, 1]
    assert np.array_equal(np.concatenate(shards), images)


def test_a_disk_without_room_is_refused_before_anything_is_decoded(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    monkeypatch.setattr(Manifest, "read", lambda self, i: pytest.fail("decoded"))
    with pytest.raises(DatasetError, match=r"Expected 34 MB of free disk in .* for 9 prepared slices;.*Received: 1 MB"):
        prepared_images(manifest, PREPARATION, tmp_path / "cache")


def test_a_disk_that_fills_meanwhile_is_one_sentence_and_keeps_whole_shards(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "SHARD", 4)
    fsync, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 4:  # a shard and its notes, each with its folder
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DatasetError, match=r"whole shards are kept, .* Received: No space left on device"):
        prepared_images(manifest, PREPARATION, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").glob("*/*.npy")] == ["shard-00000.npy"]
    monkeypatch.setattr(os, "fsync", fsync)
    assert len(prepared_images(manifest, PREPARATION, tmp_path / "cache")) == 9


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


def test_the_readable_rows_are_found_by_themselves_without_a_copy(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(manifest, 4)
    result = prepared_set(manifest, PREPARATION, tmp_path / "cache")
    monkeypatch.setattr(Manifest, "read", lambda self, i: pytest.fail("decoded again"))
    assert is_prepared(result.manifest, PREPARATION, tmp_path / "cache")
    alone = prepared_images(result.manifest, PREPARATION, tmp_path / "cache")
    assert np.array_equal(alone, result.images)
    assert len(list((tmp_path / "cache").glob("*/*.npy"))) == 1


def test_asked_for_every_row_it_refuses_and_names_the_file(manifest: Manifest, tmp_path: Path) -> None:
    broken(manifest, 4)
    with pytest.raises(DatasetError, match=r"Expected 9 readable slices. Received: 1 that are not \(.*png\)"):
        prepared_images(manifest, PREPARATION, tmp_path / "cache")


def test_a_set_without_any_readable_slice_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    for row in range(9):
        broken(manifest, row)
    with pytest.raises(DatasetError, match="none of 9"):
        prepared_set(manifest, PREPARATION, tmp_path / "cache")
