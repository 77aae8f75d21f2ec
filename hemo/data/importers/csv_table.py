"""A CSV of paths and labels: columns `JPG` and `CATEGORY` as published, or whatever the user names."""

from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from hemo.data.age import with_dicom_ages, years_of
from hemo.data.importers.base import (
    Importer,
    images_below,
    label_of,
    require_rows,
    set_problems,
    split_of,
    squeeze,
    without_faults,
)
from hemo.data.manifest import Manifest, Problem, build_frame
from hemo.errors import DatasetError

PATH_NAMES = ("jpg", "path", "filepath", "file", "filename", "image", "imagepath", "img", "png", "name", "id")
LABEL_NAMES = ("category", "label", "class", "hemorrhage", "hashemorrhage", "target", "diagnosis", "ich")
GROUP_NAMES = ("patient", "patientid", "patientnumber", "group", "series", "seriesid", "subject", "case", "study")
AGE_NAMES = ("age", "ageyears", "patientage", "ageinyears")
WINDOW_NAMES = ("window", "ctwindow", "windowname")
SITE_NAMES = ("site", "hospital", "scanner", "institution", "source", "center", "centre")
SPLIT_NAMES = ("split", "set", "fold", "subset", "partition")


_EXTRAS = {"age": AGE_NAMES, "window": WINDOW_NAMES, "site": SITE_NAMES}
"""Further columns that are taken along where a table has them."""


def recognises(path: Path) -> bool:
    """Any CSV file, or a folder with exactly one whose header names both a path and a label column."""
    file = _csv_file(path)
    if file is None or path.is_file():
        return file is not None
    try:
        columns = columns_of(file)
    except DatasetError:
        return False
    return _find(columns, PATH_NAMES) is not None and _find(columns, LABEL_NAMES) is not None


def read(
    path: Path,
    path_column: str | None = None,
    label_column: str | None = None,
    group_column: str | None = None,
    split_column: str | None = None,
    image_root: Path | None = None,
) -> Manifest:
    """Import a table of paths and labels, with age in years, CT window and site where it has such columns.

    Args:
        path: the CSV, or a folder that holds exactly one.
        path_column: column of image paths, relative to `image_root`; found by its name if not given.
        label_column: column of labels: 0/1 or a class name in any common spelling; found by its name if not given.
        group_column: column of patients or series; without one each file counts as its own.
        split_column: column of splits in any common spelling.
        image_root: folder the paths are relative to (default: the CSV's folder).

    Raises:
        DatasetError: no CSV, a named column that is not there, or no row that can be used.
    """
    file = _csv_file(path)
    if file is None:
        raise DatasetError(f"Expected one CSV file at {path}. Received: {_received(path)}.")
    table = _read(file)
    columns = list(table.columns)
    paths = _column(columns, path_column, PATH_NAMES, "image paths", file)
    labels = _column(columns, label_column, LABEL_NAMES, "labels", file)
    groups = _optional(columns, group_column, GROUP_NAMES, "patients", file)
    splits = _optional(columns, split_column, SPLIT_NAMES, "splits", file)
    root = Path(image_root) if image_root else file.parent
    extras = {name: _find(columns, names) for name, names in _EXTRAS.items()}
    rows, problems = _rows(table, root, paths, labels, groups, splits, extras)
    rows, faults = without_faults(rows, root)
    problems += faults
    if not extras["age"]:
        rows = with_dicom_ages(rows, root)
    require_rows(rows, problems, file, "rows that name a slice on disk and its label")
    problems += set_problems(rows)
    return Manifest(build_frame(rows), root, file.stem, problems=tuple(problems))


