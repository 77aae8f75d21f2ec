"""Property: whatever happens to the bytes of a real file, Hemo answers with slices or with its own error."""

from functools import cache
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hemo.ct.read import read_slice
from hemo.ct.study import assemble_studies
from hemo.errors import HemoError
from tests.ct.make_dicom import compressed, ct_bytes, ct_dataset, to_bytes
from tests.ct.test_archive import zipped
from tests.ct.test_nifti import nifti
from tests.ct.test_picture import GREY, encode

REAL = (Path(pydicom.data.__file__).parent / "test_files" / "CT_small.dcm").read_bytes()

SOURCES = {
    "CT_small.dcm": REAL,
    "explicit": ct_bytes(),
    "deflated": to_bytes(ct_dataset(), "1.2.840.10008.1.2.1.99"),
    "big endian": to_bytes(ct_dataset(), "1.2.840.10008.1.2.2"),
    "nifti": nifti(),
    "zip": zipped({"a": ct_bytes(), "b.png": encode(Image.fromarray(GREY))}),
    "png": encode(Image.fromarray(GREY)),
    "jpeg": encode(Image.fromarray(GREY), "JPEG"),
}


GOOD = ct_bytes(StudyInstanceUID="4.4.4.4")


@cache
def compressed_source(syntax: str) -> bytes:
    return compressed(ct_dataset(), syntax)


@st.composite
def mutations(draw: st.DrawFn, length: int) -> list[tuple[str, int, bytes]]:
    """A few edits: bytes overwritten, inserted or cut out, mostly in the header, and the end cut off."""
    place = st.one_of(st.integers(0, min(length, 1600)), st.integers(0, length))
    content = st.one_of(st.binary(max_size=12), st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff", b"SQ"]))
    edit = st.tuples(st.sampled_from(["overwrite", "insert", "delete", "end"]), place, content)
    return draw(st.lists(edit, min_size=1, max_size=6))


def mutate(data: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    changed = bytearray(data)
    for kind, place, content in edits:
        if kind == "overwrite":
            changed[place : place + len(content)] = content
        elif kind == "insert":
            changed[place:place] = content
        elif kind == "delete":
            del changed[place : place + len(content) + 1]
        else:
            del changed[max(place, 1) :]
    return bytes(changed)


def check(data: bytes) -> None:
    """`read_slice` raises nothing but our errors; `assemble_studies` raises nothing and reads the good file beside."""
    try:
        read = read_slice(data, "mutated")
        assert np.isfinite(read.pixels).all()
    except HemoError as error:
        message = str(error)
        assert message.startswith("Expected ") and "Received: " in message and message.endswith("."), message
    result = assemble_studies([("mutated", data), ("good", GOOD)])
    assert any(piece.name == "good" for study in result.studies for piece in study.slices)


@pytest.mark.parametrize("name", SOURCES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_mutated_file_gives_slices_or_our_error(name, data):
    original = SOURCES[name]
    check(mutate(original, data.draw(mutations(len(original)))))


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_real_ct_mutated_many_times(data):
    check(mutate(REAL, data.draw(mutations(len(REAL)))))


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"]
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_mutated_compressed_pixels_give_slices_or_our_error(syntax, data):
    original = compressed_source(syntax)
    start = original.rindex(b"\xfe\xff\x00\xe0") + 8
    place, content = data.draw(st.tuples(st.integers(start, len(original) - 9), st.binary(min_size=1, max_size=8)))
    check(mutate(original, [("overwrite", place, content)]))


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=400), start=st.sampled_from([b"", bytes(128) + b"DICM", b"\xff\xd8\xff", b"PK\x03\x04"]))
def test_arbitrary_bytes_give_our_error(data, start):
    with pytest.raises(HemoError):
        read_slice(start + data, "noise")
