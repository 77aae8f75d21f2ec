"""A patient's age in years, from a table's cell or a DICOM header."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hemo.ct.dicom_elements import read_elements
from hemo.ct.read import sniff
from hemo.errors import HemoError

ADULT = 18.0
"""Years from which a patient counts as adult."""
_UNITS = {"Y": 1.0, "M": 1 / 12, "W": 1 / 52.18, "D": 1 / 365.25}
_OLDEST = 130.0
_AGE = 0x00101010


def years_of(text: object) -> float | None:
    """Years from a number or from a DICOM age string (PS3.5 6.2, AS: "034Y", "018M"); None for anything else.

    >>> years_of("63.5"), years_of("018M"), years_of("unknown"), years_of("")
    (63.5, 1.5, None, None)
    """
    found = re.fullmatch(r"\s*(\d{1,3}(?:\.\d+)?)\s*([YMWD]?)\s*", str(text).upper())
    if not found:
        return None
    years = float(found[1]) * _UNITS[found[2] or "Y"]
    return years if years <= _OLDEST else None


def dicom_age(path: Path) -> float | None:
    """PatientAge (0010,1010) of a DICOM file in years; None where it is another file or does not say."""
    try:
        with path.open("rb") as stream:
            if sniff(stream.read(1024)) != "dicom":
                return None
        value = read_elements(path.read_bytes(), frozenset({_AGE})).values.get(_AGE, b"")
    except (HemoError, OSError):
        return None
    return years_of(value.decode("ascii", "replace").strip("\0 ")) if isinstance(value, bytes) else None


def with_dicom_ages(rows: Iterable[dict[str, Any]], root: Path) -> list[dict[str, Any]]:
    """Rows of an importer with `age` where DICOM files among them give one; unchanged where none does.

    One file a patient or series is read: those of its other slices say the same.
    """
    kept = list(rows)
    ages: dict[str, float | None] = {}
    for row in kept:
        if row["group"] not in ages:
            ages[row["group"]] = dicom_age(root / row["path"])
    if all(age is None for age in ages.values()):
        return kept
    return [row | {"age": ages[row["group"]]} for row in kept]
