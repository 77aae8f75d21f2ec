"""Files built to hurt a reader, each small, and a program that measures what reading one costs.

`python -m tests.ct.hostile NAME` reads one attack in a fresh process together with a good slice and prints JSON: peak
memory of the process and of its decoder in bytes, seconds, how many good slices came out, and the refusals.
"""

import gzip
import io
import json
import resource
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.ct.make_dicom import ct_bytes, ct_dataset, element, encapsulated, head, lossless_jpeg, to_bytes
from tests.ct.test_nifti import nifti
from tests.ct.test_picture import png_chunk, png_of_zeros


def meta(syntax: bytes) -> bytes:
    return bytes(128) + b"DICM" + element(2, 0x10, b"UI", syntax)


META = meta(b"1.2.840.10008.1.2.1\0")
UNDEFINED = b"\xff\xff\xff\xff"
OPEN_SEQUENCE = struct.pack("<HH2sH", 9, 0x1001, b"SQ", 0) + UNDEFINED + struct.pack("<HH", 0xFFFE, 0xE000) + UNDEFINED
JPEG_LS, JPEG_2000, RLE = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
DEFLATED = "1.2.840.10008.1.2.1.99"


def deflated(length: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    blocks = b"".join(packer.compress(bytes(2**20)) for _ in range(length // 2**20))
    return meta(b"1.2.840.10008.1.2.1.99") + blocks + packer.flush()


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return out.getvalue()


def overlapping_zip(count: int) -> bytes:
    """Every central record points at the same compressed member (Fifield's bomb without the quoting)."""
    data = zipped({"a": bytes(20 * 2**20)})
    start = data.index(b"PK\x01\x02")
    record = data[start : data.index(b"PK\x05\x06")]
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(record) * count, start, 0)
    return data[:start] + record * count + end


def jpeg2000(rows: int, columns: int, layers: int = 1, levels: int = 5) -> bytes:
    """Main header and one empty tile part."""
    size = struct.pack(">H8IH3B", 0, columns, rows, 0, 0, columns, rows, 0, 0, 1, 15, 1, 1)
    style = struct.pack(">BBHB5B", 0, 0, layers, 0, levels, 4, 4, 0, 1)
    steps = b"\x40" + bytes([0x40] * (3 * levels + 1))

    def segment(marker: int, body: bytes) -> bytes:
        return struct.pack(">HH", marker, len(body) + 2) + body

    header = b"\xff\x4f" + segment(0xFF51, size) + segment(0xFF52, style) + segment(0xFF5C, steps)
    return header + struct.pack(">HHHIBB", 0xFF90, 10, 0, 0, 0, 1) + b"\xff\x93" + b"\x80" * 4000 + b"\xff\xd9"


def jpegls_of_one_run(side: int) -> bytes:
    """A JPEG-LS frame whose scan is all ones, which means runs without end."""
    frame = struct.pack(">BHHB3B", 16, side, side, 1, 1, 0x11, 0)
    scan = bytes([1, 1, 0, 0, 0, 0])
    return (
        b"\xff\xd8\xff\xf7" + struct.pack(">H", len(frame) + 2) + frame
        + b"\xff\xda" + struct.pack(">H", len(scan) + 2) + scan + b"\xff\x7f" * 2000 + b"\xff\xd9"
    )  # fmt: skip


def progressive_jpeg(scans: int) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.zeros((4000, 4000), np.uint8)).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    first = data.index(b"\xff\xda")
    return data[:first] + data[first:-2] * scans + data[-2:]


def rle_bomb() -> bytes:
    """The longest run, over and over: two bytes unpack to 128."""
    header = struct.pack("<16I", 2, 64, 64 + 4_000_000, *[0] * 13)
    return header + b"\x81\x00" * 4_000_000


def big(frames: int, syntax: str, frame: bytes) -> bytes:
    dataset = ct_dataset(np.zeros((512, 512), np.int16), NumberOfFrames=frames)
    return encapsulated(dataset, syntax, [frame] * frames)


def rle_zeros(rows: int, columns: int) -> bytes:
    segment = b"\x81\x00" * (rows * columns // 128)
    return struct.pack("<16I", 2, 64, 64 + len(segment), *[0] * 13) + segment * 2


def huge_number_list() -> bytes:
    values = b"1\\" * 5_000_000
    long = struct.pack("<HHI", 0x28, 0x1053, len(values)) + values
    return meta(b"1.2.840.10008.1.2\0") + long


def zip_of_names(count: int) -> bytes:
    """A directory of empty members, 47 bytes each."""
    record = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"a"
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 65535, 65535, len(record) * count, 31, 0)
    return zipped({"a": b"x"})[:31] + record * count + end


def zip_of_black_slices(count: int) -> bytes:
    black = np.full((512, 512), -1000, np.int16)
    names = {f"{index}": ct_bytes(black, ImagePositionPatient=[0, 0, float(index)]) for index in range(count)}
    return zipped(names)


ATTACKS: dict[str, Callable[[], bytes]] = {
    "dimension lie, native": lambda: ct_bytes(Rows=30000, Columns=30000),
    "dimension lie, largest allowed": lambda: ct_bytes(Rows=2048, Columns=2048, NumberOfFrames=32),
    "deflate bomb": lambda: deflated(400 * 2**20),
    "deflated slices of air": lambda: to_bytes(ct_dataset(np.full((120, 512, 512), -1000, np.int16)), DEFLATED),
    "nested sequences": lambda: META + OPEN_SEQUENCE * 300,
    "nested sequences, many": lambda: META + OPEN_SEQUENCE * 200_000,
    "endless items": lambda: META
    + struct.pack("<HH2sH", 9, 0x1001, b"SQ", 0) + UNDEFINED + struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 4_000_000,
    "millions of elements": lambda: META + element(9, 0x1001, b"LO", b"") * 4_000_000,
    "functional groups, many": lambda: META
    + struct.pack("<HH2sHI", 0x5200, 0x9230, b"SQ", 0, 16_000_000)
    + struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 2_000_000,
    "decimal string of millions": huge_number_list,
    "preamble only": lambda: bytes(128) + b"DICM",
    "JPEG 2000 lies in the codestream": lambda: encapsulated(ct_dataset(), JPEG_2000, [jpeg2000(60000, 60000)]),
    "JPEG 2000 of empty packets": lambda: encapsulated(
        ct_dataset(np.zeros((2048, 2048), np.int16)), JPEG_2000, [jpeg2000(2048, 2048, layers=65535, levels=32)]
    ),
    "JPEG 2000, many frames": lambda: big(150, JPEG_2000, jpeg2000(512, 512)),
    "JPEG-LS run": lambda: encapsulated(
        ct_dataset(np.zeros((2048, 2048), np.int16)), JPEG_LS, [jpegls_of_one_run(2048)]
    ),
    "JPEG-LS truncated": lambda: encapsulated(ct_dataset(), JPEG_LS, [jpegls_of_one_run(64)[:200]]),
    "JPEG lossless cut": lambda: encapsulated(
        ct_dataset(), "1.2.840.10008.1.2.4.70", [lossless_jpeg(head().view(np.uint16), 16, 1)[:900]]
    ),
    "RLE bomb": lambda: encapsulated(ct_dataset(), RLE, [rle_bomb()]),
    "RLE of black frames": lambda: big(150, RLE, rle_zeros(512, 512)),
    "PNG that claims gigapixels": lambda: b"\x89PNG\r\n\x1a\n"
    + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 40000, 40000, 8, 0, 0, 0, 0)) + png_of_zeros(64, 64)[33:],
    "PNG of zeros, largest allowed": lambda: png_of_zeros(4096, 4096),
    "PNG text bomb": lambda: png_of_zeros(64, 64)[:33]
    + png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200 * 2**20), 9)) * 8 + png_of_zeros(64, 64)[33:],
    "JPEG of scans": lambda: progressive_jpeg(400),
    "zip bomb": lambda: zipped({f"{index}": bytes(60 * 2**20) for index in range(5)}),
    "zip of one stream": lambda: overlapping_zip(4000),
    "zip of a million names": lambda: zip_of_names(1_000_000),
    "zip of black slices": lambda: zip_of_black_slices(400),
    "nested zips": lambda: zipped({"a.zip": zipped({"b.zip": zipped({"c": bytes(2**20)})})}),
    "traversal names": lambda: zipped({"../../../../tmp/evil": b"x", "/etc/passwd": b"x", "C:\\x": b"x"}),
    "gzip bomb": lambda: gzip.compress(bytes(400 * 2**20), 1),
    "NIfTI that claims a volume": lambda: gzip.compress(nifti_claiming(512, 512, 500), 1),
    "NIfTI of air": lambda: gzip.compress(nifti(np.full((512, 512, 150), -1000, np.int16)), 1),
}  # fmt: skip


