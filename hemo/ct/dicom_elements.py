"""Walk the elements of a DICOM data set, keep the few that matter, and never work more than the file is worth.

Why not `pydicom.dcmread`: it converts what it meets, so a hostile file decides how much memory (one decimal string of
five million values, a deflated set of zeros) and how much recursion (nested sequences) it costs, and its warnings
quote header values into logs. This walk is iterative over everything it skips, counts its steps, copies only the
elements asked for, and has no opinion that could be logged. Pixel decoding is left to the libraries that know it.

References:
    PS3.5 section 7 (data element structure), 7.5 (nesting), A.4 (encapsulated pixel data), A.5 (deflate);
    PS3.10 section 7.1 (preamble and file meta information).
"""

import struct
import zlib
from dataclasses import dataclass, field
from typing import TypeAlias

from hemo.errors import RefusedInput, UnreadableImage

# Longest value copied for one element; the longest that Hemo needs, six numbers, takes about a hundred bytes.
MAX_VALUE_BYTES = 4096
# Elements met in one file, nested ones included. An enhanced CT of 500 frames has about 20,000.
MAX_ELEMENTS = 200_000
MAX_DEPTH = 32
# A deflated data set may grow to this; a 512×512 slice takes half a megabyte.
MAX_INFLATED_BYTES = 64 * 2**20
MAX_FRAGMENTS = 20_000

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
TRANSFER_SYNTAX = 0x00020010

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
NATIVE = {IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED}
JPEG_BASELINE, JPEG_EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS, JPEG_LOSSLESS_SV1 = "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS, JPEG_LS_NEAR = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS, JPEG_2000 = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"
RLE_LOSSLESS = "1.2.840.10008.1.2.5"

TRANSFER_SYNTAXES: dict[str, str] = {
    IMPLICIT_LITTLE: "Implicit VR Little Endian",
    EXPLICIT_LITTLE: "Explicit VR Little Endian",
    EXPLICIT_BIG: "Explicit VR Big Endian",
    DEFLATED: "Deflated Explicit VR Little Endian",
    JPEG_BASELINE: "JPEG Baseline",
    JPEG_EXTENDED: "JPEG Extended",
    JPEG_LOSSLESS: "JPEG Lossless",
    JPEG_LOSSLESS_SV1: "JPEG Lossless, first-order prediction",
    JPEG_LS_LOSSLESS: "JPEG-LS Lossless",
    JPEG_LS_NEAR: "JPEG-LS Near-Lossless",
    JPEG_2000_LOSSLESS: "JPEG 2000 Lossless",
    JPEG_2000: "JPEG 2000",
    RLE_LOSSLESS: "RLE Lossless",
}

# VRs whose explicit header has two reserved bytes and a 32-bit length (PS3.5 table 7.1-1).
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})

Items: TypeAlias = "list[dict[int, bytes | Items]]"


@dataclass(frozen=True)
class Elements:
    """The elements kept from one file.

    Args:
        transfer_syntax: UID, one of `TRANSFER_SYNTAXES`.
        little_endian: byte order of binary values and of native pixels.
        values: tag (group << 16 | element) to raw bytes, or to items for a sequence.
        pixels: native pixel bytes; None when encapsulated or absent. A view into the file, not a copy.
        fragments: encapsulated pixel data, the offset table first; None when native or absent.
    """

    transfer_syntax: str
    little_endian: bool
    values: dict[int, "bytes | Items"] = field(repr=False)
    pixels: memoryview | None = field(repr=False, default=None)
    fragments: tuple[memoryview, ...] | None = field(repr=False, default=None)


def looks_like_dicom(data: bytes) -> bool:
    """Whether the bytes begin like a DICOM file, with the preamble or, as old archives write it, without."""
    if data[128:132] == b"DICM":
        return True
    if len(data) < 16 or data[:4] not in (b"\x02\x00\x00\x00", b"\x08\x00\x00\x00", b"\x08\x00\x05\x00",
                                          b"\x08\x00\x08\x00", b"\x08\x00\x16\x00", b"\x08\x00\x01\x00",
                                          b"\x00\x08\x00\x00", b"\x00\x08\x00\x05", b"\x00\x08\x00\x08"):  # fmt: skip
        return False
    # An explicit VR, or an implicit length that a first element can have.
    return _is_vr(data[4:6]) or 0 < struct.unpack_from("<I", data, 4)[0] <= 64


