"""Prepared images on disk: each slice is decoded and prepared once, and every epoch after that reads a memory map.

A cache entry is named for the contents it was made of: a changed file makes another entry, never a stale one.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from hemo.atomic import write_atomically, write_json_atomically
from hemo.ct.preparation import Preparation
from hemo.data.manifest import Manifest, Problem
from hemo.errors import DatasetError, HemoError

Progress = Callable[[int, int], None]

# Raise when `Preparation.apply` changes what it makes of the same slice, so that old entries are not taken for new.
CACHE_VERSION = 1
_CHUNK = 64


@dataclass(frozen=True)
class PreparedSet:
    """The readable slices of a data set as a network takes them.

    Attributes:
        manifest: the rows that could be read, in order, with a problem noted for each other one.
        images: uint8 (N, S, S), read-only, in the manifest's row order.
        unreadable: the rows that were left out, each with one sentence.
    """

    manifest: Manifest
    images: npt.NDArray[np.uint8]
    unreadable: tuple[Problem, ...]


def prepared_images(
    manifest: Manifest, preparation: Preparation, cache_dir: Path, progress: Progress | None = None
) -> np.memmap:
    """Every slice of a data set, prepared; from the cache where it was prepared before.

    Args:
        manifest: the set.
        preparation: how a slice becomes a square image.
        cache_dir: where entries are kept; an entry may be deleted at any time when nobody reads it.
        progress: called with (done, total) now and then, from this thread.

    Returns:
        uint8 (N, S, S), read-only, in the manifest's row order.

    Raises:
        DatasetError: a slice cannot be read; names the files. `prepared_set` leaves them out instead.
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
        DatasetError: not one slice can be read.
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
    _keep_as_entry(kept, preparation, Path(cache_dir), images[keep])
    return PreparedSet(kept, _entry(kept, preparation, Path(cache_dir), None)[0], problems)


def is_prepared(manifest: Manifest, preparation: Preparation, cache_dir: Path) -> bool:
    """Whether every slice lies prepared in the cache, so that nothing would be decoded."""
    key = cache_key(manifest, preparation)
    return all((Path(cache_dir) / f"{key}{suffix}").is_file() for suffix in (".npy", ".json"))


def cache_key(manifest: Manifest, preparation: Preparation) -> str:
    """Name of the cache entry: of the contents in row order and of the preparation; labels and splits do not matter."""
    parts = [str(CACHE_VERSION), json.dumps(preparation.to_json(), sort_keys=True), *manifest.digests()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _entry(
    manifest: Manifest, preparation: Preparation, cache_dir: Path, progress: Progress | None
) -> tuple[np.memmap, dict[int, str]]:
    """The memory map of an entry and what could not be read, by row; made first where it is not there."""
    cache_dir.mkdir(parents=True, exist_ok=True)
    key = cache_key(manifest, preparation)
    images, about = cache_dir / f"{key}.npy", cache_dir / f"{key}.json"
    if not (images.is_file() and about.is_file()):
        with _only_one(cache_dir / f"{key}.lock"):
            if not (images.is_file() and about.is_file()):  # another process may have made it while this one waited
                _make(manifest, preparation, images, about, progress)
    if progress is not None:
        progress(len(manifest), len(manifest))
    unreadable = {int(row): reason for row, reason in json.loads(about.read_text("utf-8"))["unreadable"].items()}
    return np.lib.format.open_memmap(images, mode="r"), unreadable


def _keep_as_entry(
    manifest: Manifest, preparation: Preparation, cache_dir: Path, images: npt.NDArray[np.uint8]
) -> None:
    """Make an entry of the readable rows alone, so that the set without the others is not decoded again."""
    if is_prepared(manifest, preparation, cache_dir):
        return
    key = cache_key(manifest, preparation)
    write_atomically(cache_dir / f"{key}.npy", lambda stream: np.save(stream, images))
    write_json_atomically(cache_dir / f"{key}.json", _about(preparation, len(manifest), {}))


def _about(preparation: Preparation, n: int, unreadable: dict[int, str]) -> dict[str, object]:
    return {"preparation": preparation.to_json(), "n": n, "unreadable": unreadable}


def _make(manifest: Manifest, preparation: Preparation, images: Path, about: Path, progress: Progress | None) -> None:
    """Prepare row by row into a partial file that a later call goes on with, then move it into place as a whole."""
    partial, state = images.with_suffix(".part"), images.with_suffix(".state")
    shape = (len(manifest), preparation.size, preparation.size)
    done, unreadable = _resume(partial, state, shape)
    target = np.lib.format.open_memmap(partial, mode="r+" if done else "w+", dtype=np.uint8, shape=shape)

    def one(row: int) -> npt.NDArray[np.uint8] | str:
        try:
            return preparation.apply(manifest.read(row)).image
        except HemoError as error:
            return str(error)

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        for start in range(done, len(manifest), _CHUNK):
            rows = range(start, min(start + _CHUNK, len(manifest)))
            for row, result in zip(rows, pool.map(one, rows), strict=True):
                if isinstance(result, str):
                    unreadable[row] = result
                else:
                    target[row] = result
            target.flush()
            write_json_atomically(state, {"done": rows.stop, "unreadable": unreadable})
            if progress is not None:
                progress(rows.stop, len(manifest))
    del target
    write_json_atomically(about, _about(preparation, shape[0], unreadable))
    partial.replace(images)
    state.unlink(missing_ok=True)


def _resume(partial: Path, state: Path, shape: tuple[int, ...]) -> tuple[int, dict[int, str]]:
    """How many rows a partial file already holds, and what of them could not be read."""
    try:
        saved = json.loads(state.read_text("utf-8"))
        if np.lib.format.open_memmap(partial, mode="r").shape == shape:
            return int(saved["done"]), {int(row): reason for row, reason in saved["unreadable"].items()}
    except (OSError, ValueError, KeyError):
        pass
    return 0, {}


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Let one process at a time make an entry; where the system has no file locks, two make the same thing twice."""
    with path.open("w") as stream:
        _lock(stream)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _lock(stream: IO[str]) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    fcntl.flock(stream, fcntl.LOCK_EX)
