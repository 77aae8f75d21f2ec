import re
import zlib

import pytest

from hemo.ct.identity import Identity
from hemo.report.pdf import BANNER, study_pdf
from tests.report.example import CARD, SHA, example

IDENTITY = Identity("Doe^Jane", "4711", "19700101", "F", "1.2.3", "7", "20240229", "101112", "A1", "Who^Dr")


def text_of(pdf: bytes) -> str:
    """What the pages say: fpdf2 writes text as literal strings inside deflated streams."""
    said = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            content = zlib.decompress(stream)
        except zlib.error:
            continue
        if b" Tj" in content or b"] TJ" in content:
            said.append(b" ".join(re.findall(rb"\((.*?)(?<!\\)\)", content)).decode("latin-1"))
    return " ".join(said).replace("\\", "")


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf))


def test_report_says_what_it_must():
    pdf = study_pdf(example(), CARD, "screening")
    said = text_of(pdf)
    for words in ("Hemorrhage", "score 0.970", "here slice 4", "threshold 0.200", "example-net", SHA, "CT study report",
                  "10 mm thick", "disagree", "Motion artefact.", "trauma patients", "not where the bleed is",
                  "Slice 4, 15.0 mm"):  # fmt: skip
        assert words in said, words
    assert said.count(BANNER) == pages(pdf) >= 3


def test_report_has_each_key_slice_twice():
    pdf = study_pdf(example(), CARD, limit=2)
    alone = study_pdf(example(), CARD, limit=1)
    images = [content.count(b"/Subtype /Image") for content in (pdf, alone)]
    assert images[0] - images[1] == 2


def test_identity_is_printed_only_when_given():
    assert "Doe" not in text_of(study_pdf(example(), CARD))
    said = text_of(study_pdf(example(), CARD, identity=IDENTITY))
    assert "Doe Jane" in said and "4711" in said


def test_default_call_names_the_uncertain_band():
    said = text_of(study_pdf(example(), CARD))
    assert "between 0.300 and 0.600 are Uncertain" in said


@pytest.mark.parametrize("unit", ["HU", "grey"])
@pytest.mark.parametrize("probabilities", [(None,), (0.9,), (None, None), (0.1,) * 60])
def test_any_study_gives_a_report(probabilities, unit):
    pdf = study_pdf(example(probabilities, unit=unit), CARD)
    assert pdf.startswith(b"%PDF-") and pages(pdf) >= 1
    if probabilities[0] is None:
        assert "No slice was read" in text_of(pdf)


def test_text_outside_latin_is_no_error():
    from dataclasses import replace

    pdf = study_pdf(replace(example(), name="Рентген 頭部", note="≥ 3 мм → да"), CARD)
    assert ">= 3" in text_of(pdf)
