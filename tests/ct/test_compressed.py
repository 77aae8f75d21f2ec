import struct
import subprocess
import time

import numpy as np
import pytest
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from hemo.ct import compressed as module
from hemo.ct.dicom import read_dicom
from hemo.errors import HemoError, RefusedInput, UnreadableImage
from tests.ct.make_dicom import SIDE, compressed, ct_dataset, encapsulated, head, lossless_jpeg

LOSSLESS = [JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless]
LOSSY = [(JPEGLSNearLossless, 2), (JPEG2000, 40)]


@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda uid: UID(uid).name)
@pytest.mark.parametrize(("signed", "bits_stored"), [(True, 16), (False, 16), (False, 12)])
def test_lossless_syntaxes_give_the_exact_hu(syntax, signed, bits_stored):
    data = compressed(ct_dataset(signed=signed, bits_stored=bits_stored), syntax)
    (read,) = read_dicom(data, "a")
    assert np.array_equal(read.pixels, head().astype(np.float32))


@pytest.mark.parametrize(("syntax", "tolerance"), LOSSY, ids=lambda value: str(value))
@pytest.mark.parametrize("signed", [True, False])
def test_lossy_syntaxes_come_close(syntax, tolerance, signed):
    (read,) = read_dicom(compressed(ct_dataset(signed=signed, bits_stored=16 if signed else 12), syntax), "a")
    assert np.abs(read.pixels - head()).max() <= tolerance


def test_baseline_jpeg_of_8_bits_comes_close():
    grey = ((head().astype(np.int32) + 1000) // 8).astype(np.uint8)
    dataset = ct_dataset(
        BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0, RescaleSlope=8, RescaleIntercept=-1000,
        PixelData=grey.tobytes(),
    )  # fmt: skip
    (read,) = read_dicom(compressed(dataset, JPEGBaseline8Bit), "a")
    assert np.abs(read.pixels - (grey * 8.0 - 1000)).mean() < 40


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEGLosslessSV1], ids=lambda uid: UID(uid).name)
def test_multi_frame_comes_in_order(syntax):
    hu = np.stack([head(seed) for seed in range(4)])
    read = read_dicom(compressed(ct_dataset(hu), syntax), "a")
    assert all(np.array_equal(piece.pixels, frame) for piece, frame in zip(read, hu, strict=True))


def frames_of(count: int) -> list[bytes]:
    return [lossless_jpeg(head(seed).view(np.uint16), 16, 1) for seed in range(count)]


@pytest.mark.parametrize("has_bot", [True, False])
def test_frame_in_several_fragments_is_joined(has_bot):
    data = encapsulated(ct_dataset(), JPEGLosslessSV1, frames_of(1), fragments_per_frame=3, has_bot=has_bot)
    assert np.array_equal(read_dicom(data, "a")[0].pixels, head())


def test_offset_table_assigns_fragments_to_frames():
    hu = np.stack([head(seed) for seed in range(3)])
    data = encapsulated(ct_dataset(hu), JPEGLosslessSV1, frames_of(3), fragments_per_frame=2, has_bot=True)
    assert [np.array_equal(piece.pixels, hu[index]) for index, piece in enumerate(read_dicom(data, "a"))] == [True] * 3


def test_fragments_without_table_that_do_not_match_the_frames_are_unreadable():
    hu = np.stack([head(seed) for seed in range(3)])
    data = encapsulated(ct_dataset(hu), JPEGLosslessSV1, frames_of(3), fragments_per_frame=2, has_bot=False)
    with pytest.raises(UnreadableImage, match="Received: 6 fragments"):
        read_dicom(data, "a")


def size_header(rows: int, columns: int, tile: int) -> bytes:
    """A JPEG 2000 codestream that ends after its SIZ segment."""
    body = struct.pack(">H8IH3B", 0, columns, rows, 0, 0, tile, tile, 0, 0, 1, 15, 1, 1)
    return b"\xff\x4f\xff\x51" + struct.pack(">H", len(body) + 2) + body


@pytest.mark.parametrize(
    ("syntax", "frame", "received"),
    [
        (JPEG2000Lossless, size_header(60000, 60000, 60000), "Received: 60,000×60,000"),
        (JPEG2000Lossless, size_header(SIDE, SIDE, 1)[:-1], None),
        (JPEG2000Lossless, b"\xff\x4f text", "does not begin like one"),
        (JPEGLossless, lossless_jpeg(np.zeros((8, 8), np.uint16), 16, 1), "Received: 8×8"),
        (JPEGLossless, b"text" * 20, "does not begin like one"),
        (JPEGLSLossless, b"\xff\xd8" + b"\xff\xf7\x00\x0b\x10\xff\xff\xff\xff\x01\x01\x11\x00", "65,535×65,535"),
        (RLELossless, b"text" * 20, "an RLE frame of 2 segments"),
        (RLELossless, struct.pack("<16I", 2, 64, 128, *[0] * 13) + b"\x81\x00" * 20_000, "an RLE frame of at most"),
    ],
)
def test_codestream_that_contradicts_the_header_never_reaches_a_decoder(monkeypatch, syntax, frame, received):
    def no_process(*_args, **_options):
        raise AssertionError("a decoder was started")

    monkeypatch.setattr(module._DECODER, "_running", no_process)
    if received is None:
        with pytest.raises(AssertionError, match="a decoder was started"):
            read_dicom(encapsulated(ct_dataset(), syntax, [frame]), "a")
        return
    with pytest.raises(HemoError, match=received):
        read_dicom(encapsulated(ct_dataset(), syntax, [frame]), "a")


