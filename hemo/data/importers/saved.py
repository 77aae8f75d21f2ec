"""A data set that Hemo wrote itself: a phantom (`python -m hemo phantom OUT`) or a saved import.

Both are a folder with `manifest.csv` and `manifest.json`; a phantom's holds its slices and masks too.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from hemo.data.importers.base import Importer, fault_of
from hemo.data.manifest import MANIFEST_CSV, MANIFEST_JSON, Manifest, Problem
from hemo.errors import DatasetError


def recognises(path: Path) -> bool:
    """A folder with `manifest.csv` and `manifest.json`, or the path of either."""
    folder = path.parent if path.is_file() and path.name in (MANIFEST_CSV, MANIFEST_JSON) else path
    return (folder / MANIFEST_CSV).is_file() and (folder / MANIFEST_JSON).is_file()


def read(path: Path) -> Manifest:
    """Load the manifest and leave out the slices that have gone since.

    Raises:
        DatasetError: the manifest is damaged, or none of its slices is there.
    """
    manifest = Manifest.load(path)
    faults = [fault_of(manifest.root / name) for name in manifest.frame["path"]]
    keep = np.array([fault is None for fault in faults])
    known = {problem.path for problem in manifest.problems}
    problems = [
        Problem(name, "unreadable", fault)
        for name, fault in zip(manifest.frame["path"], faults, strict=True)
        if fault is not None and name not in known
    ]
    if not keep.any():
        raise DatasetError(f"Expected the slices of {manifest.name} in {manifest.root}. Received: none of {len(keep)}.")
    return replace(manifest.subset(keep), problems=(*manifest.problems, *problems))


IMPORTER = Importer("manifest", "Saved by Hemo (phantoms, earlier imports)", recognises, read)