def _rows(
    table: pd.DataFrame,
    root: Path,
    paths: str,
    labels: str,
    groups: str | None,
    splits: str | None,
    extras: dict[str, str | None],
) -> tuple[list[dict[str, Any]], list[Problem]]:
    locate = _Locator(root)
    kind = "series" if groups and "series" in squeeze(groups) else "patient"
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for line, record in enumerate(table.to_dict("records"), start=2):
        name = record[paths].strip()
        label = label_of(record[labels].strip())
        found = locate(name)
        if label is None:
            detail = f"Expected 0, 1 or a class name in line {line}. Received: {record[labels]!r}; left out."
            problems.append(Problem(name, "bad_label", detail))
        elif found is None:
            detail = f"Expected the file that line {line} names. Received: no such file; left out."
            problems.append(Problem(name, "missing", detail))
        else:
            group = record[groups].strip() if groups else ""
            rows.append(
                {
                    "path": found,
                    "label": label,
                    "group": group or found,
                    "group_kind": kind if group else "file",
                    "slice": PurePosixPath(found).stem,
                    "split": (split_of(record[splits]) or "") if splits else "",
                    **{
                        name: years_of(record[column]) if name == "age" else record[column].strip()
                        for name, column in extras.items()
                        if column
                    },
                }
            )
    return rows, problems


class _Locator:
    """Finds the file a row names: as written, else by its bare name where exactly one such file lies below the root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._by_name: dict[str, list[str]] | None = None

    def __call__(self, name: str) -> str | None:
        written = PurePosixPath(name.replace("\\", "/"))
        if not name:
            return None
        if (self.root / written).is_file():
            return written.as_posix()
        candidates = self._names().get(written.name, [])
        return candidates[0] if len(candidates) == 1 else None

    def _names(self) -> dict[str, list[str]]:
        if self._by_name is None:
            self._by_name = {}
            for file in images_below(self.root):
                self._by_name.setdefault(file.name, []).append(file.relative_to(self.root).as_posix())
        return self._by_name


def _csv_file(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix.lower() in (".csv", ".tsv") else None
    if not path.is_dir():
        return None
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in (".csv", ".tsv") and file.is_file())
    return files[0] if len(files) == 1 else None


def _received(path: Path) -> str:
    if not path.exists():
        return "nothing there"
    count = len([file for file in path.iterdir() if file.suffix.lower() in (".csv", ".tsv")]) if path.is_dir() else 0
    return f"{count} CSV files" if path.is_dir() else f"a file of another kind, {path.suffix or 'without suffix'}"


def _read(file: Path, rows: int | None = None) -> pd.DataFrame:
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as stream:
            header = stream.readline()
        table = pd.read_csv(
            file,
            sep=max(",;\t", key=header.count),
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            encoding_errors="replace",
            skipinitialspace=True,
            nrows=rows,
        )
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise DatasetError(f"Expected a table in {file}. Received: {str(error).strip() or 'no text'}.") from error
    table.columns = [str(column).strip() for column in table.columns]
    return table.fillna("")


def columns_of(file: Path) -> list[str]:
    """The columns of a table, blanks around their names taken off.

    Raises:
        DatasetError: the file is no table.
    """
    return list(_read(file, rows=1).columns)


def _find(columns: list[str], names: tuple[str, ...]) -> str | None:
    squeezed = {squeeze(column): column for column in columns}
    return next((squeezed[name] for name in names if name in squeezed), None)


def _column(columns: list[str], named: str | None, names: tuple[str, ...], what: str, file: Path) -> str:
    if named is not None:
        if named.strip() in columns:
            return named.strip()
        raise DatasetError(f"Expected the column {named!r} in {file.name}. Received: {', '.join(columns)}.")
    found = _find(columns, names)
    if found is None:
        raise DatasetError(f"Expected a column of {what} in {file.name}; name it. Received: {', '.join(columns)}.")
    return found


def _optional(columns: list[str], named: str | None, names: tuple[str, ...], what: str, file: Path) -> str | None:
    return _column(columns, named, names, what, file) if named else _find(columns, names)


IMPORTER = Importer("csv", "CSV of paths and labels", recognises, read)
