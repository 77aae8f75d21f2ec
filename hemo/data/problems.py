"""A look at every file of a data set: which cannot be decoded, and which show the same picture as another.

A picture that stands under two patients, or on two sides of a split, makes a test worth less than it seems.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hemo.ct.preparation import Preparation
from hemo.data.manifest import LABEL_NAMES, Manifest, Problem
from hemo.data.prepared import Progress, is_prepared, prepared_set

NEAR = 0.985
"""Correlation of two 32x32 thumbnails from which slices of different groups count as one picture.

Measured on PhysioNet CT-ICH (2,501 slices, 82 patients): the most alike slices of two patients reach 0.975, while the
same slice saved as JPEG of quality 30, at 40 % of its size, with 30 % more contrast, gamma 0.7 or noise of 15 grey
levels stays above 0.991. A copy that was cropped or moved by more than a few pixels is not found.
"""

_THUMBNAIL = Preparation("whole", 64)
_FLAT = 4.0
"""Standard deviation in grey levels below which a thumbnail shows nothing that could be compared."""
_BLOCK = 512


@dataclass(frozen=True)
class Duplicate:
    """Two rows that show the same picture.

    Attributes:
        first, second: row numbers, first < second.
        kind: "duplicate" for the same bytes, "near_duplicate" for the same picture saved again or mirrored.
        similarity: 1 for the same bytes, else the correlation of the thumbnails.
    """

    first: int
    second: int
    kind: str
    similarity: float


@dataclass(frozen=True)
class FileCheck:
    """What a look at every file found.

    Attributes:
        manifest: the rows that could be decoded; row numbers of `duplicates` are its.
        unreadable: one problem a file that could not.
        duplicates: pairs, the most alike first; near ones only between different groups, where they are a leak.
    """

    manifest: Manifest
    unreadable: tuple[Problem, ...]
    duplicates: tuple[Duplicate, ...]

    def problems(self) -> list[Problem]:
        """Everything found, one sentence each."""
        return [*self.unreadable, *(_described(pair, self.manifest) for pair in self.duplicates)]


def check_files(manifest: Manifest, cache_dir: Path, progress: Progress | None = None) -> FileCheck:
    """Decode every slice and compare it with every other.

    Slices are decoded once; a second call, also in another session, takes their thumbnails from the cache.

    Args:
        manifest: the set.
        cache_dir: of prepared images.
        progress: called with (done, total) while decoding.

    Raises:
        DatasetError: not one slice can be decoded.
    """
    prepared = prepared_set(manifest, _THUMBNAIL, cache_dir, progress)
    exact = list(_same_bytes(prepared.manifest.digests()))
    known = {(pair.first, pair.second) for pair in exact}
    near = [
        pair
        for pair in same_pictures(np.asarray(prepared.images), prepared.manifest.groups)
        if (pair.first, pair.second) not in known
    ]
    return FileCheck(prepared.manifest, prepared.unreadable, (*exact, *near))


def is_checked(manifest: Manifest, cache_dir: Path) -> bool:
    """Whether every slice of the set was decoded before, so that `check_files` takes no time."""
    return is_prepared(manifest, _THUMBNAIL, cache_dir)


def same_pictures(thumbnails: npt.NDArray[np.uint8], groups: npt.NDArray[np.str_]) -> list[Duplicate]:
    """Slices of different groups that are one picture, mirrored or not, each with its best match only.

    Args:
        thumbnails: uint8 (N, 64, 64).
        groups: str (N,).

    Returns:
        Pairs, the most alike first.
    """
    straight, mirrored = _directions(thumbnails), _directions(thumbnails[:, :, ::-1])
    codes = np.unique(groups, return_inverse=True)[1]
    best: dict[tuple[int, int], float] = {}
    for start in range(0, len(thumbnails), _BLOCK):
        rows = slice(start, start + _BLOCK)
        alike = np.maximum(straight[rows] @ straight.T, straight[rows] @ mirrored.T)
        alike[codes[rows, None] == codes[None, :]] = -1.0
        match = alike.argmax(axis=1)
        for offset in np.flatnonzero(alike.max(axis=1) >= NEAR):
            pair = (int(start + offset), int(match[offset]))
            best[min(pair), max(pair)] = float(alike[offset, match[offset]])
    found = [Duplicate(first, second, "near_duplicate", value) for (first, second), value in best.items()]
    return sorted(found, key=lambda pair: (-pair.similarity, pair.first))


def _directions(thumbnails: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Thumbnails of half the size as unit vectors about their mean, float32 (N, 1024); flat ones become zero."""
    n, side = thumbnails.shape[0], thumbnails.shape[1] // 2
    small = thumbnails.reshape(n, side, 2, side, 2).mean(axis=(2, 4), dtype=np.float32).reshape(n, -1)
    small -= small.mean(axis=1, keepdims=True)
    flat = small.std(axis=1) < _FLAT
    small /= np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)
    small[flat] = 0
    return small


def _same_bytes(digests: list[str]) -> Iterator[Duplicate]:
    """Each row whose bytes an earlier row has too, with the first such row."""
    seen: dict[str, int] = {}
    for row, digest in enumerate(digests):
        if digest in seen:
            yield Duplicate(seen[digest], row, "duplicate", 1.0)
        else:
            seen[digest] = row


def _described(pair: Duplicate, manifest: Manifest) -> Problem:
    first, second = manifest.frame.iloc[pair.first], manifest.frame.iloc[pair.second]
    how = "The same file" if pair.kind == "duplicate" else "The same picture"
    against = [
        f"{what} {before} and {after}"
        for what, before, after in (
            ("label", LABEL_NAMES[int(first["label"])], LABEL_NAMES[int(second["label"])]),
            ("split", first["split"], second["split"]),
            (str(second["group_kind"]), first["group"], second["group"]),
        )
        if before != after and what != "file"
    ]
    detail = f"{how} as {first['path']}" + (f", with {', '.join(against)}." if against else ".")
    return Problem(str(second["path"]), pair.kind, detail)
