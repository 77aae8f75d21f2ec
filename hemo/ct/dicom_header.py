"""What Hemo takes from a DICOM header: geometry, how stored values become HU, and which series a slice belongs to.

Names, identifiers and dates are not among it. Series and study are kept as digests, good for grouping only.
"""

import hashlib
import math
import re
import struct
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hemo.ct import dicom_elements as elements
from hemo.ct.dicom_elements import Elements, Items, read_elements
from hemo.errors import RefusedInput, UnreadableImage

MAX_SIDE = 2048
MIN_SIDE = 16
MAX_FRAMES = 2000
# 512 frames of 512×512.
MAX_PIXELS = 2**27
# Compressed frames unpack to far more than they are, and in float32 to twice that again: a small file gets 150 frames
# of 512×512, a larger one four pixels a byte (CT compresses to about one), so that no file costs far more than it is.
FREE_PIXELS_COMPRESSED = 40_000_000
MAX_PIXELS_A_BYTE = 4

SOP_CT = frozenset({
    "1.2.840.10008.5.1.4.1.1.2",  # CT Image Storage
    "1.2.840.10008.5.1.4.1.1.2.1",  # Enhanced CT
    "1.2.840.10008.5.1.4.1.1.2.2",  # Legacy Converted Enhanced CT
})  # fmt: skip
SOP_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

_DIRECTORY_FLAG = 0x00041212
_IMAGE_TYPE, _SOP_CLASS, _MODALITY = 0x00080008, 0x00080016, 0x00080060
_SERIES_DESCRIPTION, _PROTOCOL, _BODY_PART = 0x0008103E, 0x00181030, 0x00180015
_CONTRAST_AGENT, _SLICE_THICKNESS, _GANTRY_TILT = 0x00180010, 0x00180050, 0x00181120
_KERNEL, _AGE = 0x00181210, 0x00101010
_STUDY_UID, _SERIES_UID, _SERIES_NUMBER = 0x0020000D, 0x0020000E, 0x00200011
_ACQUISITION, _INSTANCE, _POSITION, _ORIENTATION = 0x00200012, 0x00200013, 0x00200032, 0x00200037
_SAMPLES, _PHOTOMETRIC, _FRAMES = 0x00280002, 0x00280004, 0x00280008
_ROWS, _COLUMNS, _SPACING = 0x00280010, 0x00280011, 0x00280030
_ALLOCATED, _STORED, _HIGH_BIT, _SIGNED = 0x00280100, 0x00280101, 0x00280102, 0x00280103
_PADDING, _PADDING_LIMIT, _BURNED_IN, _LOSSY = 0x00280120, 0x00280121, 0x00280301, 0x00282110
_INTERCEPT, _SLOPE, _RESCALE_TYPE = 0x00281052, 0x00281053, 0x00281054
_LUT_DESCRIPTOR = 0x00283002

WANTED = frozenset({
    _DIRECTORY_FLAG, _IMAGE_TYPE, _SOP_CLASS, _MODALITY, _SERIES_DESCRIPTION, _PROTOCOL, _BODY_PART,
    _CONTRAST_AGENT, _SLICE_THICKNESS, _GANTRY_TILT, _KERNEL, _AGE, _STUDY_UID, _SERIES_UID, _SERIES_NUMBER,
    _ACQUISITION, _INSTANCE, _POSITION, _ORIENTATION, _SAMPLES, _PHOTOMETRIC, _FRAMES, _ROWS, _COLUMNS, _SPACING,
    _ALLOCATED, _STORED, _HIGH_BIT, _SIGNED, _PADDING, _PADDING_LIMIT, _BURNED_IN, _LOSSY, _INTERCEPT, _SLOPE,
    _RESCALE_TYPE, _LUT_DESCRIPTOR, elements.LUT_DATA, *elements.SEQUENCES,
})  # fmt: skip

# Terms that may be repeated on screen (PS3.3 C.7.3.1.1.1 and C.7.6.3.1.2); what else a file holds there may be a name.
_MODALITIES = frozenset({
    "CT", "MR", "US", "CR", "DX", "MG", "NM", "PT", "XA", "RF", "OT", "IO", "ES", "GM", "SM", "XC", "OP", "OPT", "ECG",
    "SR", "SEG", "PR", "KO", "REG", "DOC", "RTDOSE", "RTPLAN", "RTSTRUCT", "RTIMAGE", "RTRECORD", "PX", "BI", "BMD",
})  # fmt: skip
_PHOTOMETRICS = frozenset({
    "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "HSV", "ARGB", "CMYK", "YBR_FULL", "YBR_FULL_422",
    "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT",
})  # fmt: skip

