import pytest
from PIL import Image

from hemo.ct.identity import read_identity
from hemo.ct.study import assemble_studies
from tests.ct.make_dicom import ct_bytes
from tests.ct.test_picture import GREY, encode


def test_identity_is_read_only_when_asked():
    (study,) = assemble_studies([("a", ct_bytes())]).studies
    assert "CANARY" not in repr(study)
    identity = study.identity()
    assert identity is not None
    assert (identity.patient_name, identity.patient_id, identity.birth_date) == (
        "CANARY^PATIENT",
        "CANARY-4711",
        "19700101",
    )
    assert "CANARY" not in repr(identity)


@pytest.mark.parametrize(("terms", "encoding"), [("ISO_IR 192", "utf-8"), ("ISO_IR 100", "latin-1")])
def test_names_are_decoded(terms, encoding):
    identity = read_identity(ct_bytes(SpecificCharacterSet=terms, PatientName="Müller^Jörg"))
    assert identity is not None
    assert identity.patient_name == "Müller^Jörg"
    assert encoding


def test_pictures_have_none():
    (study,) = assemble_studies([("a.png", encode(Image.fromarray(GREY)))]).studies
    assert study.identity() is None


def test_unreadable_file_has_none():
    assert read_identity(b"text") is None
