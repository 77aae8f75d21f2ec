"""Kaggle "Head CT - hemorrhage" (Felipe Kitamura): 200 slices from many hospitals, each of another person.

`head_ct/head_ct/000.png` (one or two levels, or beside the table) and `labels.csv`, whose header is `id, hemorrhage`
with a blank before the second name. The PNGs have many sizes; some are RGBA or tinted.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from hemo.data.importers.base import Importer, images_below, require_rows, set_problems, squeeze, without_faults
from hemo.data.manifest import Manifest, Problem, build_frame
from hemo.errors import DatasetError

TABLE = "labels.csv"
SOURCE = "Kaggle: Head CT - hemorrhage (Felipe Kitamura), kaggle.com/datasets/felipekitamura/head-ct-hemorrhage"
LICENCE = "as stated on its Kaggle page"


def recognises(path: Path) -> bool:
    """A folder whose `labels.csv` has the two columns `id` and `hemorrhage`, blanks around them or not."""
    if not path.is_dir() or not (path / TABLE).is_file():
        return False
    try:
        with (path / TABLE).open(encoding="utf-8-sig") as stream:
            header = stream.readline()
    except (OSError, ValueError):
        return False
    return [squeeze(name) for name in header.split(",")] == ["id", "hemorrhage"]


def read(path: Path) -> Manifest:
    """Import the set.

    Raises:
        DatasetError: `labels.csv` is missing or not as expected, or none of its pictures is there.
    """
    table = _read_table(path / TABLE)
    files = {int(file.stem): file for file in images_below(path) if file.stem.isdigit()}
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for number, label in zip(table["id"], table["hemorrhage"], strict=True):
        if label not in (0, 1):
            problems.append(Problem(f"{number:03d}.png", "bad_label", f"Expected 0 or 1. Received: {label}; left out."))
        elif number not in files:
            detail = f"Expected the picture that {TABLE} names. Received: no such file; left out."
            problems.append(Problem(f"{number:03d}.png", "missing", detail))
        else:
            file = files.pop(number)
            rows.append(
                {
                    "path": file.relative_to(path).as_posix(),
                    "label": int(label),
                    "group": file.stem,
                    "group_kind": "file",
                    "slice": file.stem,
                    "split": "",
                }
            )
    for left in files.values():
        detail = f"Expected a row in {TABLE}. Received: none; left out."
        problems.append(Problem(left.relative_to(path).as_posix(), "unlabelled", detail))
    rows, faults = without_faults(rows, path)
    problems += faults
    require_rows(rows, problems, path, f"the pictures that {TABLE} names")
    # Its publisher took each slice from another person, so that "patients unknown" would be a false alarm here.
    problems += [problem for problem in set_problems(rows) if problem.kind != "no_groups"]
    return Manifest(build_frame(rows), path, "Head CT - hemorrhage", SOURCE, LICENCE, "", tuple(problems))


def _read_table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, encoding="utf-8-sig", skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise DatasetError(f"Expected {TABLE} in {path.parent}. Received: {error}.") from error
    table.columns = [str(column).strip().lower() for column in table.columns]
    if not {"id", "hemorrhage"} <= set(table.columns):
        raise DatasetError(f"Expected the columns id and hemorrhage in {path}. Received: {', '.join(table.columns)}.")
    table = table[["id", "hemorrhage"]].apply(pd.to_numeric, errors="coerce").dropna()
    return table.astype("int64")


IMPORTER = Importer("kaggle_head_ct", "Kaggle Head CT - hemorrhage", recognises, read)
