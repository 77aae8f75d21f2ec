"""NIfTI volumes, plain or gzipped, to axial slices.

The header and its affine are nibabel's business; unpacking is bounded here, by what the header declares.
"""

import io
import logging
import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemo.ct.dicom import HIGHEST_HU, LOWEST_HU
from hemo.ct.slice import CTSlice
from hemo.errors import RefusedInput, UnreadableImage

MAX_SIDE = 2048
MAX_VOXELS = 2**27
# A gzipped volume beyond this many voxels (150 slices of 512×512) must be at least a twentieth of what it unpacks to.
FREE_VOXELS = 40_000_000
MAX_RATIO = 20

# Air is -1000 HU: a volume without anything near it is not in HU.
_AIR_BELOW = -200.0
_HEADER_BYTES = 540
_TYPES = frozenset({"u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"})


@dataclass(frozen=True, eq=False)
class Volume:
    """Axial slices of a NIfTI file.

    Args:
        slices: from neck to vertex.
        spacing: between slices, rows and columns, in mm; None when the header gives none.
        warnings: sentences about the whole volume.
    """

    slices: tuple[CTSlice, ...]
    spacing: tuple[float, float, float] | None
    warnings: tuple[str, ...]


def read_nifti(data: bytes, name: str) -> Volume:
    """Read a CT volume.

    Args:
        data: the whole `.nii` or `.nii.gz` file.
        name: how to call it on screen; slices get a number behind it.

    Returns:
        Axial slices as radiologists look at them: front up, the patient's right on the left.

    Raises:
        UnreadableImage: if the file is damaged or no NIfTI.
        RefusedInput: if it is not one scalar volume of CT or too large.
    """
    gzipped = data[:2] == b"\x1f\x8b"
    header = _header(_unpack(data, _HEADER_BYTES) if gzipped else data[:_HEADER_BYTES])
    shape, kind = _shape(header), _kind(header)
    offset = int(header.get_data_offset())
    size = math.prod(shape) * kind.itemsize
    if gzipped and math.prod(shape) > FREE_VOXELS and len(data) * MAX_RATIO < size:
        raise RefusedInput(
            f"Expected a gzipped volume that unpacks to at most {MAX_RATIO} times its size. "
            f"Received: {len(data):,} bytes for {size:,}."
        )
    if not 0 <= offset <= 2**20:
        raise UnreadableImage(f"Expected voxels behind the header. Received: an offset of {offset:,} bytes.")
    content = _unpack(data, offset + size) if gzipped else data
    if len(content) < offset + size:
        raise UnreadableImage(
            f"Expected {size:,} bytes of voxels for {' × '.join(map(str, shape))}. "
            f"Received: {max(len(content) - offset, 0):,} bytes."
        )
    stored = np.frombuffer(content, dtype=kind, count=math.prod(shape), offset=offset).reshape(shape, order="F")
    return _slices(stored, header, name)


def _nibabel() -> Any:
    """The library, loaded with the first volume: it takes a second, and brings pydicom and its decoders along."""
    import nibabel

    # It reports what it repairs in headers; a header's content is nobody's business in a log.
    logging.getLogger("nibabel").setLevel(logging.CRITICAL)
    return nibabel


def _unpack(data: bytes, count: int) -> bytes:
    """The first `count` bytes of a gzip stream, fewer if it is shorter."""
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, count)
    except zlib.error:
        raise UnreadableImage(f"Expected a whole gzip file. Received: {len(data):,} bytes, damaged.") from None


def _header(first: bytes) -> Any:
    nibabel = _nibabel()
    for header_class, size in ((nibabel.Nifti1Header, 348), (nibabel.Nifti2Header, 540)):
        if first[:4] in (size.to_bytes(4, "little"), size.to_bytes(4, "big")):
            try:
                return header_class.from_fileobj(io.BytesIO(first[:size]), check=False)
            except Exception:  # nibabel raises its own errors and numpy's
                break
    raise UnreadableImage("Expected a NIfTI volume (.nii or .nii.gz). Received: another kind of content.")


