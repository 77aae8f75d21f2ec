"""A patient's name in the header reaches no export unless it is asked for."""

import io
import zipfile
from dataclasses import replace

import pydicom
import pytest

from hemo.ct.study import Study, assemble_studies
from hemo.report.dicom_export import export_zip
from hemo.report.pdf import study_pdf
from hemo.report.study_json import StudyResult, studies_json
from tests.ct.make_dicom import ct_bytes
from tests.report.example import CARD, example
from tests.report.test_pdf import text_of

# What `make_dicom` writes into every header.
SECRETS = ("CANARY", "19700101", "20240229", "1.2.3.4")


@pytest.fixture(scope="module")
def study() -> Study:
    (read,) = assemble_studies([("scan", ct_bytes(SeriesDescription="CANARY", StudyDescription="CANARY"))]).studies
    return read


@pytest.fixture(scope="module")
def result(study: Study) -> StudyResult:
    """That study with the readings of an example of one slice."""
    made = example((0.9,), side=64)
    return replace(made, name=study.name, slices=study.slices, warnings=study.warnings, verdict=None, note="")


def words_of(archive: bytes) -> str:
    """Everything in the DICOM files: bytes as text, and every element as pydicom reads it."""
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        contents = [files.read(name) for name in files.namelist()]
    return "".join(content.decode("latin-1") + str(pydicom.dcmread(io.BytesIO(content))) for content in contents)


def test_no_export_names_the_patient(result):
    exports = {
        "pdf": text_of(study_pdf(result, CARD)),
        "dicom": words_of(export_zip(result, CARD)),
        "json": studies_json([result], CARD, None),
    }
    for kind, said in exports.items():
        assert len(said) > 500
        for secret in SECRETS:
            assert secret not in said, (kind, secret)


def test_asked_for_it_is_there(study, result):
    identity = study.identity()
    assert "CANARY PATIENT" in text_of(study_pdf(result, CARD, identity=identity))
    said = words_of(export_zip(result, CARD, identity=identity))
    assert "CANARY^PATIENT" in said and "1.2.3.4" in said
