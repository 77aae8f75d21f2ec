"""DICOM CT files to slices in Hounsfield units.

Order (PS3.3 C.11): stored value, then modality LUT to HU. The VOI window and the inversion of MONOCHROME1 come after
that and concern display only, so they play no part here: HU mean the same in both photometric interpretations.
"""

import numpy as np
from numpy.typing import NDArray

from hemo.ct.decoding import decode_frames
from hemo.ct.dicom_elements import Elements
from hemo.ct.dicom_header import DicomHeader, FramePlace, read_header
from hemo.ct.slice import CTSlice
from hemo.errors import RefusedInput

# Air is -1000 HU. Scanners pad the corners outside the field of view with less; nothing below this is anatomy.
LOWEST_HU = np.float32(-1024)
HIGHEST_HU = np.float32(32767)
# A padding value between these is believed to be a writer's mistake: it would blank tissue.
_PADDING_ABOVE, _PADDING_BELOW = -500.0, 3000.0


def read_dicom(data: bytes, name: str) -> list[CTSlice]:
    """Read every frame of one CT file, in the file's order.

    Args:
        data: the whole file.
        name: how to call the slice on screen; frames of a multi-frame file get a number behind it.

    Returns:
        Slices in HU.

    Raises:
        UnreadableImage: if the file is damaged.
        RefusedInput: if it is not an axial CT image that Hemo may decode: another modality, color, no pixels,
            a scout view, a screen capture, too large, a transfer syntax not on the list.
    """
    header, found = read_header(data)
    refuse_what_is_no_slice(header)
    return slices_of(header, found, name)


def refuse_what_is_no_slice(header: DicomHeader) -> None:
    """Refuse CT objects that are not cross-sections.

    Raises:
        RefusedInput: for a scout view, and for a screen capture without HU.
    """
    if header.localizer:
        raise RefusedInput("Expected a CT slice. Received: a localizer (scout) view.")
    if header.secondary_capture and not header.frames[0].rescaled:
        raise RefusedInput("Expected a CT slice in HU. Received: a secondary capture without rescale to HU.")


def slices_of(header: DicomHeader, found: Elements, name: str) -> list[CTSlice]:
    """Decode what `read_header` returned.

    Raises:
        UnreadableImage: if the pixel data is damaged.
        RefusedInput: if decoding it would cost more than Hemo allows.
    """
    notes = _warnings(header)
    slices = []
    for number, (stored, place) in enumerate(zip(decode_frames(header, found), header.frames, strict=True), start=1):
        slices.append(
            CTSlice(
                pixels=_to_hu(stored, header, place),
                unit="HU",
                name=name if len(header.frames) == 1 else f"{name} [{number}]",
                spacing_mm=place.spacing_mm,
                position_mm=place.along_normal,
                warnings=notes,
            )
        )
    return slices


def _to_hu(stored: NDArray[np.integer], header: DicomHeader, place: FramePlace) -> NDArray[np.float32]:
    """Modality LUT (PS3.3 C.11.1): a table where the file has one, else stored value × slope + intercept."""
    if header.modality_lut is not None:
        first, table = header.modality_lut
        hu = table[np.clip(stored.astype(np.int64) - first, 0, len(table) - 1)]
        outside = hu[:0]
    else:
        hu = stored.astype(np.float32)
        hu *= np.float32(place.slope)
        hu += np.float32(place.intercept)
        outside = np.array(header.padding or (), dtype=np.float32) * place.slope + place.intercept
    if len(outside) and header.padding is not None and _is_outside(outside):
        low, high = header.padding
        hu[(stored >= low) & (stored <= high)] = LOWEST_HU
    return np.clip(hu, LOWEST_HU, HIGHEST_HU, out=hu)


def _is_outside(padding_hu: NDArray[np.floating]) -> bool:
    return bool(padding_hu.max() < _PADDING_ABOVE or padding_hu.min() > _PADDING_BELOW)


def _warnings(header: DicomHeader) -> tuple[str, ...]:
    notes = []
    if header.modality_lut is None and not header.frames[0].rescaled:
        notes.append("The file has no rescale to HU: stored values were taken as HU.")
    elif header.rescale_type not in ("", "HU"):
        notes.append("The file's rescaled values are not declared to be HU.")
    plane = header.frames[0].plane
    if plane in ("coronal", "sagittal"):
        notes.append(f"The slice is {plane}; models are trained on axial slices.")
    if header.contrast:
        notes.append("Contrast agent: enhancing vessels can look like blood.")
    if header.burned_in:
        notes.append("Text is burned into the pixels.")
    if header.lossy:
        notes.append("The pixels were once compressed with loss.")
    return tuple(notes)
