"""Any file to slices, recognized by content: the suffix is only ever a name."""

from pathlib import Path
from typing import Literal

from hemo.ct.dicom import read_dicom
from hemo.ct.dicom_elements import looks_like_dicom
from hemo.ct.picture import JPEG_MAGIC, PNG_MAGIC, read_picture
from hemo.ct.slice import CTSlice
from hemo.errors import RefusedInput, UnreadableImage

Kind = Literal["png", "jpeg", "dicom", "nifti", "zip", "unknown"]

MAX_FILE_BYTES = 600 * 2**20

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
# sizeof_hdr, the first field of a NIfTI-1 (348) or NIfTI-2 (540) header, in either byte order.
_NIFTI_SIZES = {size.to_bytes(4, order) for size in (348, 540) for order in ("little", "big")}


def sniff(data: bytes) -> Kind:
    """Tell a file's kind from its first bytes.

    A gzip stream counts as NIfTI, the only kind that Hemo reads compressed so.
    """
    if data.startswith(PNG_MAGIC):
        return "png"
    if data.startswith(JPEG_MAGIC):
        return "jpeg"
    if data.startswith(_ZIP_MAGICS):
        return "zip"
    if data.startswith(_GZIP_MAGIC) or (data[:4] in _NIFTI_SIZES and data[128:132] != b"DICM"):
        return "nifti"
    if looks_like_dicom(data):
        return "dicom"
    return "unknown"


def read_slice(data: bytes, name: str) -> CTSlice:
    """Read a file that holds one slice.

    Args:
        data: the whole file: PNG, JPEG or single-frame DICOM CT.
        name: how to call the slice on screen; never used as a path.

    Raises:
        UnreadableImage: if the bytes are damaged or of no kind that Hemo reads.
        RefusedInput: if the file is understood and not one CT slice, or too large.
    """
    kind = sniff(data)
    if kind in ("png", "jpeg"):
        return read_picture(data, name)
    if kind == "dicom":
        slices = read_dicom(data, name)
        if len(slices) != 1:
            raise RefusedInput(f"Expected a file of one slice. Received: {len(slices)} frames; read it as a study.")
        return slices[0]
    if kind in ("nifti", "zip"):
        raise RefusedInput(f"Expected a file of one slice. Received: a {kind} file; read it as a study.")
    raise unknown_kind(data)


def read_path(path: Path | str) -> CTSlice:
    """Read the file at `path`, which the caller chose, as one slice named after the file.

    Raises:
        UnreadableImage: as `read_slice`, and if the file cannot be opened.
        RefusedInput: as `read_slice`.
    """
    path = Path(path)
    return read_slice(read_bytes(path), path.name)


def read_bytes(path: Path) -> bytes:
    """Content of a file.

    Raises:
        UnreadableImage: if it cannot be opened.
        RefusedInput: if it is larger than `MAX_FILE_BYTES`.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise RefusedInput(
                f"Expected a file of at most {MAX_FILE_BYTES // 2**20} MB. Received: {size // 2**20} MB."
            )
        return path.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"Expected a file that can be opened. Received: {error.strerror}.") from None


def unknown_kind(data: bytes) -> UnreadableImage:
    """The error for a file of no known kind."""
    if not data:
        return UnreadableImage("Expected a PNG, JPEG, DICOM, NIfTI or zip file. Received: an empty file.")
    text = all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in data[:64])
    received = "text" if text else f"{len(data):,} bytes of no known kind"
    return UnreadableImage(f"Expected a PNG, JPEG, DICOM, NIfTI or zip file. Received: {received}.")
