"""Class folders: `Normal/` and `Hemorrhage/` in any common spelling, with or without a train/val/test level above.

Where a class folder holds folders of its own, each is a patient; else the patients are unknown, unless the user gives a
pattern that finds them in the file names. A folder named for a subtype (`SDH/`, `epidural/`) is Hemorrhage.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hemo.data.age import with_dicom_ages
from hemo.data.importers.base import (
    Importer,
    folders_in,
    images_below,
    is_mask,
    label_of,
    require_rows,
    set_problems,
    split_of,
    subtype_of,
    without_faults,
)
from hemo.data.manifest import SUBTYPES, Manifest, Problem, build_frame
from hemo.errors import DatasetError

EXPECTED = "class folders such as Normal/ and Hemorrhage/, or train/, val/ and test/ folders that hold them"


def recognises(path: Path) -> bool:
    """A folder with a class folder in it, at once or one split level below."""
    return path.is_dir() and any(True for _ in _class_folders(path))


def read(path: Path, group_pattern: str | None = None) -> Manifest:
    """Import class folders.

    Args:
        path: the folder that holds the class folders or the split folders.
        group_pattern: regular expression searched in each file's name; its first group (or the whole match) is the
            patient. `r"^(\\w+)_"` makes `p17_03.png` a slice of patient p17.

    Raises:
        DatasetError: no class folder, no image in any, or a pattern that is not a regular expression.
    """
    pattern = _compiled(group_pattern)
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for folder, split in _class_folders(path):
        found = [_row(file, folder, split, pattern, path) for file in images_below(folder) if not is_mask(file)]
        if not found:
            detail = f"Expected images in the class folder {folder.name}. Received: none."
            problems.append(Problem(folder.relative_to(path).as_posix(), "empty_class", detail))
        rows += found
    rows, faults = without_faults(rows, path)
    problems += faults
    require_rows(rows, [p for p in problems if p.kind != "empty_class"], path, f"images in {EXPECTED}")
    if not any(row["subtype"] for row in rows):
        rows = [{key: value for key, value in row.items() if key != "subtype"} for row in rows]
    else:
        rows = [_with_subtypes(row) for row in rows]
    rows = with_dicom_ages(rows, path)
    problems += set_problems(rows)
    return Manifest(build_frame(rows), path, path.resolve().name, problems=tuple(problems))


def _class_folders(path: Path) -> Iterator[tuple[Path, str]]:
    """Each class folder with its split, "" where there is no split level."""
    for folder in folders_in(path):
        split = split_of(folder.name)
        if split is not None:
            yield from ((inner, split) for inner in folders_in(folder) if label_of(inner.name) is not None)
        elif label_of(folder.name) is not None:
            yield folder, ""


def _row(file: Path, folder: Path, split: str, pattern: re.Pattern[str] | None, root: Path) -> dict[str, Any]:
    inner = file.relative_to(folder).parts[:-1]
    match = pattern.search(file.name) if pattern else None
    if match:
        group, kind = match[1] if match.re.groups else match[0], "patient"
    elif inner:
        group, kind = inner[0], "patient"
    else:
        group, kind = file.relative_to(root).with_suffix("").as_posix(), "file"
    return {
        "path": file.relative_to(root).as_posix(),
        "label": label_of(folder.name),
        "group": group,
        "group_kind": kind,
        "slice": file.stem,
        "split": split,
        "subtype": subtype_of(folder.name),
    }


def _with_subtypes(row: dict[str, Any]) -> dict[str, Any]:
    subtype = row.pop("subtype")
    return {**row, **{name: name == subtype for name in SUBTYPES}}


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern) if pattern else None
    except re.error as error:
        raise DatasetError(f"Expected a regular expression for patients. Received: {pattern!r}, {error}.") from error


IMPORTER = Importer("class_folders", "Class folders", recognises, read)
