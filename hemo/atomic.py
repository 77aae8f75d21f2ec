"""Files that are whole or absent: written beside their place, flushed to disk, then moved there."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a temporary file in the same folder, fsync it and move it to `path`.

    A reader sees the old file or the new one, never a part; a crash or a full disk leaves the old one.

    Raises:
        OSError: the disk is full or the folder cannot be written; the temporary file is gone then.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_text_atomically(path: Path, text: str) -> None:
    """Write UTF-8 text so that a reader never sees a part of it."""
    write_atomically(path, lambda file: file.write(text.encode("utf-8")))


def write_json_atomically(path: Path, value: Any) -> None:
    """Write JSON, indented, so that a reader never sees a part of it."""
    write_text_atomically(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _sync_folder(folder: Path) -> None:
    # The move itself must survive a power cut too; some file systems do not let a folder be opened for that.
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
