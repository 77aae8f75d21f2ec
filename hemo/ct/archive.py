"""Zip archives, opened in memory: members have names to show, never paths to write."""

import io
import zipfile
import zlib
from collections.abc import Iterator

from hemo.ct.names import clean_name, is_clutter
from hemo.errors import HemoError, RefusedInput, UnreadableImage

MAX_MEMBERS = 5_000
# Together the members may unpack to the larger of this and `MAX_RATIO` times the archive. CT deflates to a half or a
# quarter; a small archive that unpacks to much more is a bomb, and its cost stays below 300 MB with the slices in it.
MIN_TOTAL_BYTES = 96 * 2**20
MAX_RATIO = 8
MAX_TOTAL_BYTES = 2 * 2**30

_CENTRAL_RECORD = b"PK\x01\x02"
_ARCHIVE_STARTS = (b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf", b"\x1f\x9d", b"BZh", b"\xfd7zXZ")
_ENCRYPTED = 0x1
_CHUNK = 1 << 20


def zip_members(data: bytes, name: str) -> Iterator[tuple[str, bytes | HemoError]]:
    """Yield the files of an archive one by one.

    Args:
        data: the archive.
        name: how to call it on screen.

    Yields:
        A member's name, made fit for the screen and prefixed with the archive's, and its bytes; or the error that
        says why this member is not read. Folders and operating systems' clutter are left out.

    Raises:
        UnreadableImage: if the archive's directory is damaged.
        RefusedInput: if it lists more members than `MAX_MEMBERS`.
    """
    # Counted before zipfile builds an object for each: chance can only add to the count, not take from it.
    records = data.count(_CENTRAL_RECORD)
    if records > 2 * MAX_MEMBERS:
        raise RefusedInput(f"Expected a zip of at most {MAX_MEMBERS:,} files. Received: {records:,} files.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception:  # zipfile raises struct.error, ValueError and more on damaged directories
        raise UnreadableImage(
            f"Expected a whole zip archive. Received: {len(data):,} bytes whose directory is damaged."
        ) from None
    with archive:
        infos = [info for info in archive.infolist() if not info.is_dir() and not is_clutter(info.filename)]
        if len(infos) > MAX_MEMBERS:
            raise RefusedInput(f"Expected a zip of at most {MAX_MEMBERS:,} files. Received: {len(infos):,} files.")
        left = min(max(MIN_TOTAL_BYTES, MAX_RATIO * len(data)), MAX_TOTAL_BYTES)
        for info in infos:
            shown = f"{name}/{clean_name(info.filename)}"
            try:
                content = _read_member(archive, info, left)
            except HemoError as error:
                yield shown, error
                continue
            left -= len(content)
            yield shown, content


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int) -> bytes:
    if info.flag_bits & _ENCRYPTED:
        raise RefusedInput("Expected a file without password. Received: an encrypted member of a zip.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RefusedInput("Expected a stored or deflated member of a zip. Received: another compression.")
    if info.file_size > left:
        raise _too_large(left)
    parts, size = [], 0
    try:
        with archive.open(info) as member:
            # Declared sizes can lie: what counts is what comes out, chunk by chunk.
            while part := member.read(_CHUNK):
                size += len(part)
                if size > left:
                    raise _too_large(left)
                parts.append(part)
                if len(parts) == 1 and part.startswith(_ARCHIVE_STARTS):
                    raise RefusedInput("Expected a scan inside the zip. Received: a nested archive, which is ignored.")
    except RefusedInput:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        raise UnreadableImage("Expected a whole member of a zip. Received: one that is damaged.") from None
    return b"".join(parts)


def _too_large(left: int) -> RefusedInput:
    return RefusedInput(
        f"Expected a zip that unpacks to at most the larger of {MIN_TOTAL_BYTES // 2**20} MB and {MAX_RATIO} times its"
        f" own size. Received: a member larger than the {left // 2**20} MB left."
    )
