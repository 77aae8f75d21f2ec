"""The data sets as pages see them: the list, the open one, a phantom in one click."""

import shutil
import tempfile
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from hemo.data.importers.base import plural
from hemo.data.library import KnownDataset, known_datasets, open_dataset
from hemo.data.manifest import MANIFEST_JSON, Manifest
from hemo.errors import DatasetError
from pages.components import notice, state

PHANTOM_STUDIES = 24


def listing() -> list[KnownDataset]:
    """Every data set of this workspace, the newest first."""
    return known_datasets(state.workspace().datasets)


def active() -> KnownDataset | None:
    """The data set that Data, Train and Results show: the session's choice while it is there, else the newest."""
    known = listing()
    chosen = state.active_dataset()
    return next((entry for entry in known if entry.name == chosen), known[0] if known else None)


def opened(entry: KnownDataset) -> Manifest:
    """The manifest of a known data set; shared between sessions, so never change it.

    Raises:
        DatasetError: it is damaged, or none of its slices is there any more.
    """
    stamp = (entry.path / MANIFEST_JSON).stat().st_mtime_ns
    return _opened(entry.name, str(entry.path.parent), stamp)


@st.cache_resource(max_entries=4, show_spinner="Opening the data set")
def _opened(name: str, folder: str, stamp: int) -> Manifest:
    del stamp  # part of the cache's key only
    return open_dataset(name, Path(folder))


def choose(label: str = "Data set", *, key: str) -> KnownDataset | None:
    """A box to pick the active data set; None where there is none to pick."""
    known = {entry.name: entry for entry in listing()}
    current = active()
    if current is None:
        return None
    name = st.selectbox(
        label,
        list(known),
        index=list(known).index(current.name),
        format_func=lambda name: described(known[name]),
        key=f"{key}_{len(known)}_{current.name}",
        help="Train and Results work on the same data set.",
    )
    if name != current.name:
        state.set_active_dataset(name)
        st.rerun()
    return known[name]


def described(entry: KnownDataset) -> str:
    """One line about a data set for a list."""
    return f"{entry.title} · {entry.slices:,} slices, {entry.positives:,} Hemorrhage"


def counted(manifest: Manifest) -> str:
    """On what a figure about a data set rests: "2,501 slices of 82 patients"."""
    return f"{len(manifest):,} slices of {manifest.frame['group'].nunique():,} {plural(manifest.group_kind)}"


def make_phantom(studies: int = PHANTOM_STUDIES, seed: int = 0, dicom: bool = False) -> str | None:
    """Make a phantom set, show how far it is, and make it the active one.

    Returns:
        Its name; None where it could not be written, which the page then says.
    """
    from hemo.data.phantom import write_phantom

    folder = state.workspace().datasets
    name = f"phantom-{studies}-seed-{seed}{'-dicom' if dicom else ''}"
    if not (folder / name / MANIFEST_JSON).is_file():
        bar = st.progress(0.0, "Making synthetic head CT")
        # Written beside its place and moved there whole: a half-made set is never listed.
        making = Path(tempfile.mkdtemp(prefix=".making-", dir=folder))
        try:
            write_phantom(
                making / name,
                studies=studies,
                seed=seed,
                dicom=dicom,
                progress=partial(show_progress, bar, "Study"),
            )
            if not (folder / name).exists():
                (making / name).rename(folder / name)
        except (DatasetError, OSError) as error:
            notice.error(str(error))
            return None
        finally:
            shutil.rmtree(making, ignore_errors=True)
            bar.empty()
    state.set_active_dataset(name)
    return name


def show_progress(bar: DeltaGenerator, noun: str, done: int, total: int) -> None:
    """Move a progress bar: "Slice 640 of 2,501"."""
    bar.progress(done / total if total else 1.0, f"{noun} {done:,} of {total:,}")


def empty_state(what: str, *, key: str) -> None:
    """Say that there is no data set and make a phantom on a click.

    Args:
        what: what would be here, a whole sentence.
        key: of the button.
    """
    if (
        notice.empty_state(
            "No data set yet",
            f"{what} A phantom is synthetic head CT with exact masks, made here in seconds.",
            "Make a phantom",
            key=key,
            icon=":material/database:",
        )
        and make_phantom() is not None
    ):
        st.rerun()
