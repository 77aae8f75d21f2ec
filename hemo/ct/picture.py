"""PNG and JPEG slices: someone else already chose the window, so what remains is a grey level from 0 to 255."""

import io
import struct
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hemo.ct.codestream import jpeg_frame_size
from hemo.ct.slice import CTSlice
from hemo.errors import RefusedInput, UnreadableImage

MIN_SIDE = 32
MAX_SIDE = 8192
MAX_PIXELS = 4096 * 4096
# A progressive JPEG has about ten scans; each costs a pass over the picture, so thousands of them are an attack.
MAX_JPEG_SCANS = 64

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
JPEG_MAGIC = b"\xff\xd8\xff"

# Pillow only warns about pictures of 90 to 180 million pixels; here that is an error, like every other bomb.
warnings.simplefilter("error", Image.DecompressionBombWarning)


def read_picture(data: bytes, name: str) -> CTSlice:
    """Read one PNG or JPEG.

    Args:
        data: the whole file; 8 or 16 bits, grey, color, palette, with or without transparency.
        name: how to call the slice on screen.

    Returns:
        A slice with unit `"grey"`. Color becomes luminance (ITU-R 601) and `colorfulness` says how much there was;
        transparency is laid over black, as outside a scan.

    Raises:
        RefusedInput: if the picture is too large, too small or built to exhaust the reader.
        UnreadableImage: if the bytes are not a whole PNG or JPEG.
    """
    picture_size(data)
    if data.startswith(JPEG_MAGIC) and data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise RefusedInput(
            f"Expected a JPEG of at most {MAX_JPEG_SCANS} scans. Received: {data.count(bytes([0xFF, 0xDA]))} scans."
        )
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            # A second header inside the file may differ from the one checked above.
            _check_size(*picture.size)
            picture.load()
            return _to_slice(picture, name)
    except RefusedInput:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds, SyntaxError and struct.error among them.
        raise UnreadableImage(
            f"Expected a whole PNG or JPEG picture. Received: {len(data):,} bytes that stop making sense"
            f" ({type(error).__name__})."
        ) from None


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height that the file claims, checked, without decoding it.

    Raises:
        RefusedInput: if the picture is too large or too small.
        UnreadableImage: if the file states no size.
    """
    size = _claimed_size(data)
    _check_size(*size)
    return size


def _claimed_size(data: bytes) -> tuple[int, int]:
    if data.startswith(PNG_MAGIC) and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data.startswith(JPEG_MAGIC):
        frame = jpeg_frame_size(data)
        if frame is not None:
            return frame.columns, frame.rows
    raise UnreadableImage(
        f"Expected a PNG or JPEG picture that states its size. Received: {len(data):,} bytes without a size."
    )


def _check_size(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise RefusedInput(
            f"Expected a picture of at least {MIN_SIDE}×{MIN_SIDE} pixels. Received: {width}×{height} pixels."
        )
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise RefusedInput(
            f"Expected a picture of at most {MAX_PIXELS:,} pixels, {MAX_SIDE:,} a side. "
            f"Received: {width:,}×{height:,} pixels."
        )


def _to_slice(picture: Image.Image, name: str) -> CTSlice:
    if picture.mode.startswith("I") or picture.mode == "F":
        pixels, notes = _deep_grey(picture)
        return CTSlice(pixels, "grey", name, warnings=notes)
    if picture.mode in ("1", "L"):
        return CTSlice(np.asarray(picture.convert("L"), dtype=np.float32), "grey", name)
    color = _over_black(picture)
    pixels = np.asarray(color.convert("L"), dtype=np.float32)
    return CTSlice(pixels, "grey", name, colorfulness=_colorfulness(np.asarray(color)))


def _deep_grey(picture: Image.Image) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """16-bit grey to 0..255; scanners that export 12 bits leave the upper four empty."""
    values = np.asarray(picture).astype(np.float32)
    full_scale = 4095.0 if values.max() <= 4095 else 65535.0
    note = f"16-bit picture: grey levels were scaled from 0..{full_scale:.0f}; they are not HU."
    return np.clip(values * np.float32(255.0 / full_scale), 0, 255), (note,)


def _over_black(picture: Image.Image) -> Image.Image:
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        with_alpha = picture.convert("RGBA")
        black = Image.new("RGBA", with_alpha.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, with_alpha).convert("RGB")
    return picture.convert("RGB")


def _colorfulness(color: NDArray[np.uint8]) -> float:
    """Mean over the pixels of (largest - smallest channel) / 255."""
    red, green, blue = color[..., 0], color[..., 1], color[..., 2]
    largest = np.maximum(np.maximum(red, green), blue)
    smallest = np.minimum(np.minimum(red, green), blue)
    return float(np.mean(largest - smallest) / 255.0)