def test_jpeg_2000_of_too_many_tiles_is_refused():
    dataset = ct_dataset(np.zeros((512, 512), np.int16))
    with pytest.raises(RefusedInput, match="Received: 262,144"):
        read_dicom(encapsulated(dataset, JPEG2000Lossless, [size_header(512, 512, 1)]), "a")


@pytest.mark.parametrize("syntax", [*LOSSLESS, JPEGLSNearLossless, JPEG2000], ids=lambda uid: UID(uid).name)
def test_truncated_pixel_data_is_unreadable_or_marked(syntax):
    """A cut frame may decode to its upper part in some libraries; it must not crash, and the next file must read."""
    whole = compressed(ct_dataset(), syntax)
    start = whole.rindex(b"\xfe\xff\x00\xe0") + 8
    size = struct.unpack_from("<I", whole, start - 4)[0]
    cut = whole[: start - 4] + struct.pack("<I", size // 4 * 2) + whole[start : start + size // 4 * 2]
    cut += b"\xfe\xff\xdd\xe0\0\0\0\0"
    try:
        (read,) = read_dicom(cut, "cut")
        assert not np.array_equal(read.pixels, head())
    except HemoError as error:
        assert str(error).startswith("Expected")
    assert read_dicom(whole, "whole")[0].shape == (SIDE, SIDE)


def test_damaged_frame_costs_no_new_process():
    whole = compressed(ct_dataset(), JPEGLSLossless)
    read_dicom(whole, "a")
    process = module._DECODER._process
    hu = np.stack([head(), head(1)])
    frames = [lossless_jpeg(head().view(np.uint16), 16, 1)[:300], lossless_jpeg(head(1).view(np.uint16), 16, 1)]
    with pytest.raises(UnreadableImage, match="a damaged frame"):
        read_dicom(encapsulated(ct_dataset(hu), JPEGLosslessSV1, frames), "a")
    assert np.array_equal(read_dicom(whole, "a")[0].pixels, head())
    assert module._DECODER._process is process


def test_decoder_that_dies_is_replaced():
    data = compressed(ct_dataset(), JPEGLSLossless)
    read_dicom(data, "a")
    process = module._DECODER._process
    assert process is not None
    process.kill()
    process.wait()
    assert read_dicom(data, "a")[0].shape == (SIDE, SIDE)


def stand_in(tmp_path, body: str):
    """A decoder process that misbehaves after its first request."""
    script = tmp_path / "decoder.py"
    script.write_text(f"import sys, struct\nrequests = sys.stdin.buffer\n{body}\n")
    import sys

    return subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.parametrize(
    "body",
    ["requests.read(4); sys.exit(1)", "requests.read(4); sys.stdout.buffer.write(b'x'); sys.stdout.close()"],
    ids=["exits", "answers short"],
)
def test_process_that_ends_in_the_middle_refuses_the_file_and_no_other(tmp_path, monkeypatch, body):
    data = compressed(ct_dataset(), JPEGLSLossless)
    decoder = module._DecoderProcess()
    decoder._process = stand_in(tmp_path, body)
    monkeypatch.setattr(module, "_DECODER", decoder)
    with pytest.raises(RefusedInput, match="exhausts its decoder"):
        read_dicom(data, "a")
    assert read_dicom(data, "a")[0].shape == (SIDE, SIDE)
    decoder.close()


def test_process_that_never_answers_is_given_up(tmp_path, monkeypatch):
    decoder = module._DecoderProcess()
    decoder._process = stand_in(tmp_path, "import time; time.sleep(60)")
    monkeypatch.setattr(module, "_DECODER", decoder)
    monkeypatch.setattr(module, "WALL_SECONDS", 0.2)
    monkeypatch.setattr(module, "WALL_FACTOR", 0.0)
    start = time.monotonic()
    with pytest.raises(RefusedInput, match="exhausts its decoder"):
        read_dicom(compressed(ct_dataset(), JPEGLSLossless), "a")
    assert time.monotonic() - start < 10


def test_frame_that_needs_too_much_memory_or_time_ends_only_its_process():
    """The real process, asked through its own protocol for what its limits forbid."""
    import json
    import sys
    from pathlib import Path

    script = Path(module.__file__).with_name("decoder_process.py").read_text()
    eater = script.replace("def _decode(decoder", "def _decode(*_):\n    return bytes(10**9)\n\n\ndef _unused(decoder")
    spinner = script.replace(
        "def _decode(decoder", "def _decode(*_):\n    while True:\n        pass\n\n\ndef _unused(decoder"
    )
    request = json.dumps({"transfer_syntax": JPEGLSLossless, "cpu_seconds": 0}).encode()
    message = struct.pack("<I", len(request)) + request + struct.pack("<I", 4) + b"text"
    for source in (eater, spinner):
        start = time.monotonic()
        done = subprocess.run([sys.executable, "-c", source], input=message, capture_output=True, timeout=60)
        assert done.returncode != 0
        assert time.monotonic() - start < 30


def test_process_sees_no_header_and_says_nothing(capfd):
    read_dicom(compressed(ct_dataset(), JPEGLSLossless), "a")
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
