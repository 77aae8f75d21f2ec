"""The Read page's way in: files, folders and zips dropped on the page, read and scored with a progress bar."""

from collections.abc import Iterator

import streamlit as st
from hemo.ct.study import Study, assemble_studies

from hemo.ct.slice import CTSlice
from hemo.model.bundle import ModelBundle
from pages.components import reading_room
from pages.components.reading_room import OpenStudy, Room
from pages.components.text import plain

EXAMPLE_SEED = 11
EXAMPLE_BLEED = "intraparenchymal"
EXAMPLE_SLICES = 24


def show_drop_zone(chosen: ModelBundle) -> None:
    """The uploaders; whatever was dropped is read, scored and taken into the room, and the uploader empties."""
    room = reading_room.room()
    files, folder = st.columns([4, 1], vertical_alignment="center")
    with files:
        dropped = st.file_uploader(
            "Drop DICOM, NIfTI, PNG or JPEG files, or a zip of them",
            accept_multiple_files=True,
            key=f"read_files_{room.drop}",
            label_visibility="collapsed",
        )
    with folder, st.popover("Folder", icon=":material/folder_open:", width="stretch"):
        from_folder = st.file_uploader(
            "A folder with everything in it", accept_multiple_files="directory", key=f"read_folder_{room.drop}"
        )
    uploads = [*(dropped or []), *(from_folder or [])]
    if uploads:
        _take_in([(upload.name, upload) for upload in uploads], chosen, room)
        room.drop += 1
        st.rerun()


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
    """Take a synthetic study into the room."""
    from hemo.data.phantom_study import phantom_study

    with st.spinner("Making a phantom study"):
        phantom = phantom_study(EXAMPLE_SEED, EXAMPLE_SLICES, EXAMPLE_BLEED)
    slices = tuple(
        CTSlice(hu, "HU", f"slice {number}", spacing_mm=phantom.spacing, position_mm=float(height))
        for number, (hu, height) in enumerate(zip(phantom.hu, phantom.positions, strict=True), start=1)
    )
    warning = "Synthetic phantom, not a patient: its score says nothing about the model."
    study = Study(
        name=f"{phantom.name} phantom",
        slices=slices,
        spacing=phantom.spacing,
        warnings=(warning,),
        kind="phantom",
    )
    _admit([study], chosen, reading_room.room())


def bring_up_to_date(chosen: ModelBundle) -> None:
    """Score every study that this model has not read yet, after the active model changed."""
    waiting = [
        study for study in reading_room.room().studies if reading_room.models.identity(chosen) not in study.readings
    ]
    if waiting:
        _score(waiting, chosen)


def _take_in(uploads: list[tuple[str, object]], chosen: ModelBundle, room: Room) -> None:
    bar = st.progress(0.0, text="Reading files")
    total = len(uploads)

    def each() -> Iterator[tuple[str, bytes]]:
        for done, (name, upload) in enumerate(uploads, start=1):
            yield name, upload.getvalue()  # type: ignore[attr-defined]
            bar.progress(done / total, text=f"Reading files: {done} of {total}")

    result = assemble_studies(each())
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
