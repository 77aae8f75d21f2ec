import struct
import zlib
from pathlib import Path

import pydicom
import pydicom.data
import pytest

from hemo.ct import dicom_elements
from hemo.ct.dicom_elements import MAX_DEPTH, TRANSFER_SYNTAXES, looks_like_dicom, read_elements
from hemo.errors import HemoError, RefusedInput, UnreadableImage
from tests.ct.make_dicom import ct_bytes, ct_dataset, element, to_bytes

BUNDLED = Path(pydicom.data.__file__).parent / "test_files"
ROWS, MODALITY, POSITION = 0x00280010, 0x00080060, 0x00200032
UNDEFINED = b"\xff\xff\xff\xff"


def with_body(body: bytes, syntax: bytes = b"1.2.840.10008.1.2.1\0") -> bytes:
    return bytes(128) + b"DICM" + element(2, 0x10, b"UI", syntax) + body


def open_sequences(depth: int, tag: tuple[int, int] = (0x0009, 0x1001)) -> bytes:
    """Nested sequences and items of undefined length that never end."""
    return (struct.pack("<HH2sH", *tag, b"SQ", 0) + UNDEFINED + struct.pack("<HH", 0xFFFE, 0xE000) + UNDEFINED) * depth


@pytest.mark.parametrize("path", sorted(BUNDLED.glob("*.dcm")), ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_walk_agrees_with_pydicom_on_every_bundled_file(path):
    """Same raw bytes for every simple top-level element that pydicom finds before the pixels."""
    dataset = pydicom.dcmread(path, force=True)
    raw = {}
    for tag in list(dataset.keys()):
        item = dataset.get_item(tag)
        simple = isinstance(item, pydicom.dataelem.RawDataElement) and item.VR not in ("SQ", "UN")
        if tag < 0x7FE00010 and simple and item.value is not None and len(item.value) <= 1000:
            raw[int(tag)] = bytes(item.value)
    try:
        found = read_elements(path.read_bytes(), frozenset(raw))
    except HemoError as error:
        assert path.name in ("no_meta.dcm", "rtplan_truncated.dcm") or "transfer syntax" in str(error)
        return
    assert raw or path.name in ("UN_sequence.dcm", "nested_priv_SQ.dcm", "meta_missing_tsyntax.dcm")
    assert {tag: found.values.get(tag) for tag in raw} == raw
    if "PixelData" in dataset and not dataset.file_meta.get("TransferSyntaxUID", pydicom.uid.RLELossless).is_compressed:
        assert bytes(found.pixels or b"") == dataset.PixelData


@pytest.mark.parametrize("preamble", [True, False])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_file_without_meta_is_understood(preamble, syntax):
    dataset = ct_dataset()
    data = to_bytes(dataset, syntax)
    # The data set begins behind the meta group, whose length its first element states.
    start = 132 + 12 + struct.unpack_from("<I", data, 140)[0]
    bare = (data[:132] if preamble else b"") + data[start:]
    assert looks_like_dicom(bare)
    found = read_elements(bare, frozenset({MODALITY}))
    assert found.transfer_syntax == syntax
    assert found.values[MODALITY] == b"CT"
    assert found.pixels is not None and len(found.pixels) == 64 * 64 * 2


def test_only_wanted_elements_are_copied():
    found = read_elements(ct_bytes(), frozenset({MODALITY}))
    assert list(found.values) == [MODALITY]
    assert "CANARY" not in repr(found)


def test_implicit_element_in_an_explicit_file_is_read():
    implicit = struct.pack("<HHI", 0x0008, 0x0060, 2) + b"CT"
    found = read_elements(with_body(implicit + element(0x28, 0x10, b"US", b"\x40\0")), frozenset({MODALITY, ROWS}))
    assert found.values == {MODALITY: b"CT", ROWS: b"\x40\0"}


def test_unknown_sequence_of_undefined_length_is_implicit_inside():
    """PS3.5 6.2.2 note 4: as written by systems that pass through what they do not know."""
    inside = struct.pack("<HHI", 0x0009, 0x1002, 4) + b"text"
    unknown = struct.pack("<HH2sH", 0x0009, 0x1001, b"UN", 0) + UNDEFINED
    unknown += struct.pack("<HHI", 0xFFFE, 0xE000, len(inside)) + inside + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    found = read_elements(with_body(unknown + element(0x28, 0x10, b"US", b"\x40\0")), frozenset({ROWS}))
    assert found.values == {ROWS: b"\x40\0"}


@pytest.mark.parametrize("tag", [(0x0009, 0x1001), (0x5200, 0x9230)], ids=["skipped", "entered"])
def test_deeply_nested_sequences_are_refused(tag):
    with pytest.raises(RefusedInput, match=f"nested at most {MAX_DEPTH} deep"):
        read_elements(with_body(open_sequences(5000, tag)), frozenset({ROWS, 0x52009230}))


def test_sequence_without_end_is_unreadable():
    with pytest.raises(UnreadableImage, match="sequence to end"):
        read_elements(with_body(open_sequences(3)), frozenset({ROWS}))


def test_millions_of_elements_are_refused(monkeypatch):
    monkeypatch.setattr(dicom_elements, "MAX_ELEMENTS", 1000)
    body = element(0x0009, 0x1001, b"LO", b"") * 1001
    with pytest.raises(RefusedInput, match="at most 1,000 DICOM elements"):
        read_elements(with_body(body), frozenset({ROWS}))


def test_long_value_is_refused_where_it_would_be_copied():
    huge = struct.pack("<HHI", 0x0020, 0x0032, 10_000) + b"1\\" * 5000
    with pytest.raises(RefusedInput, match=r"\(0020,0032\)\. Received: 10,000 bytes"):
        read_elements(with_body(huge, b"1.2.840.10008.1.2\0"), frozenset({POSITION}))
    assert read_elements(with_body(huge, b"1.2.840.10008.1.2\0"), frozenset({ROWS})).values == {}


def test_element_longer_than_the_file_is_unreadable():
    with pytest.raises(UnreadableImage, match="an element of 4,294,967,294 bytes"):
        read_elements(with_body(struct.pack("<HH2sHI", 9, 1, b"OB", 0, 0xFFFFFFFE)), frozenset({ROWS}))


def test_deflate_bomb_stops_at_the_cap(monkeypatch):
    monkeypatch.setattr(dicom_elements, "MAX_INFLATED_BYTES", 2**20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = b"".join(packer.compress(bytes(2**20)) for _ in range(4)) + packer.flush()
    with pytest.raises(RefusedInput, match="at most 1 MB"):
        read_elements(with_body(body, b"1.2.840.10008.1.2.1.99"), frozenset({ROWS}))


def test_damaged_deflate_is_unreadable():
    with pytest.raises(UnreadableImage, match="stop making sense"):
        read_elements(with_body(b"\xff" * 40, b"1.2.840.10008.1.2.1.99"), frozenset({ROWS}))


@pytest.mark.parametrize(
    ("syntax", "shown"),
    [(b"1.2.840.10008.1.2.4.100\0", "1.2.840.10008.1.2.4.100"), (b"<script>CANARY\0", "that is not a UID")],
)
def test_transfer_syntax_not_on_the_list_is_refused_first(syntax, shown):
    with pytest.raises(RefusedInput, match=f"transfer syntax {shown}"):
        read_elements(with_body(b"\xff" * 100, syntax), frozenset({ROWS}))


def test_preamble_with_nothing_behind_it_is_unreadable():
    with pytest.raises(UnreadableImage, match="Expected a data set"):
        read_elements(bytes(128) + b"DICM", frozenset({ROWS}))


def test_native_syntax_with_fragments_is_unreadable():
    pixels = struct.pack("<HH2sH", 0x7FE0, 0x10, b"OW", 0) + UNDEFINED + struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    with pytest.raises(UnreadableImage, match="Received: encapsulated fragments"):
        read_elements(with_body(pixels), frozenset({ROWS}))


def test_listed_syntaxes_are_pydicoms_names():
    for uid, name in TRANSFER_SYNTAXES.items():
        assert pydicom.uid.UID(uid).is_transfer_syntax
        assert name.split()[0].split("-")[0] in pydicom.uid.UID(uid).name
