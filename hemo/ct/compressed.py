"""Compressed pixel data: sizes checked here, decoded in a process of its own with a memory and a time limit.

Third-party C decoders meet whatever a file holds. `decoder_process` runs them, stays warm between files, and is killed
and replaced when a file exhausts it; the file is refused, everything else of the drop is still read.
"""

import atexit
import contextlib
import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemo.ct import dicom_elements as elements
from hemo.ct.codestream import jpeg2000_frame_size, jpeg_frame_size
from hemo.ct.decoder_process import MEMORY_BYTES
from hemo.ct.dicom_header import DicomHeader
from hemo.errors import RefusedInput, UnreadableImage

MAX_TILES = 4096
# Processor time a file may take. Measured on a busy machine, ns a pixel: RLE 4, JPEG lossless 14, JPEG-LS 19, JPEG 2000
# 100.
BASE_SECONDS = 2
SECONDS_PER_PIXEL = 250e-9
# Wall time is only the last resort, because a machine may be busy with training.
WALL_FACTOR = 6.0
WALL_SECONDS = 10.0

_JPEG_FAMILY = {
    elements.JPEG_BASELINE,
    elements.JPEG_EXTENDED,
    elements.JPEG_LOSSLESS,
    elements.JPEG_LOSSLESS_SV1,
    elements.JPEG_LS_LOSSLESS,
    elements.JPEG_LS_NEAR,
}


def compressed_frames(header: DicomHeader, fragments: tuple[memoryview, ...]) -> Iterator[NDArray[np.integer]]:
    """Yield each frame's stored values, integer (rows, columns).

    Args:
        header: of the file.
        fragments: its encapsulated pixel data, the offset table first.

    Raises:
        UnreadableImage: if a frame is missing, contradicts the header or does not decode.
        RefusedInput: if decoding exceeds the memory or time allowed.
    """
    from hemo.ct.decoding import stored_values

    frames = _frames(fragments, len(header.frames))
    for frame in frames:
        _check_codestream(frame, header)
    kind = f"<u{header.bits_allocated // 8}"
    for words in _DECODER.decode(header, frames):
        raw = np.frombuffer(words, dtype=kind)
        if raw.size != header.rows * header.columns:
            raise UnreadableImage(
                f"Expected {header.rows * header.columns:,} pixels in a frame. Received: {raw.size:,}."
            )
        yield stored_values(raw.reshape(header.rows, header.columns), header)