def _shape(header: Any) -> tuple[int, int, int]:
    try:
        shape = [int(side) for side in header.get_data_shape()]
    except Exception:  # a damaged dim field
        raise UnreadableImage("Expected a NIfTI volume with dimensions. Received: a header without.") from None
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) == 2:
        shape.append(1)
    if len(shape) != 3 or min(shape) < 1:
        raise RefusedInput(
            f"Expected one volume of three dimensions. Received: {' × '.join(map(str, shape)) or 'none'}."
        )
    if max(shape) > MAX_SIDE or math.prod(shape) > MAX_VOXELS:
        raise RefusedInput(
            f"Expected at most {MAX_VOXELS:,} voxels, {MAX_SIDE:,} a side. Received: {' × '.join(map(str, shape))}."
        )
    return shape[0], shape[1], shape[2]


def _kind(header: Any) -> np.dtype:
    try:
        kind = np.dtype(header.get_data_dtype())
    except Exception:  # an unknown data type code
        raise RefusedInput("Expected integer or float voxels. Received: an unknown data type.") from None
    if kind.str[1:] not in _TYPES:
        raise RefusedInput(f"Expected integer or float voxels of one channel. Received: {kind}.")
    return kind.newbyteorder(header.endianness)


def _slices(stored: NDArray[np.generic], header: Any, name: str) -> Volume:
    # Left, posterior, superior: columns run to the patient's left, rows to the back, slices to the head.
    turning = _nibabel().orientations
    affine = header.get_best_affine()
    notes: list[str] = []
    spacing = None
    if np.isfinite(affine).all() and None not in turning.aff2axcodes(affine):
        transform = turning.ornt_transform(turning.io_orientation(affine), turning.axcodes2ornt("LPS"))
        affine = affine @ turning.inv_ornt_aff(transform, stored.shape)
        stored = turning.apply_orientation(stored, transform)
        steps = np.linalg.norm(affine[:3, :3], axis=0)
        spacing = (float(steps[2]), float(steps[1]), float(steps[0])) if steps.min() > 0 else None
    else:
        notes.append("The header gives no orientation: slices are shown in the file's order.")
    slope, intercept = _scaling(header)
    slices = []
    for index in range(stored.shape[2]):
        with np.errstate(all="ignore"):  # what overflows is clipped below
            pixels = stored[:, :, index].T.astype(np.float32) * np.float32(slope) + np.float32(intercept)
        np.nan_to_num(pixels, copy=False, nan=float(LOWEST_HU), posinf=float(HIGHEST_HU), neginf=float(LOWEST_HU))
        slices.append(
            CTSlice(
                pixels=np.ascontiguousarray(pixels),
                unit="HU",
                name=f"{name} [{index + 1}]",
                spacing_mm=spacing[1:] if spacing else None,
                position_mm=float(affine[2, 3]) + index * spacing[0] if spacing else None,
            )
        )
    return _with_unit(slices, spacing, notes)


def _scaling(header: Any) -> tuple[float, float]:
    """Slope and intercept; a slope of 0 or none means unscaled (NIfTI-1, scl_slope)."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not math.isfinite(slope) or slope == 0:
        return 1.0, 0.0
    return slope, intercept if math.isfinite(intercept) else 0.0


def _with_unit(slices: list[CTSlice], spacing: tuple[float, float, float] | None, notes: list[str]) -> Volume:
    lowest = min(float(piece.pixels.min()) for piece in slices)
    highest = max(float(piece.pixels.max()) for piece in slices)
    if lowest > _AIR_BELOW and highest > 255:
        raise RefusedInput(
            f"Expected a CT volume in HU, air at -1000. Received: values from {lowest:.0f} to {highest:.0f}."
        )
    if lowest > _AIR_BELOW:
        notes.append("Values lie between 0 and 255: they were taken as grey levels, not HU.")
        grey = [CTSlice(piece.pixels, "grey", piece.name, piece.spacing_mm, piece.position_mm) for piece in slices]
        return Volume(tuple(grey), spacing, tuple(notes))
    for piece in slices:
        np.clip(piece.pixels, LOWEST_HU, HIGHEST_HU, out=piece.pixels)
    return Volume(tuple(slices), spacing, tuple(notes))
