"""Rows of the readings table from what was read, and an overlay beside each where they are wanted."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hemo.atomic import write_atomically
from hemo.errors import RunError
from hemo.model.reading import Reading, iterate_readings
from hemo.report.overlay import overlay_png
from hemo.report.table import Row

if TYPE_CHECKING:
    from hemo.ct.slice import CTSlice
    from hemo.ct.study import ReadResult, Study
    from hemo.model.predictor import Predictor

_SAFE = re.compile(r"[^A-Za-z0-9._-]+")


def rows_of(
    predictor: "Predictor", result: "ReadResult", folder: Path, point: str | None, overlays: Path | None
) -> list[Row]:
    """Rows of what was read together: slices with a call, other series and refused files with a reason.

    Args:
        predictor: the model.
        result: what was read.
        folder: that the names are relative to.
        point: operating point of the calls; None for the card's own.
        overlays: folder for each slice with its heat map; None writes none.

    Raises:
        RunError: the folder for overlays cannot be written.
    """
    rows = [row for study in result.studies for row in study_rows(predictor, study, folder, point, overlays)]
    for name, reason in result.refused:
        rows.append(Row(source_of(folder, name), "", source_of(folder, name), None, None, "Refused", reason))
    return rows


def study_rows(
    predictor: "Predictor", study: "Study", folder: Path, point: str | None, overlays: Path | None
) -> Iterator[Row]:
    """Rows of one study, in the order of its slices; other series of it are refused with a reason."""
    group = source_of(folder, study.name)
    readings = iterate_readings(predictor, study.slices, point=point, heat=overlays is not None)
    for ct_slice, reading in zip(study.slices, readings, strict=True):
        source = source_of(folder, _file_of(study.name, ct_slice.name))
        row = Row(source, reading.name, group, None, reading.probability, reading.call, reading.reason)
        if overlays is not None:
            _write_overlay(overlays, row, ct_slice, reading)
        yield row
    for other in study.others:
        reason = f"Not read: another series of the study was. {other.reason}"
        yield Row(group, other.label, group, None, None, "Refused", reason)


def _file_of(study: str, name: str) -> str:
    """The file that a slice came from: the study itself where that is one file, else a file in the study's folder."""
    last = study.rpartition("/")[2]
    return study if name == last or name.startswith(f"{last} [") else f"{study}/{name}"


def source_of(folder: Path, name: str) -> str:
    """A name as the user could type it.

    Args:
        folder: that the name is relative to.
        name: of a file, a member or a study; "" stays "".
    """
    return (folder / name).as_posix() if name else ""


def _write_overlay(folder: Path, row: Row, ct_slice: "CTSlice", reading: Reading) -> None:
    """Write one overlay under a name of its own; client names are never paths."""
    if reading.heat is None:
        return
    digest = hashlib.sha256("\0".join(row.key).encode()).hexdigest()[:8]
    shown = _SAFE.sub("_", f"{row.group}-{row.slice}" if row.slice not in row.source else row.source).strip("._")
    data = overlay_png(ct_slice.grey(), reading.heat)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{shown[-120:].strip('._')}-{digest}.png", lambda stream: stream.write(data))
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise RunError(f"Expected a folder for overlays that can be written. Received: {folder.name}: {why}") from None