def nifti_claiming(*shape: int) -> bytes:
    header = bytearray(nifti()[:352])
    struct.pack_into("<8h", header, 40, 3, *shape, 1, 1, 1, 1)
    return bytes(header) + bytes(200 * 2**20)


def peak_bytes(process: int | str) -> int:
    """High-water mark of resident memory since the process began its program (rusage would include its parent's)."""
    status = Path(f"/proc/{process}/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def measure(data: bytes) -> dict[str, object]:
    """Read `data` in the same drop as a good slice of another study."""
    from hemo.ct import compressed
    from hemo.ct.study import assemble_studies

    good = ct_bytes(StudyInstanceUID="4.4.4")
    start = time.perf_counter()
    result = assemble_studies([("evil", data), ("good", good)])
    seconds = time.perf_counter() - start
    slices = sum(len(study.slices) for study in result.studies if study.name == "good")
    decoder = compressed._DECODER._process
    decoder_peak = peak_bytes(decoder.pid) if decoder is not None and decoder.poll() is None else 0
    compressed._DECODER.close()
    return {
        "peak": peak_bytes("self"),
        "decoder_peak": decoder_peak,
        "seconds": seconds,
        "cpu_seconds": sum(
            usage.ru_utime + usage.ru_stime
            for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        ),
        "good": slices,
        "refused": [reason for _, reason in result.refused][:3],
        "bytes": len(data),
    }


if __name__ == "__main__":
    # The attack comes through a pipe from the process that built it, so that building it does not count.
    print(json.dumps(measure(sys.stdin.buffer.read())))
