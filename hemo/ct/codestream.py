"""What compressed pixel data says about its own size, read without decoding it.

A codestream carries its own dimensions, and decoders allocate by those, not by the DICOM header's: a 1 KB JPEG 2000
can claim 60,000 × 60,000 pixels inside a file whose Rows and Columns say 512. So the size is read first and compared.
"""

import struct
from dataclasses import dataclass

# JPEG and JPEG-LS markers that begin a frame (ITU-T T.81 table B.1 without DHT, JPG and DAC; T.87 SOF55).
_START_OF_FRAME = frozenset({*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xF7})
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True)
class FrameSize:
    """Dimensions that a codestream claims for itself.

    Args:
        rows: picture height, in pixels.
        columns: picture width, in pixels.
        components: channels.
        precision: bits a sample.
        tiles: how many tiles a decoder must hold (1 except in JPEG 2000).
    """

    rows: int
    columns: int
    components: int
    precision: int
    tiles: int = 1


def jpeg_frame_size(data: bytes) -> FrameSize | None:
    """Size in the first frame header of a JPEG or JPEG-LS codestream; None if there is none."""
    offset = 2
    while offset + 4 <= len(data):
        if data[offset] != 0xFF:
            return None
        marker = data[offset + 1]
        if marker == 0xFF:  # fill byte
            offset += 1
            continue
        if marker in _WITHOUT_LENGTH:
            offset += 2
            continue
        if marker in _START_OF_FRAME:
            if offset + 10 > len(data):
                return None
            precision, rows, columns, components = struct.unpack(">BHHB", data[offset + 4 : offset + 10])
            return FrameSize(rows, columns, components, precision)
        if marker in (0xDA, 0xD9):  # scan or end before any frame
            return None
        (length,) = struct.unpack(">H", data[offset + 2 : offset + 4])
        offset += 2 + max(length, 2)
    return None


def jpeg2000_frame_size(data: bytes) -> FrameSize | None:
    """Size in the SIZ segment of a JPEG 2000 codestream (T.800 A.5.1), raw or in a JP2 box; None without one."""
    start = data.find(b"\xff\x4f\xff\x51")
    # The codestream begins the fragment, or follows a few boxes of a JP2 header.
    if start < 0 or start > 4096 or start + 42 > len(data):
        return None
    width, height, left, top, tile_width, tile_height, tile_left, tile_top, components = struct.unpack(
        ">8IH", data[start + 8 : start + 42]
    )
    precision = (data[start + 42] & 0x7F) + 1 if start + 42 < len(data) else 0
    if tile_width == 0 or tile_height == 0:
        return None
    across = -(-max(width - tile_left, 0) // tile_width)
    down = -(-max(height - tile_top, 0) // tile_height)
    return FrameSize(max(height - top, 0), max(width - left, 0), components, precision, tiles=across * down)