# Words in a series' description that tell contrast or a body part; only these booleans are kept of the text.
_CONTRAST_WORDS = ("contrast", "kontrast", "angio", "cta", "c+", "+c", "post con", "with con", "w/ con", "perfusion",
                   "ctp", "venogra", "iv con", "injec")  # fmt: skip
_NO_CONTRAST_WORDS = ("without", "w/o", "wo con", "non con", "non-con", "noncon", "no con", "c-", "plain", "ohne",
                      "nativ", "sans", "unenh")  # fmt: skip
_HEAD_WORDS = ("head", "brain", "skull", "cran", "kopf", "cereb", "neuro", "schaedel", "hirn", "schädel")
_BONE_WORDS = ("bone", "knochen", "sharp", "osseous", "edge", "detail", "lung")
# Siemens and Canon kernels carry their sharpness as a number: H30s is soft, H60s is for bone.
_KERNEL_NUMBER = re.compile(r"[A-Za-z]{1,2}(\d{2})[A-Za-z]?")
_SHARP_KERNEL = 50
_OTHER_PART_WORDS = ("chest", "thorax", "abd", "pelvi", "spine", "lung", "liver", "heart", "cardiac", "colon", "hip",
                     "knee", "extrem", "ankle", "wrist", "shoulder", "leg", "foot")  # fmt: skip


Plane = Literal["axial", "coronal", "sagittal", "unknown"]


@dataclass(frozen=True)
class FramePlace:
    """Where one frame lies and how its stored values become HU.

    Args:
        position: of the first pixel's centre, in mm in patient coordinates, where known.
        orientation: row and column direction cosines, where known.
        spacing_mm: between rows and between columns, where known.
        thickness_mm: where known.
        slope: of the rescale, 1 where the header has none.
        intercept: of the rescale, 0 where the header has none.
        rescaled: whether the header has a slope and an intercept.
    """

    position: tuple[float, float, float] | None
    orientation: tuple[float, ...] | None
    spacing_mm: tuple[float, float] | None
    thickness_mm: float | None
    slope: float
    intercept: float
    rescaled: bool

    @property
    def normal(self) -> NDArray[np.float64] | None:
        """Unit normal of the slice: row direction × column direction (PS3.3 C.7.6.2.1.1), turned to point towards the
        head (or left, or back), so that positions of an axial series grow from neck to vertex.
        """
        if self.orientation is None:
            return None
        cosines = np.array(self.orientation)
        normal = np.cross(cosines[:3], cosines[3:])
        length = float(np.linalg.norm(normal))
        if length < 0.5:  # the two directions must be close to orthogonal unit vectors
            return None
        normal /= length
        return normal if normal[np.argmax(np.abs(normal))] > 0 else -normal

    @property
    def plane(self) -> Plane:
        """The anatomical plane nearest to the slice; gantry tilt up to 45 degrees stays axial."""
        normal = self.normal
        if normal is None:
            return "unknown"
        planes: tuple[Plane, ...] = ("sagittal", "coronal", "axial")
        return planes[int(np.argmax(np.abs(normal)))]

    @property
    def along_normal(self) -> float | None:
        """Position along the slice normal, in mm."""
        normal = self.normal
        if normal is None or self.position is None:
            return None
        return float(normal @ np.array(self.position))


