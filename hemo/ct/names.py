"""What files are called: for the screen and for order, never for opening anything."""

import re
import unicodedata
from collections.abc import Sequence

MAX_NAME = 255

# What operating systems leave in folders and archives; not worth a word to the user.
_CLUTTER = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\.git/)", re.IGNORECASE)
_DIGITS = re.compile(r"(\d+)")
_LAST_NUMBER = re.compile(r"^(.*?)(\d{1,9})(\D*)$")


def clean_name(name: str) -> str:
    """A client's file name made fit for the screen.

    Forward slashes only, no leading ones, no `.` and `..`, no control or invisible characters, and at most
    `MAX_NAME` characters, the last ones, which tell files apart.

    >>> clean_name("../../etc/pass\\x00wd")
    'etc/passwd'
    """
    visible = "".join(character for character in name if unicodedata.category(character)[0] != "C")
    parts = [part for part in visible.replace("\\", "/").split("/") if part.strip() not in ("", ".", "..")]
    return "/".join(parts)[-MAX_NAME:].lstrip("/") or "unnamed"


def is_clutter(name: str) -> bool:
    """Whether a file is an operating system's own, such as `.DS_Store`."""
    return _CLUTTER.search(name.replace("\\", "/")) is not None


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key in which `slice10` follows `slice9`."""
    return [(0, int(part), "") if part.isdecimal() and len(part) < 19 else (1, 0, part) for part in _DIGITS.split(name)]


def numbered(name: str) -> tuple[str, int] | None:
    """A name's last number, and the name around it; None without a number.

    >>> numbered("scan/6_0_80.jpg")
    ('scan/6_0_#.jpg', 80)
    """
    folder, slash, file = name.rpartition("/")
    stem, dot, suffix = file.rpartition(".")
    match = _LAST_NUMBER.match(stem if dot else file)
    if match is None:
        return None
    return f"{folder}{slash}{match[1]}#{match[3]}{dot}{suffix if dot else ''}", int(match[2])


def folder_of(name: str) -> str:
    """The part of a name before its last slash, "" without one."""
    return name.rpartition("/")[0]


def common_name(names: Sequence[str]) -> str:
    """What several files are called together: their file's name if there is one, else the folder they share, or ""."""
    if len(names) == 1:
        return names[0]
    shared = []
    for parts in zip(*(folder_of(name).split("/") for name in names), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "/".join(shared)