def read_elements(data: bytes, wanted: frozenset[int]) -> Elements:
    """Walk a whole file and keep the wanted elements.

    Args:
        data: the file.
        wanted: tags whose values are copied; sequences among them are entered, and within them the same tags are kept.

    Raises:
        UnreadableImage: if the bytes end early or are not DICOM.
        RefusedInput: if the transfer syntax is not in `TRANSFER_SYNTAXES` or the file exceeds a cap of this module.
    """
    if not looks_like_dicom(data):
        raise UnreadableImage(f"Expected a DICOM file. Received: {len(data):,} bytes that do not begin like one.")
    try:
        return _read(data, wanted)
    except (struct.error, IndexError, zlib.error) as error:
        raise UnreadableImage(
            f"Expected a whole DICOM file. Received: {len(data):,} bytes that stop making sense"
            f" ({type(error).__name__})."
        ) from None


def _read(data: bytes, wanted: frozenset[int]) -> Elements:
    start = 132 if data[128:132] == b"DICM" else 0
    transfer_syntax, start = _read_meta(data, start)
    body: bytes | memoryview = memoryview(data)[start:]
    if transfer_syntax is None:
        transfer_syntax = _guess_syntax(bytes(body[:16]))
    if transfer_syntax not in TRANSFER_SYNTAXES:
        raise RefusedInput(
            "Expected uncompressed, deflated, JPEG, JPEG-LS, JPEG 2000 or RLE pixel data. "
            f"Received: transfer syntax {_printable_uid(transfer_syntax)}."
        )
    if transfer_syntax == DEFLATED:
        body = _inflate(body)
    walk = _Walk(
        memoryview(body),
        wanted,
        explicit=transfer_syntax != IMPLICIT_LITTLE,
        little=transfer_syntax != EXPLICIT_BIG,
    )
    values = walk.dataset(0, len(body), depth=0)
    if walk.fragments is not None and transfer_syntax in NATIVE:
        raise UnreadableImage(
            f"Expected native pixel data for {TRANSFER_SYNTAXES[transfer_syntax]}. Received: encapsulated fragments."
        )
    return Elements(transfer_syntax, walk.little, values, walk.pixels, walk.fragments)


def _read_meta(data: bytes, offset: int) -> tuple[str | None, int]:
    """Transfer syntax in the file meta information (always explicit little endian) and where the data set starts."""
    syntax = None
    for _ in range(64):
        if data[offset : offset + 2] != b"\x02\x00":
            return syntax, offset
        (element,) = struct.unpack_from("<H", data, offset + 2)
        vr = data[offset + 4 : offset + 6]
        if not _is_vr(vr):  # a few writers leave even the meta implicit
            (length,) = struct.unpack_from("<I", data, offset + 4)
            offset += 8
        elif vr in _LONG_VRS:
            (length,) = struct.unpack_from("<I", data, offset + 8)
            offset += 12
        else:
            (length,) = struct.unpack_from("<H", data, offset + 6)
            offset += 8
        if length > len(data) - offset:
            raise UnreadableImage(
                f"Expected file meta information inside the file. Received: an element of {length:,} bytes"
                f" in {len(data) - offset:,}."
            )
        if element == TRANSFER_SYNTAX & 0xFFFF:
            syntax = data[offset : offset + min(length, 64)].decode("ascii", "replace").strip("\0 ") or None
        offset += length
    raise RefusedInput("Expected at most 64 elements of file meta information. Received: more.")


def _guess_syntax(first: bytes) -> str:
    """Transfer syntax of a data set without file meta, from its first element (group 0008 in practice)."""
    if len(first) < 8:
        raise UnreadableImage(f"Expected a data set after the DICOM header. Received: {len(first)} bytes.")
    if not _is_vr(first[4:6]):
        return IMPLICIT_LITTLE
    return EXPLICIT_BIG if first[0] == 0 and first[1] != 0 else EXPLICIT_LITTLE