@dataclass(frozen=True)
class DicomHeader:
    """The part of a CT's header that Hemo uses; nothing in it names the patient.

    Args:
        transfer_syntax: UID, one of `dicom_elements.TRANSFER_SYNTAXES`.
        little_endian: byte order of native pixels.
        rows: pixels down.
        columns: pixels across.
        bits_allocated: 8, 16 or 32 bits a stored value.
        bits_stored: of them in use.
        high_bit: highest bit in use.
        signed: whether stored values are two's complement.
        photometric: MONOCHROME1 or MONOCHROME2.
        padding: inclusive range of stored values that mean "outside the scan", where given.
        modality_lut: first input value and output table, where the file has one instead of a rescale.
        frames: one place a frame.
        study: digest of the study's UID, "" where there is none.
        series: digest of the series' UID, "" where there is none.
        series_number: as shown on scanners, where known.
        acquisition: number of the scan it came from, where known.
        instance: number of the slice in its series, where known.
        localizer: a scout view.
        secondary_capture: a screen capture or derived picture stored as an image.
        contrast: contrast agent in use: True, False or None when nothing says.
        sharp: reconstructed for bone, with a sharp kernel.
        child: patient younger than 18 years; None when nothing says.
        head: head named as the body part: True, another part False, None when nothing says.
        burned_in: the header says text is burned into the pixels.
        lossy: the pixels were once compressed with loss.
        tilt_degrees: gantry tilt, 0 where not given.
        rescale_type: "HU", "" or what else the header says.
    """

    transfer_syntax: str
    little_endian: bool
    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    photometric: str
    padding: tuple[int, int] | None
    modality_lut: tuple[int, NDArray[np.float32]] | None = field(repr=False)
    frames: tuple[FramePlace, ...] = field(repr=False)
    study: str
    series: str
    series_number: int | None
    acquisition: int | None
    instance: int | None
    localizer: bool
    secondary_capture: bool
    contrast: bool | None
    sharp: bool
    child: bool | None
    head: bool | None
    burned_in: bool
    lossy: bool
    tilt_degrees: float
    rescale_type: str

    @property
    def encapsulated(self) -> bool:
        """Whether the pixels are compressed."""
        return self.transfer_syntax not in elements.NATIVE


def read_header(data: bytes) -> tuple[DicomHeader, Elements]:
    """Header of a CT file, checked against every cap before a pixel is touched.

    Args:
        data: the whole file.

    Returns:
        The header, and the walked elements with views of the pixel bytes.

    Raises:
        UnreadableImage: if the file ends early, contradicts itself or is not DICOM.
        RefusedInput: if it is not a CT image, has no pixels, or is larger than Hemo decodes.
    """
    found = read_elements(data, WANTED)
    values = _Values(found)
    _check_kind(values, found)
    frame_count = values.integer(_FRAMES, default=1, textual=True)
    rows, columns = values.integer(_ROWS), values.integer(_COLUMNS)
    _check_size(rows, columns, frame_count, found)
    allocated, stored, high, signed = _check_bits(values)
    image_type = values.text(_IMAGE_TYPE).upper().split("\\")
    described = " ".join(values.text(tag) for tag in (_SERIES_DESCRIPTION, _PROTOCOL)).lower()
    header = DicomHeader(
        transfer_syntax=found.transfer_syntax,
        little_endian=found.little_endian,
        rows=rows,
        columns=columns,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        signed=signed,
        photometric=values.text(_PHOTOMETRIC),
        padding=_padding(values, signed),
        modality_lut=_modality_lut(values, signed),
        frames=_frame_places(values, frame_count),
        study=_digest(values.text(_STUDY_UID)),
        series=_digest(values.text(_SERIES_UID)),
        series_number=values.optional_integer(_SERIES_NUMBER),
        acquisition=values.optional_integer(_ACQUISITION),
        instance=values.optional_integer(_INSTANCE),
        localizer=any("LOCALIZER" in part or part == "SCOUT" for part in image_type),
        secondary_capture=values.text(_SOP_CLASS).startswith(SOP_SECONDARY_CAPTURE),
        contrast=_contrast(values, described),
        sharp=_sharp(values.text(_KERNEL), described),
        child=_child(values.text(_AGE)),
        head=_head(values.text(_BODY_PART).lower(), described),
        burned_in=values.text(_BURNED_IN).upper() == "YES",
        lossy=values.text(_LOSSY) == "01",
        tilt_degrees=(values.numbers(_GANTRY_TILT, 1) or (0.0,))[0],
        rescale_type=values.text(_RESCALE_TYPE).upper(),
    )
    return header, found


