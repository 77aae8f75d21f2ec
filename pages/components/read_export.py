"""What leaves the Read page: CSV, JSON, overlays, PDF and DICOM, made when asked for and kept nowhere."""

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import TypeVar, overload

import streamlit as st

from hemo.evaluate.study_reading import StudyReading
from hemo.model.bundle import ModelBundle
from hemo.report.dicom_export import export_zip
from hemo.report.overlay import overlay_png
from hemo.report.pdf import study_pdf
from hemo.report.study_json import StudyResult, studies_json
from hemo.report.table import Row, table_text
from pages.components import models, read_answer
from pages.components.read_viewer import current_window, opacity
from pages.components.reading_room import OpenStudy, Room, room

Item = TypeVar("Item")

NAMED = "read_export_named"
PATIENT = "read_export_patient"

Answers = list[tuple[OpenStudy, StudyReading]]


def show(answers: Answers, entry: OpenStudy, answer: StudyReading, chosen: ModelBundle) -> None:
    """Offer the exports; tables hold every study of the session, pictures and reports the one in view."""
    identity, kept = models.identity(chosen), room()
    with st.popover("Export", icon=":material/download:", width="stretch"):
        named = st.checkbox(
            "With file names",
            key=NAMED,
            help="File names can carry a patient's name. Without them studies are called by their number.",
        )
        patient = entry.study.kind == "dicom" and st.checkbox(
            "With patient identity",
            key=PATIENT,
            help="Name, number and dates from the DICOM header go into this study's reports, and nowhere else.",
        )
        name = outside_name(entry, kept, named)
        _offer("Table of all slices", "csv", "text/csv", lambda: table_csv(answers, kept, identity, named))
        _offer("Everything as JSON", "json", "application/json", lambda: everything_json(answers, kept, chosen, named))
        _offer(
            "Report of this study", "pdf", "application/pdf", lambda: report_pdf(entry, answer, name, chosen, patient)
        )
        _offer(
            "DICOM captures and report",
            "zip",
            "application/zip",
            lambda: report_dicom(entry, answer, name, chosen, patient),
            key="dicom",
            disabled=answer.n_read == 0,
        )
        _offer("This slice with overlay", "png", "image/png", lambda: _overlay(entry, identity, entry.position or 0))
        _offer("Overlays of this study", "zip", "application/zip", lambda: _overlays(entry, identity))


def _offer(
    label: str, suffix: str, mime: str, make: Callable[[], bytes | str], key: str = "", disabled: bool = False
) -> None:
    st.download_button(
        label,
        data=make,
        file_name=f"hemo-{label.lower().replace(' ', '-')}.{suffix}",
        mime=mime,
        key=f"read_export_{key or suffix}",
        disabled=disabled,
        on_click="ignore",
        icon=":material/download:",
        width="stretch",
    )


def outside_name(entry: OpenStudy, kept: Room, named: bool) -> str:
    """How a study is called outside the app: by its number, unless the reader wants file names."""
    return entry.study.name if named else f"study {kept.studies.index(entry) + 1}"


def table_csv(answers: Answers, kept: Room, identity: str, named: bool) -> str:
    """Every slice of every study, and every refused file, as CSV."""
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


def everything_json(answers: Answers, kept: Room, chosen: ModelBundle, named: bool) -> str:
    """Every study with its slices and the reader's verdict as JSON."""
    identity = models.identity(chosen)
    results = [_result(entry, answer, outside_name(entry, kept, named), identity) for entry, answer in answers]
    return studies_json(results, chosen.card, read_answer.chosen_point(chosen.card))


def _result(entry: OpenStudy, answer: StudyReading, name: str, identity: str) -> StudyResult:
    """A study for the reports; a slice's pixels and heat map are unpacked only when one asks for them."""
    return StudyResult(
        name=name,
        slices=_Unpacked(len(entry), entry.slice),
        readings=_Unpacked(len(entry), lambda index: entry.reading(identity, index)),
        answer=answer,
        warnings=entry.study.warnings,
        verdict=entry.verdict,
        note=entry.note,
    )


class _Unpacked(Sequence[Item]):
    """A sequence whose items are made when they are asked for."""

    def __init__(self, count: int, make: Callable[[int], Item]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...

    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        """One item, or those of a slice."""
        if isinstance(index, slice):
            return [self._make(each) for each in range(*index.indices(self._count))]
        return self._make(range(self._count)[index])


def report_pdf(entry: OpenStudy, answer: StudyReading, name: str, chosen: ModelBundle, patient: bool) -> bytes:
    """One study as a PDF, its key slices in the model's window; with the patient's identity only where asked for."""
    result = _result(entry, answer, name, models.identity(chosen))
    who = entry.study.identity() if patient else None
    return study_pdf(result, chosen.card, read_answer.chosen_point(chosen.card), identity=who)


def report_dicom(entry: OpenStudy, answer: StudyReading, name: str, chosen: ModelBundle, patient: bool) -> bytes:
    """One study as Secondary Captures and a structured report, in a zip; identity as in `report_pdf`."""
    result = _result(entry, answer, name, models.identity(chosen))
    who = entry.study.identity() if patient else None
    return export_zip(result, chosen.card, read_answer.chosen_point(chosen.card), identity=who)


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
