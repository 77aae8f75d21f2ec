import io
import logging
import zipfile
from dataclasses import replace

import highdicom
import numpy as np
import pydicom
import pytest

from hemo.ct.identity import Identity
from hemo.ct.read import read_slice
from hemo.errors import HemoError, RefusedInput
from hemo.report import dicom_export
from hemo.report.dicom_export import BANNER, capture_pixels, export_dicom, export_zip
from hemo.report.key_slices import key_slices
from tests.report.example import CARD, SHA, example

IDENTITY = Identity("Müller^Jörg", "4711", "19700101", "M", "1.2.3", "7", "20240229", "101112", "A1", "Who^Dr")


def read(files) -> tuple[list[pydicom.Dataset], pydicom.Dataset]:
    *captures, report = [pydicom.dcmread(io.BytesIO(content)) for _, content in files]
    return captures, report


def test_captures_show_the_key_slices():
    result = example()
    captures, _ = read(export_dicom(result, CARD, limit=3))
    keys = key_slices(result, limit=3)
    assert [capture.ImageComments for capture in captures] == [key.caption for key in keys]
    for capture, key in zip(captures, keys, strict=True):
        assert capture.SOPClassUID == pydicom.uid.SecondaryCaptureImageStorage
        # Slices of 128 columns are magnified four times.
        assert np.array_equal(capture.pixel_array[:512:4, :512:4, 0], key.grey)
        assert np.array_equal(capture.pixel_array[1:512:4, 513::4], key.marked)
        assert capture.PixelSpacing == [0.125, 0.125]


def test_every_object_is_marked_and_belongs_together():
    captures, report = read(export_dicom(example(), CARD))
    for dataset in (*captures, report):
        assert BANNER in dataset.SeriesDescription
        assert dataset.ContentQualification == "RESEARCH"
        assert dataset.StudyInstanceUID == report.StudyInstanceUID
    assert {capture.BurnedInAnnotation for capture in captures} == {"NO"}
    assert len({dataset.SOPInstanceUID for dataset in (*captures, report)}) == 7
    assert report.VerificationFlag == "UNVERIFIED" and report.PreliminaryFlag == "PRELIMINARY"


def test_mark_is_in_the_pixels():
    """The band below the slices is drawn on, and differs with what it says."""
    key, other = key_slices(example(), limit=2)
    first, second = (capture_pixels(each, CARD, 8)[512:] for each in (key, other))
    assert first.shape[0] > 50 and first.max() > 200
    assert not np.array_equal(first, second)


def test_report_holds_call_score_and_model():
    files = export_dicom(example(), CARD, "screening")
    tree = highdicom.sr.srread(io.BytesIO(files[-1][1]))
    groups = tree.content.get_image_measurement_groups()
    captures, report = read(files)
    assert [round(group.get_measurements()[0].value, 2) for group in groups] == [0.05, 0.2, 0.97, 0.91, 0.45, 0.1]
    assert [group.get_qualitative_evaluations()[0].value.meaning for group in groups][2:5] == [
        "Hemorrhage",
        "Hemorrhage",
        "Uncertain",
    ]
    referenced = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert [item.ReferencedSOPInstanceUID for item in referenced] == [capture.SOPInstanceUID for capture in captures]
    said = " ".join(item.TextValue for item in report.ContentSequence if item.ValueType == "TEXT")
    for words in (BANNER, SHA, "Study call: Hemorrhage. Score: 0.970000. Operating point: screening.", "10 mm thick",
                  "trauma patients", "Reader's verdict: disagree.", "not where the bleed is"):  # fmt: skip
        assert words in said, words


def test_nothing_names_the_patient_unless_asked():
    for dataset in (read(export_dicom(example(), CARD))[1], read(export_dicom(example(), CARD))[0][0]):
        for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "AccessionNumber"):
            assert not dataset.get(name)
    first, second = (read(export_dicom(example(), CARD))[1].StudyInstanceUID for _ in range(2))
    assert first != second


def test_identity_is_written_when_asked():
    captures, report = read(export_dicom(example(), CARD, identity=IDENTITY))
    for dataset in (captures[0], report):
        assert str(dataset.PatientName) == "Müller^Jörg"
        assert (dataset.PatientID, dataset.PatientBirthDate, dataset.PatientSex) == ("4711", "19700101", "M")
        assert (dataset.StudyInstanceUID, dataset.StudyDate, dataset.AccessionNumber) == ("1.2.3", "20240229", "A1")


def test_hostile_identity_is_cut_to_what_dicom_allows(caplog):
    """pydicom writes an invalid value into a warning and a log: nothing invalid may reach it."""
    caplog.set_level(logging.DEBUG)
    evil = Identity(
        "CANARY\\^\n" * 30, "C" * 300, "born", "CANARY", "1..2 CANARY", "x" * 99, "day", "t", "a" * 99, "\0"
    )
    captures, report = read(export_dicom(example(), CARD, identity=evil))
    assert len(str(captures[0].PatientName)) <= 64 and len(report.PatientID) == 64
    assert not report.PatientBirthDate and not report.PatientSex
    assert "CANARY" not in report.StudyInstanceUID and "CANARY" not in caplog.text


def test_notes_in_any_script_survive():
    _, report = read(export_dicom(replace(example(), note="кровь 出血"), CARD))
    assert any("кровь 出血" in item.TextValue for item in report.ContentSequence if item.ValueType == "TEXT")


def test_study_without_a_read_slice_is_refused():
    with pytest.raises(RefusedInput, match="whose slices were refused"):
        export_dicom(example((None, None)), CARD)


def test_zip_holds_the_same_files():
    with zipfile.ZipFile(io.BytesIO(export_zip(example(), CARD, limit=2))) as archive:
        assert archive.namelist() == ["capture-001.dcm", "capture-002.dcm", "report.dcm"]
        assert archive.testzip() is None


def test_what_does_not_read_back_is_never_handed_out(monkeypatch):
    monkeypatch.setattr(dicom_export, "_mark", lambda *_: None)
    with pytest.raises((RuntimeError, AttributeError)):
        export_dicom(example(), CARD)


def test_hemo_refuses_its_own_captures_as_input():
    for _, content in export_dicom(example(), CARD, limit=1):
        with pytest.raises(HemoError, match="Expected a CT image"):
            read_slice(content, "own")