class _Values:
    """Typed access to raw element values; a value of the wrong shape counts as absent, never as an exception."""

    def __init__(self, found: Elements, values: "dict[int, bytes | Items] | None" = None) -> None:
        self.order = "<" if found.little_endian else ">"
        self.found = found
        self.values = found.values if values is None else values

    def raw(self, tag: int) -> bytes:
        value = self.values.get(tag, b"")
        return value if isinstance(value, bytes) else b""

    def text(self, tag: int) -> str:
        return self.raw(tag).decode("latin-1").strip("\0 ")

    def item(self, tag: int) -> "_Values | None":
        """First item of a sequence."""
        value = self.values.get(tag)
        if isinstance(value, list) and value:
            return _Values(self.found, value[0])
        return None

    def items(self, tag: int) -> "list[_Values]":
        value = self.values.get(tag)
        return [_Values(self.found, item) for item in value] if isinstance(value, list) else []

    def numbers(self, tag: int, count: int) -> tuple[float, ...] | None:
        """`count` finite decimals from a DS or IS, or None."""
        parts = self.text(tag).split("\\")
        if len(parts) < count:
            return None
        try:
            numbers = tuple(float(part) for part in parts[:count])
        except ValueError:
            return None
        return numbers if all(math.isfinite(number) and abs(number) < 1e9 for number in numbers) else None

    def optional_integer(self, tag: int) -> int | None:
        numbers = self.numbers(tag, 1)
        return int(numbers[0]) if numbers else None

    def binary(self, tag: int, signed: bool = False) -> int | None:
        raw = self.raw(tag)
        if len(raw) < 2:
            return None
        value: int = struct.unpack(self.order + ("h" if signed else "H"), raw[:2])[0]
        return value

    def integer(self, tag: int, default: int | None = None, textual: bool = False) -> int:
        value = self.optional_integer(tag) if textual else self.binary(tag)
        if value is None:
            value = default
        if value is None:
            raise UnreadableImage(
                f"Expected element ({tag >> 16:04X},{tag & 0xFFFF:04X}), without which pixels cannot be read. "
                "Received: a file without it."
            )
        return value


def _check_kind(values: _Values, found: Elements) -> None:
    modality = values.text(_MODALITY).upper()
    if values.raw(_DIRECTORY_FLAG) and found.pixels is None:
        raise RefusedInput("Expected a CT image. Received: a DICOMDIR, the index of a disc.")
    if modality != "CT" and values.text(_SOP_CLASS) not in SOP_CT:
        received = modality if modality in _MODALITIES else "no known modality"
        raise RefusedInput(f"Expected a CT image (modality CT). Received: {received}.")
    if found.pixels is None and found.fragments is None:
        raise RefusedInput("Expected a CT image with pixel data. Received: a DICOM file without pixels.")
    samples = values.binary(_SAMPLES) or 1
    photometric = values.text(_PHOTOMETRIC)
    if samples != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2"):
        received = photometric if photometric in _PHOTOMETRICS else "unknown"
        raise RefusedInput(
            "Expected a CT image of one channel (MONOCHROME1 or MONOCHROME2). "
            f"Received: {samples} channels, photometric interpretation {received}."
        )


def _check_size(rows: int, columns: int, frames: int, found: Elements) -> None:
    if not (MIN_SIDE <= rows <= MAX_SIDE and MIN_SIDE <= columns <= MAX_SIDE):
        raise RefusedInput(
            f"Expected {MIN_SIDE} to {MAX_SIDE:,} rows and columns. Received: {rows:,}×{columns:,} pixels."
        )
    if not 1 <= frames <= MAX_FRAMES:
        raise RefusedInput(f"Expected 1 to {MAX_FRAMES:,} frames. Received: {frames:,} frames.")
    cap = MAX_PIXELS
    if found.fragments is not None:
        encoded = sum(len(fragment) for fragment in found.fragments)
        cap = min(cap, max(FREE_PIXELS_COMPRESSED, MAX_PIXELS_A_BYTE * encoded))
    if rows * columns * frames > cap:
        raise RefusedInput(
            f"Expected at most {cap:,} pixels in one file. Received: {frames:,} frames of {rows:,}×{columns:,}."
        )


def _check_bits(values: _Values) -> tuple[int, int, int, bool]:
    allocated = values.integer(_ALLOCATED)
    stored = values.integer(_STORED, default=allocated)
    high = values.integer(_HIGH_BIT, default=stored - 1)
    representation = values.integer(_SIGNED, default=0)
    if allocated not in (8, 16, 32) or not 1 <= stored <= allocated or not stored - 1 <= high < allocated:
        raise RefusedInput(
            "Expected 8, 16 or 32 bits allocated with the bits stored inside them. "
            f"Received: {allocated} allocated, {stored} stored, high bit {high}."
        )
    return allocated, stored, high, representation == 1


def _padding(values: _Values, signed: bool) -> tuple[int, int] | None:
    """Range of padding values (PS3.3 C.7.5.1.1.2), in stored values."""
    first = values.binary(_PADDING, signed)
    if first is None:
        return None
    limit = values.binary(_PADDING_LIMIT, signed)
    last = first if limit is None else limit
    return min(first, last), max(first, last)


