"""Prepared images on disk: each slice is decoded and prepared once, and every epoch after that reads the cache.

An entry is a folder of shards, named for the contents it was made of: a changed file makes another entry, never a stale
one. Shards appear whole or not at all, so that a preparation that was killed goes on after the last whole one; the
entry counts as made once its `entry.json` is there. Nothing here grows with the number of slices but their list.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from hemo.atomic import write_atomically, write_json_atomically
from hemo.ct.preparation import Preparation
from hemo.data.manifest import Manifest, Problem
from hemo.data.shards import ShardedImages, shard_header, shard_size
from hemo.errors import DatasetError, HemoError

Progress = Callable[[int, int], None]

# Raise when `Preparation.apply` changes what it makes of the same slice, so that old entries are not taken for new.
CACHE_VERSION = 2
SHARD = 2048
_CHUNK = 16  # slices between two reports of progress, at each of which a run may be stopped
_ENTRY = "entry.json"
# What a file system needs beside the images: lists, temporary names, and what others write meanwhile.
_SPARE_BYTES = 32 * 1024**2


@dataclass(frozen=True)
class PreparedSet:
    """The readable slices of a data set as a network takes them.

    Attributes:
        manifest: the rows that could be read, in order, with a problem noted for each other one.
        images: uint8 (N, S, S), read-only, in the manifest's row order.
        unreadable: the rows that were left out, each with one sentence.
    """

    manifest: Manifest
    images: ShardedImages
    unreadable: tuple[Problem, ...]


def prepared_images(
    manifest: Manifest, preparation: Preparation, cache_dir: Path, progress: Progress | None = None
) -> Any:
    """Every slice of a data set, prepared; from the cache where it was prepared before.

    Args:
        manifest: the set.
        preparation: how a slice becomes a square image.
        cache_dir: where entries are kept; an entry may be deleted at any time when nobody reads it.
        progress: called with (done, total) now and then, from this thread.

    Returns:
        `ShardedImages`, uint8 (N, S, S), read-only, in the manifest's row order; `numpy.asarray` reads all of them.

    Raises:
        DatasetError: a slice cannot be read; names the files. `prepared_set` leaves them out instead. Or the disk has
            no room for the images.
    """
    images, unreadable = _entry(manifest, preparation, Path(cache_dir), progress)
    if unreadable:
        first = unreadable[min(unreadable)]
        names = ", ".join(str(manifest.frame["path"].iloc[row]) for row in sorted(unreadable)[:3])
        raise DatasetError(
            f"Expected {len(manifest)} readable slices. Received: {len(unreadable)} that are not ({names}). {first}"
        )
    return images


def prepared_set(
    manifest: Manifest, preparation: Preparation, cache_dir: Path, progress: Progress | None = None
) -> PreparedSet:
    """Like `prepared_images`, but goes on without the slices that cannot be read.

    Raises:
        DatasetError: not one slice can be read, or the disk has no room for the images.
    """
    images, unreadable = _entry(manifest, preparation, Path(cache_dir), progress)
    if not unreadable:
        return PreparedSet(manifest, images, ())
    if len(unreadable) == len(manifest):
        raise DatasetError(f"Expected readable slices. Received: none of {len(manifest)}. {unreadable[0]}")
    problems = tuple(
        Problem(str(manifest.frame["path"].iloc[row]), "unreadable", reason)
        for row, reason in sorted(unreadable.items())
    )
    keep = np.ones(len(manifest), dtype=bool)
    keep[list(unreadable)] = False
    kept = replace(manifest.subset(keep), problems=(*manifest.problems, *problems))
    _name_readable_part(kept, preparation, Path(cache_dir), cache_key(manifest, preparation), sorted(unreadable))
    return PreparedSet(kept, replace(images, rows=np.flatnonzero(keep)), problems)


def is_prepared(manifest: Manifest, preparation: Preparation, cache_dir: Path) -> bool:
    """Whether every slice lies prepared in the cache, so that nothing would be decoded."""
    return _opened(Path(cache_dir), cache_key(manifest, preparation)) is not None


def cache_key(manifest: Manifest, preparation: Preparation) -> str:
    """Name of the cache entry: of the contents in row order and of the preparation; labels and splits do not matter."""
    digest = hashlib.sha256(f"{CACHE_VERSION}\n{json.dumps(preparation.to_json(), sort_keys=True)}".encode())
    for content in manifest.digests():
        digest.update(f"\n{content}".encode())
    return digest.hexdigest()[:32]


def _entry(
    manifest: Manifest, preparation: Preparation, cache_dir: Path, progress: Progress | None
) -> tuple[ShardedImages, dict[int, str]]:
    """The images of an entry and what could not be read, by row; made first where it is not there."""
    key = cache_key(manifest, preparation)
    entry = _opened(cache_dir, key)
    if entry is None:
        with _told_where_room_is_missing(cache_dir):
            (cache_dir / key).mkdir(parents=True, exist_ok=True)
            with _only_one(cache_dir / key / ".lock"):
                # Another process may have made it while this one waited.
                if _opened(cache_dir, key) is None:
                    _make(manifest, preparation, cache_dir / key, progress)
        entry = _opened(cache_dir, key)
        if entry is None:
            raise DatasetError(f"Expected the prepared images in {cache_dir / key}. Received: they were deleted")
    if progress is not None:
        progress(len(manifest), len(manifest))
    return entry


def _opened(cache_dir: Path, key: str) -> tuple[ShardedImages, dict[int, str]] | None:
    """A finished entry, or None where it is not there as a whole."""
    folder = cache_dir / key
    try:
        about = json.loads((folder / _ENTRY).read_text("utf-8"))
        if "part_of" in about:
            whole = _opened(cache_dir, about["part_of"])
            if whole is None:
                return None
            images = whole[0]
            return replace(images, rows=np.delete(np.arange(images.stored), about["without"])), {}
        n, per_shard, side = int(about["n"]), int(about["per_shard"]), int(about["side"])
        paths = tuple(_shard_path(folder, start // per_shard) for start in range(0, n, per_shard))
        for number, path in enumerate(paths):
            if not _is_whole(path, min(per_shard, n - number * per_shard), side):
                return None
        unreadable = {int(row): reason for row, reason in about["unreadable"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return ShardedImages(paths, per_shard, n, side), unreadable


def _name_readable_part(
    kept: Manifest, preparation: Preparation, cache_dir: Path, whole: str, without: list[int]
) -> None:
    """Let the readable rows be found by themselves, so that the set without the others is not decoded again; no copy.

    It saves time only: a disk that has no room for it stops nothing.
    """
    folder = cache_dir / cache_key(kept, preparation)
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
        write_json_atomically(folder / _ENTRY, {"part_of": whole, "n": len(kept), "without": without})


def _make(manifest: Manifest, preparation: Preparation, folder: Path, progress: Progress | None) -> None:
    """Prepare shard after shard; whole shards of an earlier call stay."""
    for leftover in folder.glob(".*.part"):  # of a process that was killed while it wrote
        leftover.unlink(missing_ok=True)
    n, side = len(manifest), preparation.size
    starts = range(0, n, SHARD)
    missing = [start for start in starts if not _is_done(folder, start // SHARD, min(SHARD, n - start), side)]
    _expect_room(folder, sum(shard_size(min(SHARD, n - start), side) for start in missing), n)
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        for start in starts:
            if start not in missing:
                continue
            shard = _Shard(manifest, preparation, range(start, min(start + SHARD, n)), pool, progress)
            write_atomically(_shard_path(folder, start // SHARD), shard.write)
            write_json_atomically(_notes_path(folder, start // SHARD), shard.unreadable)
    unreadable: dict[str, str] = {}
    for start in starts:
        unreadable |= json.loads(_notes_path(folder, start // SHARD).read_text("utf-8"))
    write_json_atomically(
        folder / _ENTRY,
        {"preparation": preparation.to_json(), "n": n, "per_shard": SHARD, "side": side, "unreadable": unreadable},
    )
    for start in starts:
        _notes_path(folder, start // SHARD).unlink(missing_ok=True)


class _Shard:
    """Some rows on their way into a shard; `unreadable` fills while it is written."""

    def __init__(
        self,
        manifest: Manifest,
        preparation: Preparation,
        rows: range,
        pool: ThreadPoolExecutor,
        progress: Progress | None,
    ) -> None:
        self._manifest = manifest
        self._preparation = preparation
        self._rows = rows
        self._pool = pool
        self._progress = progress
        self.unreadable: dict[int, str] = {}

    def write(self, file: BinaryIO) -> None:
        """Decode and prepare the rows, a few at a time in threads, and write them one behind the other."""
        side = self._preparation.size
        file.write(shard_header(len(self._rows), side))
        for start in range(0, len(self._rows), _CHUNK):
            rows = self._rows[start : start + _CHUNK]
            for row, result in zip(rows, self._pool.map(self._one, rows), strict=True):
                if isinstance(result, str):
                    self.unreadable[row] = result
                    file.write(bytes(side * side))
                else:
                    file.write(np.ascontiguousarray(result, np.uint8).data)
            if self._progress is not None:
                self._progress(rows.stop, len(self._manifest))

    def _one(self, row: int) -> npt.NDArray[np.uint8] | str:
        try:
            return self._preparation.apply(self._manifest.read(row)).image
        except HemoError as error:
            return str(error)


def _shard_path(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:05d}.npy"


def _notes_path(folder: Path, number: int) -> Path:
    """What could not be read of a shard, until the entry is made; written after the shard."""
    return folder / f"shard-{number:05d}.json"


def _is_done(folder: Path, number: int, rows: int, side: int) -> bool:
    return _notes_path(folder, number).is_file() and _is_whole(_shard_path(folder, number), rows, side)


def _is_whole(path: Path, rows: int, side: int) -> bool:
    try:
        return path.stat().st_size == shard_size(rows, side)
    except OSError:
        return False


def _expect_room(folder: Path, needed: int, n: int) -> None:
    """Refuse before the first slice is decoded what would fail hours later.

    Raises:
        DatasetError: the disk has less room than the images take.
    """
    free = shutil.disk_usage(folder).free
    if needed + _SPARE_BYTES > free:
        raise DatasetError(
            f"Expected {_size(needed + _SPARE_BYTES)} of free disk in {folder.parent} for {n:,} prepared slices; free "
            f"some, choose a smaller image or let HEMO_HOME name another disk. Received: {_size(free)}"
        )


@contextlib.contextmanager
def _told_where_room_is_missing(cache_dir: Path) -> Iterator[None]:
    """A full disk or a folder that cannot be written, in one sentence.

    Raises:
        DatasetError: for any such fault inside the block.
    """
    try:
        yield
    except OSError as error:
        raise DatasetError(
            f"Expected room and permission to write prepared images in {cache_dir}; whole shards are kept, so free "
            f"some space or allow writing, then start again. Received: {error.strerror or error}"
        ) from error


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Let one process at a time make an entry; the lock's file stays, or a third would lock a file of its own."""
    with path.open("w") as stream:
        _lock(stream)
        yield


def _lock(stream: IO[str]) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    fcntl.flock(stream, fcntl.LOCK_EX)
