"""What leaves the Read page: CSV, JSON and overlays, made when asked for and kept nowhere."""

import io
import zipfile
from collections.abc import Callable

import streamlit as st

from hemo.evaluate.study_reading import StudyReading
from hemo.model.bundle import ModelBundle
from hemo.report.overlay import overlay_png
from hemo.report.study_json import StudyResult, studies_json
from hemo.report.table import Row, table_text
from pages.components import models, read_answer
from pages.components.read_viewer import current_window, opacity
from pages.components.reading_room import OpenStudy, Room, room

NAMED = "read_export_named"

Answers = list[tuple[OpenStudy, StudyReading]]


def show(answers: Answers, entry: OpenStudy, chosen: ModelBundle) -> None:
    """Offer the exports; all but the overlays hold every study of the session."""
    identity, kept = models.identity(chosen), room()
    with st.popover("Export", icon=":material/download:", width="stretch"):
        named = st.checkbox(
            "With file names",
            key=NAMED,
            help="File names can carry a patient's name. Without them studies are called by their number.",
        )
        _offer("Table of all slices", "csv", "text/csv", lambda: _table(answers, kept, identity, named))
        _offer("Everything as JSON", "json", "application/json", lambda: _json(answers, kept, chosen, named))
        _offer("This slice with overlay", "png", "image/png", lambda: _overlay(entry, identity, entry.position or 0))
        _offer("Overlays of this study", "zip", "application/zip", lambda: _overlays(entry, identity))


def _offer(label: str, suffix: str, mime: str, make: Callable[[], bytes | str]) -> None:
    st.download_button(
        label,
        data=make,
        file_name=f"hemo-{label.lower().replace(' ', '-')}.{suffix}",
        mime=mime,
        key=f"read_export_{suffix}",
        on_click="ignore",
        icon=":material/download:",
        width="stretch",
    )


def outside_name(entry: OpenStudy, kept: Room, named: bool) -> str:
    """How a study is called outside the app: by its number, unless the reader wants file names."""
    return entry.study.name if named else f"study {kept.studies.index(entry) + 1}"


def _table(answers: Answers, kept: Room, identity: str, named: bool) -> str:
    rows = []
    for entry, answer in answers:
        name = outside_name(entry, kept, named)
        slices = zip(entry.study.slices, entry.readings[identity], answer.calls, answer.reasons, strict=True)
        for number, (ct_slice, reading, call, reason) in enumerate(slices, start=1):
            slice_name = ct_slice.name if named else f"slice {number}"
            rows.append(Row(name, slice_name, name, None, reading.probability, call, reason))
    for number, (name, reason) in enumerate(kept.refused, start=1):
        rows.append(Row(name if named else f"refused file {number}", "", "", None, None, "Refused", reason))
    return table_text(rows)


def _json(answers: Answers, kept: Room, chosen: ModelBundle, named: bool) -> str:
    identity = models.identity(chosen)
    results = [
        StudyResult(
            name=outside_name(entry, kept, named),
            slices=entry.study.slices,
            readings=entry.readings[identity],
            answer=answer,
            warnings=entry.study.warnings,
            verdict=entry.verdict,
            note=entry.note,
        )
        for entry, answer in answers
    ]
    return studies_json(results, chosen.card, read_answer.chosen_point(chosen.card))


def _overlay(entry: OpenStudy, identity: str, index: int) -> bytes:
    """One slice as it stands in the viewer; the slice alone where it was refused."""
    ct_slice = entry.slice(index)
    grey, heat = ct_slice.grey(current_window()), entry.heat(identity, index)
    if heat is None:
        heat = (grey * 0).astype("float32")
    return overlay_png(grey, heat, opacity())


def _overlays(entry: OpenStudy, identity: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for index in range(len(entry)):
            if entry.readings[identity][index].probability is not None:
                archive.writestr(f"slice-{index + 1:04d}.png", _overlay(entry, identity, index))
    return stream.getvalue()
