import io
import struct

import numpy as np
import pytest
from PIL import Image

from hemo.ct.codestream import jpeg2000_frame_size, jpeg_frame_size
from tests.ct.make_dicom import lossless_jpeg


def encode(shape: tuple[int, ...], kind: str, **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.zeros(shape, np.uint8)).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_states_its_size(progressive):
    size = jpeg_frame_size(encode((40, 70, 3), "JPEG", progressive=progressive, comment=b"\xff\xc0 in a comment"))
    assert size is not None
    assert (size.rows, size.columns, size.components, size.precision) == (40, 70, 3, 8)


def test_lossless_jpeg_states_its_size():
    size = jpeg_frame_size(lossless_jpeg(np.zeros((5, 9), np.uint16), 12, 1))
    assert size is not None
    assert (size.rows, size.columns, size.components, size.precision) == (5, 9, 1, 12)


@pytest.mark.parametrize("boxed", [False, True])
def test_jpeg_2000_states_its_size(boxed):
    data = encode((40, 70), "JPEG2000", no_jp2=not boxed, tile_size=(32, 32))
    size = jpeg2000_frame_size(data)
    assert size is not None
    assert (size.rows, size.columns, size.components, size.precision, size.tiles) == (40, 70, 1, 8, 6)


def test_jpeg_2000_of_a_pixel_a_tile_counts_its_tiles():
    body = struct.pack(">H8IH3B", 41, 60000, 60000, 0, 0, 1, 1, 0, 0, 1, 7, 1, 1)
    size = jpeg2000_frame_size(b"\xff\x4f\xff\x51" + struct.pack(">H", 41) + body)
    assert size is not None
    assert size.tiles == 60000 * 60000


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xff\xff\xff", b"\xff\xd8\xff\xda\x00\x04ab", b"text" * 9]
)
def test_what_has_no_frame_header_has_no_size(data):
    assert jpeg_frame_size(data) is None
    assert jpeg2000_frame_size(data) is None


def test_every_cut_of_a_header_is_survived():
    jpeg, jpeg2000 = encode((40, 70), "JPEG"), encode((40, 70), "JPEG2000")
    assert jpeg_frame_size(jpeg) is not None
    for end in range(200):
        jpeg_frame_size(jpeg[:end])
        jpeg2000_frame_size(jpeg2000[:end])
