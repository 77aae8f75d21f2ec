"""The Read page's way in: files, folders and zips dropped on the page, read and scored with a progress bar."""

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from hemo.ct.study import OtherSeries, Study, assemble_studies
from hemo.model.bundle import ModelBundle
from pages.components import models, reading_room
from pages.components.reading_room import OpenStudy, Room
from pages.components.text import plain

EXAMPLE_SEED = 11
EXAMPLE_BLEED = "intraparenchymal"
EXAMPLE_SLICES = 24


def show_drop_zone(chosen: ModelBundle) -> None:
    """The uploaders; whatever was dropped is read, scored and taken into the room, and the uploader empties."""
    room = reading_room.room()
    if room.studies or room.refused:
        uploads = _show_bar(room)
    else:
        with st.container(key="read_drop_large"):
            uploads = _show_large(room)
    if uploads:
        _take_in(uploads, chosen, room)
        room.drop += 1
        st.rerun()


def _show_large(room: Room) -> list[UploadedFile]:
    files, folder = st.columns([5, 1], vertical_alignment="bottom")
    with files:
        dropped = _files(room, "visible")
    with folder:
        return [*dropped, *_folder(room)]


def _show_bar(room: Room) -> list[UploadedFile]:
    title, files, folder, empty = st.columns([1.5, 4, 1, 1], vertical_alignment="center")
    with title:
        st.title("Read a scan")
    with files:
        dropped = _files(room, "collapsed")
    with folder:
        whole = _folder(room)
    with empty, st.popover("Clear", icon=":material/delete:", width="stretch"):
        st.caption("Studies, scores, verdicts and notes of this session go for good; exports that were saved stay.")
        st.button("Forget everything", key="read_clear", type="primary", on_click=reading_room.clear)
    return [*dropped, *whole]


def _files(room: Room, label_visibility: Literal["visible", "collapsed"]) -> list[UploadedFile]:
    return st.file_uploader(
        "Drop DICOM, NIfTI, PNG or JPEG files, or a zip of them",
        accept_multiple_files=True,
        key=f"read_files_{room.drop}",
        label_visibility=label_visibility,
    )


def _folder(room: Room) -> list[UploadedFile]:
    with st.popover("Folder", icon=":material/folder_open:", width="stretch"):
        return st.file_uploader(
            "A folder with everything in it", accept_multiple_files="directory", key=f"read_folder_{room.drop}"
        )


def show_empty(chosen: ModelBundle) -> None:
    """Say what would be here and offer a phantom study."""
    with st.container(border=True, key="read_empty_state"):
        st.markdown("**:material/radiology: No study yet**")
        st.markdown(
            "Drop a CT study above: DICOM files with or without a suffix, a folder or a zip of them, NIfTI, or PNG and "
            "JPEG slices. Each slice gets a score, a call and a map of where the network reacted. Files are read in "
            "memory and are gone when the session ends."
        )
        if st.button("Read a phantom study", key="read_example", type="primary", icon=":material/science:"):
            load_example(chosen)
            st.rerun()
        st.caption("The phantom is synthetic: it shows how the page works and says nothing about patients.")


def load_example(chosen: ModelBundle) -> None:
    """Take a synthetic study into the room, as DICOM files that go the same way as a reader's own."""
    studies = assemble_studies(_example_files()).studies
    warning = "Synthetic phantom, not a patient: its score says nothing about the model."
    _admit([replace(study, warnings=(warning, *study.warnings)) for study in studies], chosen, reading_room.room())


@st.cache_data(max_entries=1, show_spinner="Making a phantom study")
def _example_files() -> list[tuple[str, bytes]]:
    """The example's files, about 12 MB, made once for all sessions."""
    from hemo.data.phantom_dicom import phantom_dataset
    from hemo.data.phantom_study import phantom_study

    phantom = phantom_study(EXAMPLE_SEED, EXAMPLE_SLICES, EXAMPLE_BLEED)
    files = []
    for index in range(EXAMPLE_SLICES):
        file = io.BytesIO()
        phantom_dataset(phantom, index).save_as(file, enforce_file_format=True)
        files.append((f"phantom study/{index + 1:04d}.dcm", file.getvalue()))
    return files


def read_other(entry: OpenStudy, other: OtherSeries, chosen: ModelBundle) -> None:
    """Read another series of a study, as a study of its own beside it.

    Raises:
        HemoError: none of its slices decode.
    """
    study = other.read()
    _admit([replace(study, name=f"{entry.study.name}, {other.label}")], chosen, reading_room.room())


def bring_up_to_date(chosen: ModelBundle) -> None:
    """Score every study that this model has not read yet, after the active model changed."""
    identity = models.identity(chosen)
    waiting = [study for study in reading_room.room().studies if identity not in study.readings]
    if waiting:
        _score(waiting, chosen)


def _take_in(uploads: list[UploadedFile], chosen: ModelBundle, room: Room) -> None:
    bar = st.progress(0.0, text="Reading files")
    total = len(uploads)

    def each() -> Iterator[tuple[str, bytes]]:
        for done, upload in enumerate(uploads, start=1):
            yield upload.name, upload.getvalue()
            bar.progress(done / total, text=f"Opening file {done} of {total}")

    def decoded(done: int, count: int) -> None:
        bar.progress(done / max(count, 1), text=f"Decoding slice {done} of {count}")

    result = assemble_studies(each(), progress=decoded)
    bar.empty()
    room.refused = list(result.refused)
    room.full = []
    _admit(list(result.studies), chosen, room)


def _admit(studies: list[Study], chosen: ModelBundle, room: Room) -> None:
    entries = [entry for entry in map(room.admit, studies) if entry is not None]
    _score(entries, chosen)
    if entries:
        room.current = None  # the worst of all studies comes into view


def _score(entries: list[OpenStudy], chosen: ModelBundle) -> None:
    slices = sum(map(len, entries))
    if not slices:
        return
    bar = st.progress(0.0, text="Waking the network")
    before = 0
    for entry in entries:

        def advance(done: int, count: int, name: str, before: int = before) -> None:
            bar.progress((before + done) / slices, text=f"Reading {plain(name, 60)}: slice {done} of {count}")

        reading_room.read(entry, chosen, advance)
        before += len(entry)
    bar.empty()
