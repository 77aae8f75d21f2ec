"""The data sets that an installation knows: phantoms made here and imports that were kept, one folder each.

An import keeps only its manifest here; the slices stay where the user has them.
"""

import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hemo.data.importers.saved import read as read_saved
from hemo.data.manifest import MANIFEST_CSV, MANIFEST_JSON, Manifest
from hemo.errors import DatasetError


@dataclass(frozen=True)
class KnownDataset:
    """One line of the list of data sets, read without opening the set.

    Attributes:
        name: what pages and runs call it; the name of its folder.
        title: its name for people.
        path: where its manifest lies; `import_dataset` takes it.
        root: where its slices lie.
        slices, positives, groups: how many there were when it was kept.
    """

    name: str
    title: str
    path: Path
    root: Path
    slices: int
    positives: int
    groups: int


def known_datasets(folder: Path) -> list[KnownDataset]:
    """All data sets below a workspace's `datasets` folder, the newest first; damaged ones are passed over."""
    found = []
    for about in sorted(folder.glob(f"*/{MANIFEST_JSON}"), key=lambda file: file.stat().st_mtime, reverse=True):
        try:
            values = json.loads(about.read_text(encoding="utf-8"))
            counts = values["counts"]
            found.append(
                KnownDataset(
                    name=about.parent.name,
                    title=str(values["name"]),
                    path=about.parent,
                    root=(about.parent / values["root"]).resolve(),
                    slices=int(counts["slices"]),
                    positives=int(counts["positives"]),
                    groups=int(counts["groups"]),
                )
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def dataset_path(name: str, folder: Path) -> Path:
    """The folder of a known data set.

    Raises:
        DatasetError: none of that name.
    """
    path = folder / name
    if not re.fullmatch(r"[\w.-]+", name) or not (path / MANIFEST_CSV).is_file():
        known = ", ".join(entry.name for entry in known_datasets(folder)) or "none yet"
        raise DatasetError(f"Expected a known data set ({known}). Received: {name}.")
    return path


def open_dataset(name: str, folder: Path) -> Manifest:
    """The manifest of a known data set, without the slices that have gone since.

    Raises:
        DatasetError: none of that name, or none of its slices is there any more.
    """
    return read_saved(dataset_path(name, folder))


def keep_dataset(manifest: Manifest, folder: Path) -> str:
    """Keep an imported data set's manifest; an earlier import of the same place is replaced.

    Returns:
        The name under which `open_dataset` finds it.
    """
    root = manifest.root.resolve()
    if root.parent == folder.resolve():
        return root.name
    taken = {entry.name: entry for entry in known_datasets(folder)}
    same = [e.name for e in taken.values() if e.root == root and e.title == manifest.name and e.path.resolve() != root]
    name = same[0] if same else free_name(manifest.name, taken)
    manifest.save(folder / name)
    return name


def free_name(title: str, taken: Iterable[str]) -> str:
    """A folder name made of a title that is not taken yet.

    >>> free_name("Head CT - hemorrhage", {"head-ct-hemorrhage"})
    'head-ct-hemorrhage-2'
    """
    base = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "dataset"
    used = set(taken)
    return next(name for name in (base, *(f"{base}-{i}" for i in range(2, len(used) + 3))) if name not in used)


def forget_dataset(name: str, folder: Path) -> None:
    """Take a data set off the list. An import's slices stay where they are; a phantom is deleted with its slices.

    Raises:
        DatasetError: none of that name.
    """
    shutil.rmtree(dataset_path(name, folder))