def _modality_lut(values: _Values, signed: bool) -> tuple[int, NDArray[np.float32]] | None:
    """First input value and table of a Modality LUT Sequence (PS3.3 C.11.1.1), which replaces the rescale."""
    item = values.item(elements.MODALITY_LUT_SEQUENCE)
    if item is None:
        return None
    descriptor, table = item.raw(_LUT_DESCRIPTOR), item.raw(elements.LUT_DATA)
    if len(descriptor) < 6 or len(table) < 2:
        raise UnreadableImage("Expected a Modality LUT with descriptor and data. Received: one without.")
    entries, bits = struct.unpack(values.order + "H2xH", descriptor[:6])
    (first,) = struct.unpack(values.order + ("h" if signed else "H"), descriptor[2:4])
    outputs = np.frombuffer(table[: len(table) // 2 * 2], dtype=values.order + "u2").astype(np.float32)
    if bits not in (8, 16) or len(outputs) != (entries or 65536):
        raise UnreadableImage(
            f"Expected a Modality LUT of {entries or 65536} 16-bit entries. Received: {len(outputs)} entries."
        )
    return first, outputs


def _frame_places(values: _Values, count: int) -> tuple[FramePlace, ...]:
    """Place of each frame: per-frame functional groups win over shared ones, and those over the top level."""
    shared = values.item(elements.SHARED_GROUPS)
    per_frame = values.items(elements.PER_FRAME_GROUPS)
    base = [values] if shared is None else [shared, values]
    if not per_frame:
        # Without functional groups one position would be every frame's: then only a single frame has one.
        place = _place(base)
        if count > 1:
            place = replace(place, position=None)
        return (place,) * count
    if len(per_frame) != count:
        raise UnreadableImage(f"Expected per-frame data for {count:,} frames. Received: for {len(per_frame):,}.")
    return tuple(_place([frame, *base]) for frame in per_frame)


def _place(levels: list[_Values]) -> FramePlace:
    def find(group: int, tag: int, count: int) -> tuple[float, ...] | None:
        for level in levels:
            inside = level.item(group)
            numbers = (inside.numbers(tag, count) if inside else None) or level.numbers(tag, count)
            if numbers is not None:
                return numbers
        return None

    position = find(elements.PLANE_POSITION, _POSITION, 3)
    spacing = find(elements.PIXEL_MEASURES, _SPACING, 2)
    thickness = find(elements.PIXEL_MEASURES, _SLICE_THICKNESS, 1)
    slope = find(elements.VALUE_TRANSFORMATION, _SLOPE, 1)
    intercept = find(elements.VALUE_TRANSFORMATION, _INTERCEPT, 1)
    if slope is not None and slope[0] == 0:
        raise UnreadableImage("Expected a rescale slope other than 0. Received: 0.")
    return FramePlace(
        position=None if position is None else (position[0], position[1], position[2]),
        orientation=find(elements.PLANE_ORIENTATION, _ORIENTATION, 6),
        spacing_mm=(spacing[0], spacing[1]) if spacing and min(spacing) > 0 else None,
        thickness_mm=thickness[0] if thickness and thickness[0] > 0 else None,
        slope=slope[0] if slope else 1.0,
        intercept=intercept[0] if intercept else 0.0,
        rescaled=slope is not None and intercept is not None,
    )


def _contrast(values: _Values, described: str) -> bool | None:
    """Contrast agent named, or the series' description says so; "without" in a description wins over "contrast"."""
    agent = values.text(_CONTRAST_AGENT).strip().lower()
    if agent and agent not in ("no", "none", "n", "0") and not any(word in agent for word in _NO_CONTRAST_WORDS):
        return True
    if any(word in described for word in _NO_CONTRAST_WORDS):
        return False
    if any(word in described for word in _CONTRAST_WORDS):
        return True
    return None


def _sharp(kernel: str, described: str) -> bool:
    number = _KERNEL_NUMBER.fullmatch(kernel.split("\\")[0])
    if number is not None:
        return int(number[1]) >= _SHARP_KERNEL
    return any(word in text for text in (kernel.lower(), described) for word in _BONE_WORDS)


def _child(age: str) -> bool | None:
    """Age as PS3.5 6.2 writes it: three digits and D, W, M or Y."""
    if len(age) != 4 or not age[:3].isdigit() or age[3] not in "DWMY":
        return None
    return age[3] != "Y" or int(age[:3]) < 18


def _head(body_part: str, described: str) -> bool | None:
    for text in (body_part, described):
        if any(word in text for word in _HEAD_WORDS):
            return True
        if any(word in text for word in _OTHER_PART_WORDS):
            return False
    return None


def _digest(uid: str) -> str:
    return hashlib.blake2b(uid.encode("latin-1"), digest_size=12).hexdigest() if uid else ""
