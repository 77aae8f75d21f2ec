import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from hemo.ct.picture import MAX_JPEG_SCANS, read_picture
from hemo.errors import HemoError, RefusedInput, UnreadableImage

GREY = np.add.outer(np.arange(64), np.arange(48)).astype(np.uint8)


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of_zeros(width: int, height: int) -> bytes:
    """A small file that unpacks to any size."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def test_grey_png_is_read_as_it_is():
    read = read_picture(encode(Image.fromarray(GREY)), "a.png")
    assert (read.unit, read.shape, read.colorfulness) == ("grey", (64, 48), 0.0)
    assert np.array_equal(read.pixels, GREY.astype(np.float32))


def test_grey_jpeg_is_close():
    read = read_picture(encode(Image.fromarray(GREY), "JPEG", quality=95), "a.jpg")
    assert np.abs(read.pixels - GREY).max() < 4


def test_color_becomes_luminance_and_says_how_colorful_it_was():
    red = np.zeros((40, 40, 3), np.uint8)
    red[..., 0] = 255
    read = read_picture(encode(Image.fromarray(red)), "red.png")
    assert read.colorfulness == 1.0
    assert np.abs(read.pixels - 0.299 * 255).max() < 1


def test_grey_stored_as_rgb_is_not_colorful():
    read = read_picture(encode(Image.fromarray(GREY).convert("RGB")), "a.png")
    assert read.colorfulness == 0.0
    assert np.array_equal(read.pixels, GREY.astype(np.float32))


def test_transparency_is_laid_over_black():
    rgba = np.full((40, 40, 4), 200, np.uint8)
    rgba[:, :20, 3], rgba[:, 20:, 3] = 0, 255
    read = read_picture(encode(Image.fromarray(rgba)), "a.png")
    assert read.pixels[0, 0] == 0
    assert read.pixels[0, 39] == 200


def test_palette_is_looked_up():
    palette = Image.fromarray(GREY).convert("P")
    assert np.abs(read_picture(encode(palette), "a.png").pixels - GREY).max() <= 1


@pytest.mark.parametrize(("top", "expected"), [(65535, 255.0), (4095, 255.0)])
def test_deep_grey_is_scaled_and_says_so(top, expected):
    deep = np.linspace(0, top, 64 * 64).reshape(64, 64).astype(np.uint16)
    read = read_picture(encode(Image.fromarray(deep)), "deep.png")
    assert read.pixels.max() == pytest.approx(expected, abs=0.1)
    assert "not HU" in read.warnings[0]


def test_bilevel_is_black_and_white():
    read = read_picture(encode(Image.fromarray(GREY > 50)), "a.png")
    assert set(np.unique(read.pixels)) == {0.0, 255.0}


def test_other_formats_are_not_even_tried():
    with pytest.raises(UnreadableImage, match=r"Received: .* bytes without a size"):
        read_picture(encode(Image.fromarray(GREY), "GIF"), "a.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_truncated_picture_is_unreadable(kind):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    data = encode(Image.fromarray(noise), kind)
    with pytest.raises(UnreadableImage, match="Expected a whole PNG or JPEG"):
        read_picture(data[: len(data) // 2], "a")


@pytest.mark.parametrize("size", [(30000, 30000), (9000, 40), (8000, 8000)])
def test_claim_of_too_many_pixels_is_refused_before_decoding(size):
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0))
    with pytest.raises(RefusedInput, match=f"Received: {size[0]:,}×{size[1]:,}"):
        read_picture(data, "bomb.png")


def test_second_header_does_not_smuggle_a_larger_size():
    small = png_of_zeros(64, 64)
    second = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 12000, 12000, 8, 0, 0, 0, 0))
    with pytest.raises(HemoError):
        read_picture(small[:33] + second + small[33:], "a.png")


def test_tiny_picture_is_refused():
    with pytest.raises(RefusedInput, match="at least 32×32"):
        read_picture(encode(Image.fromarray(GREY[:8, :8])), "icon.png")


def test_jpeg_of_thousands_of_scans_is_refused():
    data = encode(Image.fromarray(GREY), "JPEG", progressive=True)
    scan = data.index(b"\xff\xda")
    with pytest.raises(RefusedInput, match="scans"):
        read_picture(data[:scan] + data[scan:-2] * (MAX_JPEG_SCANS + 1) + data[-2:], "a.jpg")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_every_cut_of_a_file_gives_our_error_or_the_whole_slice(kind):
    """Only the closing marker may be missing."""
    data = encode(Image.fromarray(GREY), kind)
    whole = read_picture(data, "whole").pixels
    unread = 0
    for end in range(len(data)):
        try:
            assert np.array_equal(read_picture(data[:end], "cut").pixels, whole)
        except HemoError:
            unread += 1
    assert unread >= len(data) - 20
