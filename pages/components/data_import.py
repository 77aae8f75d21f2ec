"""Bringing a data set in: a path that the user types, the layout recognized, columns named where it is a table."""

from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from hemo.data.importers import IMPORTERS, import_dataset
from hemo.data.importers.csv_table import columns_of
from hemo.data.library import keep_dataset
from hemo.data.manifest import Manifest
from hemo.data.problems import check_files
from hemo.errors import HemoError
from pages.components import datasets, notice, state

RECOGNIZE = "Recognize it"
OPEN = "data_import_open"
FOUND_BY_NAME = "Find it by its name"


def open_form() -> None:
    """Ask for the form; it stays until it is closed or the set is in."""
    st.session_state[OPEN] = True


def _close() -> None:
    st.session_state[OPEN] = False


def show_if_open() -> None:
    """The form where it was asked for, and nothing elsewhere."""
    if st.session_state.get(OPEN):
        _show()


@st.dialog("Import a data set", width="medium", on_dismiss=_close)
def _show() -> None:
    """The form; closes when the set is in."""
    st.markdown("Slices stay where they are; Hemo keeps only the list of them.")
    path = st.text_input(
        "Folder or CSV on this machine",
        key="data_import_path",
        placeholder="/data/head-ct",
        help="A folder of class folders, CT-ICH, Kaggle Head CT, the published folders, a phantom, or a CSV.",
    )
    titles = {importer.layout: importer.title for importer in IMPORTERS}
    layout = st.selectbox(
        "Layout",
        ["", *titles],
        format_func=lambda name: titles.get(name, RECOGNIZE),
        key="data_import_layout",
        help="Recognized from the files; name it if that goes wrong.",
    )
    options = _options(Path(path.strip()).expanduser() if path.strip() else None, layout)
    if st.button("Import", type="primary", key="data_import_go", disabled=not path.strip()):
        name = _import(path.strip(), layout or None, options)
        if name is not None:
            state.set_active_dataset(name)
            _close()
            st.rerun()


def _options(path: Path | None, layout: str) -> dict[str, Any]:
    """What the layout at hand can be told: columns of a table, or where class folders name the patient."""
    if path is not None and path.is_file() and layout in ("", "csv") and path.suffix.lower() in (".csv", ".tsv"):
        return _column_options(path)
    if layout == "class_folders":
        pattern = st.text_input(
            "Pattern of the patient in file names",
            key="data_import_pattern",
            placeholder=r"^(p\d+)_",
            help="A regular expression; what its first group finds is the patient. Empty: folders inside a class are "
            "patients, else each file counts as its own.",
        )
        return {"group_pattern": pattern} if pattern.strip() else {}
    return {}


def _column_options(path: Path) -> dict[str, Any]:
    try:
        columns = columns_of(path)
    except HemoError as error:
        notice.error(error)
        return {}
    asked = (
        ("path_column", "Column of image paths"),
        ("label_column", "Column of labels"),
        ("group_column", "Column of patients or series"),
        ("split_column", "Column of splits"),
    )
    chosen = {}
    cells = [*st.columns(2), *st.columns(2)]
    for cell, (option, label) in zip(cells, asked, strict=True):
        with cell:
            column = st.selectbox(label, [FOUND_BY_NAME, *columns], key=f"data_import_{option}")
        if column != FOUND_BY_NAME:
            chosen[option] = column
    return chosen


def _import(path: str, layout: str | None, options: dict[str, Any]) -> str | None:
    """Import, look at every file, keep; what is already there stays untouched if any of it fails."""
    bar = st.progress(0.0, "Looking through the folder")
    try:
        manifest = import_dataset(path, layout, **options)
        checked = with_files_checked(manifest, partial(datasets.show_progress, bar, "Slice"))
        return keep_dataset(checked, state.workspace().datasets)
    except HemoError as error:
        notice.error(error)
    except OSError as error:
        notice.error(f"Expected room to keep the data set. Received: {error.strerror or error}.")
    finally:
        bar.empty()
    return None


def with_files_checked(manifest: Manifest, progress: Any = None) -> Manifest:
    """The slices that can be decoded, with a problem noted for each unreadable one and for each copy.

    Raises:
        DatasetError: not one slice can be decoded.
    """
    check = check_files(manifest, state.workspace().cache, progress)
    known = set(check.manifest.problems)
    return check.manifest.with_problems(problem for problem in check.problems() if problem not in known)