def _frames(fragments: tuple[memoryview, ...], count: int) -> list[bytes]:
    """Fragments to frames (PS3.5 A.4): all of them, one each, or as the basic offset table says."""
    if not fragments:
        raise UnreadableImage("Expected encapsulated pixel data. Received: none.")
    table, *body = fragments
    if not body:
        raise UnreadableImage(f"Expected {count:,} compressed frames. Received: none.")
    if count == 1:
        return [b"".join(body)]
    if len(body) == count:
        return [bytes(fragment) for fragment in body]
    offsets = np.frombuffer(bytes(table[: len(table) // 4 * 4]), dtype="<u4")
    if len(offsets) != count:
        raise UnreadableImage(f"Expected {count:,} compressed frames. Received: {len(body):,} fragments.")
    starts = np.cumsum([0] + [len(fragment) + 8 for fragment in body[:-1]])
    groups = np.searchsorted(offsets, starts, side="right") - 1
    return [b"".join(body[index] for index in np.flatnonzero(groups == frame)) for frame in range(count)]


def _check_codestream(frame: bytes, header: DicomHeader) -> None:
    """The codestream must claim the header's size: decoders allocate by the codestream."""
    if header.transfer_syntax in _JPEG_FAMILY:
        size = jpeg_frame_size(frame) if frame.startswith(b"\xff\xd8") else None
    elif header.transfer_syntax == elements.RLE_LOSSLESS:
        _check_rle(frame, header)
        return
    else:
        size = jpeg2000_frame_size(frame)
    if size is None:
        raise UnreadableImage(
            f"Expected {elements.TRANSFER_SYNTAXES[header.transfer_syntax]} frames. "
            "Received: a frame that does not begin like one."
        )
    if (size.rows, size.columns, size.components) != (header.rows, header.columns, 1):
        raise UnreadableImage(
            f"Expected frames of {header.rows:,}×{header.columns:,} pixels in one channel, as the header says. "
            f"Received: {size.rows:,}×{size.columns:,} in {size.components}."
        )
    if size.precision > header.bits_allocated:
        raise UnreadableImage(
            f"Expected frames of at most {header.bits_allocated} bits a pixel. Received: {size.precision} bits."
        )
    if size.tiles > MAX_TILES:
        raise RefusedInput(f"Expected a JPEG 2000 frame of at most {MAX_TILES:,} tiles. Received: {size.tiles:,}.")


def _check_rle(frame: bytes, header: DicomHeader) -> None:
    """RLE's worst case is one byte more in 128 (PS3.5 G.3); a frame much longer is built to unpack to far too much."""
    segments = header.bits_allocated // 8
    expected = header.rows * header.columns * segments
    if len(frame) < 64 or int.from_bytes(frame[:4], "little") != segments:
        raise UnreadableImage(f"Expected an RLE frame of {segments} segments. Received: a frame that begins otherwise.")
    if len(frame) > 2 * expected + 1024:
        raise RefusedInput(
            f"Expected an RLE frame of at most {2 * expected + 1024:,} bytes. Received: {len(frame):,} bytes."
        )


class _ExhaustedError(Exception):
    """The process died or stayed silent."""


class _DecoderProcess:
    """The one decoder process of this program: started on first use, replaced when a file kills it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def decode(self, header: DicomHeader, frames: list[bytes]) -> Iterator[bytes]:
        """Yield the raw words of each frame, within a time that all frames of the file share."""
        allowed = BASE_SECONDS + header.rows * header.columns * len(frames) * SECONDS_PER_PIXEL
        left = allowed
        deadline = time.monotonic() + allowed * WALL_FACTOR + WALL_SECONDS
        for frame in frames:
            try:
                status, spent, body = self._ask(header, frame, left, deadline)
                left -= spent
                if left <= 0:
                    raise _ExhaustedError
            except _ExhaustedError:
                raise RefusedInput(
                    f"Expected pixel data that decodes within {allowed:.0f} s and {MEMORY_BYTES // 2**20} MB. "
                    "Received: a frame that exhausts its decoder."
                ) from None
            if status != 0:
                raise UnreadableImage(
                    f"Expected {elements.TRANSFER_SYNTAXES[header.transfer_syntax]} pixel data that decodes. "
                    f"Received: a damaged frame ({body.decode('ascii', 'replace')})."
                )
            yield body

    def _ask(self, header: DicomHeader, frame: bytes, seconds: float, deadline: float) -> tuple[int, float, bytes]:
        """Status, processor seconds spent and answer for one frame.

        The process is held for a frame, not for a file: a caller may stop between frames and never come back.
        """
        request = {
            "transfer_syntax": header.transfer_syntax,
            "rows": header.rows,
            "columns": header.columns,
            "bits_allocated": header.bits_allocated,
            "bits_stored": header.bits_stored,
            "signed": header.signed,
            "photometric": header.photometric,
            "cpu_seconds": seconds,
        }
        encoded = json.dumps(request).encode()
        message = struct.pack("<I", len(encoded)) + encoded + struct.pack("<I", len(frame)) + frame
        with self._lock:
            try:
                process = self._running()
                # A process that hangs is killed, and then its pipe ends: no other way works on every system.
                alarm = threading.Timer(max(deadline - time.monotonic(), 0), process.kill)
                alarm.daemon = True
                alarm.start()
                try:
                    _write(process, message)
                    status, spent, length = struct.unpack("<BfI", _read(process, 9))
                    return status, spent, _read(process, length)
                finally:
                    alarm.cancel()
            except BaseException:
                # What was half said cannot be taken up again, whether the process died or the caller was interrupted.
                self.close()
                raise

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                # -P keeps this folder off the path, where a module's name could shadow the standard library's.
                [sys.executable, "-P", str(Path(__file__).with_name("decoder_process.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # A thread pool would reserve address space that the memory limit needs.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
        return self._process

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _write(process: "subprocess.Popen[bytes]", data: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(data)
        process.stdin.flush()
    except OSError:
        raise _ExhaustedError from None


def _read(process: "subprocess.Popen[bytes]", count: int) -> bytes:
    assert process.stdout is not None
    data = process.stdout.read(count)
    if len(data) < count:
        raise _ExhaustedError
    return data


_DECODER = _DecoderProcess()
