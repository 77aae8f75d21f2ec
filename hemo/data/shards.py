"""Prepared images in shards: many files of bounded size that index like one array and are never in memory as a whole.

Rows are read with `pread` into arrays of their own, not through a memory map: pages of a map that were touched count as
this process's resident memory until the system takes them back, so that an epoch over a large set would look, and on a
machine with a memory limit be treated, as if it held the set.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hemo.errors import DatasetError

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ShardedImages:
    """uint8 images (N, S, S) on disk, read-only; `images[rows]` reads those rows and nothing else.

    Takes what a NumPy array takes as first index: a number, a slice, numbers in any order, or bools; further indices
    apply to what was read. May be used from many threads and sent to other processes.

    Args:
        paths: one uncompressed .npy file a shard, each of `per_shard` images but the last.
        per_shard: images a shard.
        stored: images in all shards.
        side: S, pixels.
        rows: which of the stored images this object shows, int64 (N,); None for all of them, in order.
    """

    paths: tuple[Path, ...]
    per_shard: int
    stored: int
    side: int
    rows: Rows | None = None

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __len__(self) -> int:
        return self.stored if self.rows is None else len(self.rows)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, S, S)."""
        return len(self), self.side, self.side

    def __getitem__(self, key: Any) -> npt.NDArray[np.uint8]:
        """Read what the key names into an array of its own.

        Raises:
            IndexError: a row is out of range.
            DatasetError: a shard is gone or damaged.
        """
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) else (key, ())
        if isinstance(first, int | np.integer):
            image = self._read(self._numbers([int(first)]))[0]
            return image[rest] if rest else image
        images = self._read(self._numbers(first))
        return images[(slice(None), *rest)] if rest else images

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """All of them in memory."""
        if copy is False:
            raise ValueError("Expected copy=None or True, because images on disk must be read. Received: copy=False")
        images = self[:]
        return images if dtype is None else images.astype(dtype)

    def _numbers(self, key: slice | Sequence[int] | npt.NDArray[Any]) -> Rows:
        """Stored numbers of the rows that a key names, int64 (n,)."""
        n = len(self)
        if isinstance(key, slice):
            numbers = np.arange(*key.indices(n), dtype=np.int64)
        else:
            asked = np.asarray(key)
            if asked.dtype == bool and asked.shape != (n,):
                raise IndexError(f"Expected {n} bools. Received: shape {asked.shape}")
            numbers = np.flatnonzero(asked) if asked.dtype == bool else asked.astype(np.int64)
        if numbers.ndim != 1:
            raise IndexError(f"Expected row numbers in one dimension. Received: shape {numbers.shape}")
        if numbers.size and not -n <= numbers.min() <= numbers.max() < n:
            raise IndexError(f"Expected row numbers below {n}. Received: {numbers.min()} to {numbers.max()}")
        numbers = np.where(numbers < 0, numbers + n, numbers)
        return numbers if self.rows is None else self.rows[numbers]

    def _read(self, numbers: Rows) -> npt.NDArray[np.uint8]:
        images = np.empty((len(numbers), self.side, self.side), np.uint8)
        if not len(numbers):
            return images
        # Neighbors in one shard come in one read.
        breaks = (np.diff(numbers) != 1) | (np.diff(numbers // self.per_shard) != 0)
        starts = np.concatenate([[0], np.flatnonzero(breaks) + 1])
        for start, stop in zip(starts, [*starts[1:], len(numbers)], strict=True):
            shard, row = divmod(int(numbers[start]), self.per_shard)
            _read_rows(self.paths[shard], row, images[start:stop])
        return images


def shard_size(rows: int, side: int) -> int:
    """Bytes of a shard file of `rows` images of `side` × `side` pixels."""
    return len(shard_header(rows, side)) + rows * side * side


def shard_header(rows: int, side: int) -> bytes:
    """What stands before the pixels: the header of NumPy's file format 1.0, padded to 128 bytes."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({rows}, {side}, {side}), }}"
    prefix = b"\x93NUMPY\x01\x00"
    length = _HEADER - len(prefix) - 2
    return prefix + length.to_bytes(2, "little") + text.ljust(length - 1).encode("ascii") + b"\n"


# One length for every shard, so that a row's place follows from its number alone.
_HEADER = 128


def _read_rows(path: Path, row: int, into: npt.NDArray[np.uint8]) -> None:
    """Fill `into` (n, S, S), contiguous, from row `row` of a shard on."""
    view = into.data.cast("B")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise DatasetError(
            f"Expected the prepared images in {path.parent}, which are made again at the next start. "
            f"Received: {error.strerror}"
        ) from error
    try:
        offset = _HEADER + row * into[0].nbytes
        while view:
            got = os.preadv(descriptor, [view], offset)
            if not got:
                raise DatasetError(f"Expected a whole shard of prepared images. Received: {path}, which is cut short")
            view, offset = view[got:], offset + got
    finally:
        os.close(descriptor)
