"""The process that decodes compressed pixel data: `python -P decoder_process.py`, spoken to over its pipes.

It knows pixels and sizes, nothing of the header, so nothing of a patient can reach a log or a crash report from here.
It imports nothing of Hemo, so it starts wherever the file lies. When a frame asks for more memory or time than
allowed, the process dies and its parent starts another.

Protocol, little endian: a request is a 4-byte length and JSON (transfer_syntax, rows, columns, bits_allocated,
bits_stored, signed, photometric, cpu_seconds), then a 4-byte length and one encoded frame. The answer is one status
byte (0 decoded, 1 failed), the processor seconds spent as a 4-byte float, a 4-byte length and the raw words or the kind
of failure.
"""

import json
import logging
import math
import struct
import sys
import time
import warnings
from typing import Any, BinaryIO

MEMORY_BYTES = 128 * 2**20

# One decoder a syntax: trying the next after a failure would let a bad file cost as many times as there are decoders,
# and pyjpegls never returns from a truncated JPEG-LS frame. RLE is pydicom's own.
PLUGINS = {
    "1.2.840.10008.1.2.4.50": "gdcm",
    "1.2.840.10008.1.2.4.51": "gdcm",
    "1.2.840.10008.1.2.4.57": "gdcm",
    "1.2.840.10008.1.2.4.70": "gdcm",
    "1.2.840.10008.1.2.4.80": "gdcm",
    "1.2.840.10008.1.2.4.81": "gdcm",
    "1.2.840.10008.1.2.4.90": "pylibjpeg",
    "1.2.840.10008.1.2.4.91": "pylibjpeg",
    "1.2.840.10008.1.2.5": "pydicom",
}


def main() -> int:
    """Serve requests until the parent closes the pipe."""
    # Whatever a decoder prints must not mix with the answers, and its warnings are nobody's business here.
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    from pydicom.pixels import get_decoder

    _limit_memory()
    requests = sys.stdin.buffer
    while True:
        prefix = requests.read(4)
        if len(prefix) < 4:
            return 0
        request = json.loads(requests.read(struct.unpack("<I", prefix)[0]))
        encoded = requests.read(struct.unpack("<I", requests.read(4))[0])
        _limit_time(request["cpu_seconds"])
        _answer(answers, get_decoder(request["transfer_syntax"]), encoded, request)


def _answer(answers: BinaryIO, decoder: Any, encoded: bytes, request: dict[str, Any]) -> None:
    start = time.process_time()
    try:
        status, body = 0, _decode(decoder, encoded, request)
    except MemoryError:
        raise
    except Exception as error:  # third-party decoders raise anything
        status, body = 1, type(error).__name__.encode()
    answers.write(struct.pack("<BfI", status, time.process_time() - start, len(body)) + body)
    answers.flush()


def _decode(decoder: Any, encoded: bytes, request: dict[str, Any]) -> bytes:
    """One frame as little-endian words of `bits_allocated` bits."""
    from pydicom.encaps import encapsulate

    array, _ = decoder.as_array(
        encapsulate([encoded], has_bot=False),
        rows=request["rows"],
        columns=request["columns"],
        number_of_frames=1,
        samples_per_pixel=1,
        bits_allocated=request["bits_allocated"],
        bits_stored=request["bits_stored"],
        pixel_representation=int(request["signed"]),
        photometric_interpretation=request["photometric"],
        pixel_keyword="PixelData",
        raw=True,
        decoding_plugin=PLUGINS[request["transfer_syntax"]],
    )
    words = array.astype(f"<i{request['bits_allocated'] // 8}", copy=False)
    return bytes(words.tobytes())


def _limit_memory() -> None:
    """Allow the address space in use after the imports, plus `MEMORY_BYTES`."""
    try:
        import resource
        from pathlib import Path

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):  # neither Linux nor a Unix with /proc: the size checks before decoding remain
        return
    in_use = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY_BYTES, in_use + MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(seconds: float) -> None:
    """Allow so much processor time from now on; a busy machine does not count against a file."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Limits are whole seconds: rounding up gives at most one more.
    soft = math.ceil(used.ru_utime + used.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


if __name__ == "__main__":
    # Decode errors are answered; only running out of memory or a closed pipe ends the process.
    sys.exit(main())
