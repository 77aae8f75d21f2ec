"""Stored values from pixel data: native ones here, compressed ones in a guarded process."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hemo.ct.dicom_elements import Elements
from hemo.ct.dicom_header import DicomHeader
from hemo.errors import UnreadableImage


def decode_frames(header: DicomHeader, found: Elements) -> Iterator[NDArray[np.integer]]:
    """Yield each frame's stored values, integer (rows, columns), in the file's order.

    Raises:
        UnreadableImage: if the pixel data is shorter than the header says, or does not decode.
        RefusedInput: if decoding it would cost more than Hemo allows.
    """
    if found.pixels is not None:
        yield from _native_frames(header, found.pixels)
    else:
        from hemo.ct.compressed import compressed_frames

        yield from compressed_frames(header, found.fragments or ())


def _native_frames(header: DicomHeader, pixels: memoryview) -> Iterator[NDArray[np.integer]]:
    per_frame = header.rows * header.columns
    expected = per_frame * len(header.frames) * header.bits_allocated // 8
    if len(pixels) < expected:
        raise UnreadableImage(
            f"Expected {expected:,} bytes of pixel data for {len(header.frames):,} frames of {header.rows:,}"
            f"×{header.columns:,}. Received: {len(pixels):,} bytes."
        )
    order = "<" if header.little_endian else ">"
    kind = f"{order}u{header.bits_allocated // 8}"
    everything = np.frombuffer(pixels[:expected], dtype=kind).reshape(-1, header.rows, header.columns)
    for frame in everything:
        yield stored_values(frame, header)


def stored_values(raw: NDArray[np.integer], header: DicomHeader) -> NDArray[np.integer]:
    """Stored values from allocated words: the bits above are dropped (they once held overlays), the sign extended.

    References:
        PS3.5 section 8.1.1 (bits allocated, bits stored, high bit).
    """
    bits, allocated = header.bits_stored, header.bits_allocated
    unsigned = raw.astype(f"=u{allocated // 8}", copy=False)
    above = allocated - 1 - header.high_bit
    if header.signed:
        # Shift the sign bit to the top and back: the second shift, on a signed type, extends it.
        shifted = np.left_shift(unsigned, above) if above else unsigned
        return np.right_shift(shifted.view(f"=i{allocated // 8}"), allocated - bits)
    if bits == allocated:
        return unsigned
    return np.right_shift(unsigned, header.high_bit + 1 - bits) & unsigned.dtype.type(2**bits - 1)