def _inflate(body: "bytes | memoryview") -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(body, MAX_INFLATED_BYTES)
    if inflater.unconsumed_tail:
        raise RefusedInput(
            f"Expected a deflated data set of at most {MAX_INFLATED_BYTES // 2**20} MB. "
            f"Received: {len(body):,} bytes that inflate to more."
        )
    return inflated


def _is_vr(two: bytes) -> bool:
    return len(two) == 2 and b"A" <= two[:1] <= b"Z" and b"A" <= two[1:] <= b"Z"


def _printable_uid(uid: str) -> str:
    """A UID is digits and dots; anything else in its place is not repeated on screen."""
    return uid if uid and set(uid) <= set("0123456789.") else "that is not a UID"


class _Walk:
    """One pass over one data set."""

    def __init__(self, data: memoryview, wanted: frozenset[int], explicit: bool, little: bool) -> None:
        self.data = data
        self.wanted = wanted
        self.explicit = explicit
        self.little = little
        self.order = "<" if little else ">"
        self.tag_format = struct.Struct(self.order + "HH")
        self.long_format = struct.Struct(self.order + "I")
        self.short_format = struct.Struct(self.order + "H")
        self.left = MAX_ELEMENTS
        self.pixels: memoryview | None = None
        self.fragments: tuple[memoryview, ...] | None = None

    def header(self, offset: int, explicit: bool) -> tuple[int, bytes, int, int]:
        """Tag, VR (empty when implicit), length and offset of the value of the element at `offset`."""
        self.left -= 1
        if self.left < 0:
            raise RefusedInput(f"Expected at most {MAX_ELEMENTS:,} DICOM elements. Received: more.")
        group, element = self.tag_format.unpack_from(self.data, offset)
        tag = group << 16 | element
        if group == 0xFFFE or not explicit:
            return tag, b"", self.long_format.unpack_from(self.data, offset + 4)[0], offset + 8
        vr = bytes(self.data[offset + 4 : offset + 6])
        if not _is_vr(vr):  # implicit elements inside an explicit data set: seen in the wild, and pydicom reads them
            return tag, b"", self.long_format.unpack_from(self.data, offset + 4)[0], offset + 8
        if vr in _LONG_VRS:
            return tag, vr, self.long_format.unpack_from(self.data, offset + 8)[0], offset + 12
        return tag, vr, self.short_format.unpack_from(self.data, offset + 6)[0], offset + 8

    def dataset(self, offset: int, end: int, depth: int) -> dict[int, "bytes | Items"]:
        """Wanted elements from `offset` to `end` (top level only, where a data set has no delimiter)."""
        values, _ = self._elements(offset, end, self.explicit, depth)
        return values

    def _elements(self, offset: int, end: int, explicit: bool, depth: int) -> tuple[dict[int, "bytes | Items"], int]:
        if depth > MAX_DEPTH:
            raise RefusedInput(f"Expected sequences nested at most {MAX_DEPTH} deep. Received: deeper.")
        values: dict[int, bytes | Items] = {}
        # Fewer than 8 bytes left are trailing padding.
        while offset + 8 <= end:
            tag, vr, length, offset = self.header(offset, explicit)
            if tag in (ITEM_END, SEQUENCE_END):
                return values, offset
            if tag == PIXEL_DATA and depth == 0:
                self._take_pixels(offset, length, end)
                return values, end
            if length == UNDEFINED:
                inner = explicit and vr != b"UN"  # PS3.5 6.2.2: an unknown sequence is implicit inside
                if tag in self.wanted:
                    items, offset = self._items(offset, end, inner, depth + 1)
                    values.setdefault(tag, items)
                else:
                    offset = self._skip(offset, end, inner)
                continue
            if length > end - offset:
                raise UnreadableImage(
                    f"Expected a whole DICOM file. Received: an element of {length:,} bytes in {end - offset:,}."
                )
            if tag in self.wanted:
                values.setdefault(tag, self._value(tag, vr, offset, length, explicit, depth))
            offset += length
        return values, offset

    def _value(self, tag: int, vr: bytes, offset: int, length: int, explicit: bool, depth: int) -> "bytes | Items":
        if tag in SEQUENCES:
            items, _ = self._items(offset, offset + length, explicit and vr != b"UN", depth + 1)
            return items
        cap = MAX_LUT_BYTES if tag == LUT_DATA else MAX_VALUE_BYTES
        if length > cap:
            raise RefusedInput(
                f"Expected at most {cap:,} bytes in element ({tag >> 16:04X},{tag & 0xFFFF:04X}). "
                f"Received: {length:,} bytes."
            )
        return bytes(self.data[offset : offset + length])

    def _items(self, offset: int, end: int, explicit: bool, depth: int) -> tuple[Items, int]:
        items: Items = []
        while offset + 8 <= end:
            tag, _, length, offset = self.header(offset, explicit)
            if tag != ITEM:
                return items, offset
            if length == UNDEFINED:
                values, offset = self._elements(offset, end, explicit, depth)
            else:
                if length > end - offset:
                    raise UnreadableImage(
                        f"Expected a whole DICOM file. Received: an item of {length:,} bytes in {end - offset:,}."
                    )
                values, _ = self._elements(offset, offset + length, explicit, depth)
                offset += length
            items.append(values)
        return items, offset

    def _skip(self, offset: int, end: int, explicit: bool) -> int:
        """Offset behind a sequence of undefined length, found without recursion."""
        nested = [explicit]
        while nested:
            if len(nested) > 2 * MAX_DEPTH:  # a sequence and its item count one each
                raise RefusedInput(f"Expected sequences nested at most {MAX_DEPTH} deep. Received: deeper.")
            if offset + 8 > end:
                raise UnreadableImage("Expected every DICOM sequence to end. Received: one that does not.")
            tag, vr, length, offset = self.header(offset, nested[-1])
            if tag in (ITEM_END, SEQUENCE_END):
                nested.pop()
            elif length == UNDEFINED:
                nested.append(nested[-1] and vr != b"UN")
            elif length > end - offset:
                raise UnreadableImage(
                    f"Expected a whole DICOM file. Received: an element of {length:,} bytes in {end - offset:,}."
                )
            else:
                offset += length
        return offset

    def _take_pixels(self, offset: int, length: int, end: int) -> None:
        if length != UNDEFINED:
            self.pixels = self.data[offset : min(offset + length, end)]
            return
        fragments = []
        while offset + 8 <= end:
            tag, _, size, offset = self.header(offset, True)
            if tag != ITEM:
                break
            if size > end - offset:
                raise UnreadableImage(
                    f"Expected whole pixel data. Received: a fragment of {size:,} bytes in {end - offset:,}."
                )
            fragments.append(self.data[offset : offset + size])
            offset += size
            if len(fragments) > MAX_FRAGMENTS:
                raise RefusedInput(f"Expected at most {MAX_FRAGMENTS:,} pixel fragments. Received: more.")
        self.fragments = tuple(fragments)


# The sequences that Hemo enters, and the one long value it reads: the Modality LUT's table (PS3.3 C.11.1).
MODALITY_LUT_SEQUENCE = 0x00283000
SHARED_GROUPS, PER_FRAME_GROUPS = 0x52009229, 0x52009230
PLANE_POSITION, PLANE_ORIENTATION = 0x00209113, 0x00209116
PIXEL_MEASURES, VALUE_TRANSFORMATION = 0x00289110, 0x00289145
SEQUENCES = frozenset({
    MODALITY_LUT_SEQUENCE, SHARED_GROUPS, PER_FRAME_GROUPS, PLANE_POSITION, PLANE_ORIENTATION, PIXEL_MEASURES,
    VALUE_TRANSFORMATION,
})  # fmt: skip
LUT_DATA = 0x00283006
MAX_LUT_BYTES = 2 * 65536
