"""The table of readings that leaves the app: one CSV for pages and command line, safe to open in a spreadsheet."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hemo.errors import DatasetError

COLUMNS = ("source", "slice", "group", "label", "probability", "call", "reason")
# A cell that begins so is a formula to a spreadsheet; file names come from strangers.
_FORMULA_STARTS = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Row:
    """One slice, or one file that was refused as a whole.

    Args:
        source: the file it came from.
        slice: name of the slice in it; "" for a file refused as a whole.
        group: the study.
        label: 0 normal, 1 hemorrhage; None where unknown.
        probability: calibrated, in [0, 1]; None where refused.
        call: Hemorrhage, Normal, Uncertain or Refused.
        reason: why, in one sentence.
    """

    source: str
    slice: str
    group: str
    label: int | None
    probability: float | None
    call: str
    reason: str

    def cells(self) -> list[str]:
        """The row's cells in the order of `COLUMNS`; unknown values are empty."""
        label = "" if self.label is None else str(self.label)
        probability = "" if self.probability is None else f"{self.probability:.6f}"
        return [_text(self.source), _text(self.slice), _text(self.group), label, probability, self.call,
                _text(self.reason)]  # fmt: skip

    @property
    def key(self) -> tuple[str, str]:
        """What tells rows apart, as it stands in the file."""
        return _text(self.source), _text(self.slice)


def table_text(rows: Iterable[Row]) -> str:
    """A whole table as CSV text with its header."""
    return _csv([list(COLUMNS), *(row.cells() for row in rows)])


class TableFile:
    """A table on disk that grows study by study: what was written is on the disk before the next study is read.

    Args:
        path: the CSV.
        resume: keep the rows that are there, less a last line that a crash cut off; otherwise start anew.

    Raises:
        DatasetError: the file to resume is not such a table, or cannot be written.

    Example:
        >>> with TableFile(Path("answers.csv"), resume=True) as table:  # doctest: +SKIP
        ...     table.append(rows)
    """

    def __init__(self, path: Path, resume: bool = False) -> None:
        self.path = path
        self._known: set[tuple[str, str]] = set()
        self._sources: set[str] = set()
        self._archives: set[str] = set()
        self._last = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = self._kept_bytes() if resume and path.exists() else 0
            self._stream: BinaryIO = path.open("r+b" if kept else "wb")
            self._stream.truncate(kept)
            self._stream.seek(kept)
        except OSError as error:
            raise self._unwritable(error) from None
        if not kept:
            try:
                self._write(_csv([list(COLUMNS)]))
            except DatasetError:
                self._stream.close()
                raise

    def append(self, rows: Sequence[Row]) -> list[Row]:
        """Write the rows that are not in the table yet, all in one piece, and wait until they are on the disk.

        Returns:
            The rows written.
        """
        fresh = [row for row in rows if row.key not in self._known]
        if fresh:
            self._write(_csv([row.cells() for row in fresh]))
            self._known.update(row.key for row in fresh)
        return fresh

    def holds(self, files: Iterable[str], study: str = "") -> bool:
        """Whether the files of one study were written in full before.

        The table's last study counts as not written in full: a crash may have cut it off. Reading it again adds only
        the rows that are missing.

        Args:
            files: paths as they stand in the column `source`; an archive stands for its members.
            study: the study's name, under which it stands where it was refused as a whole.
        """
        names = {_text(file) for file in files}
        whole = _text(study)
        if self._last == whole or not names.isdisjoint([self._last, *_parents(self._last)]):
            return False
        return whole in self._sources or not (names.isdisjoint(self._sources) and names.isdisjoint(self._archives))

    def __enter__(self) -> "TableFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text.encode("utf-8"))
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> DatasetError:
        why = error.strerror or type(error).__name__
        return DatasetError(f"Expected a table that can be written. Received: {self.path.name}: {why}")

    def _kept_bytes(self) -> int:
        """Length of the file's whole lines; remembers their rows."""
        data = self.path.read_bytes()
        kept = data.rfind(b"\n") + 1
        try:
            rows = list(csv.reader(io.StringIO(data[:kept].decode("utf-8"), newline="")))
        except (UnicodeDecodeError, csv.Error):
            rows = [["not a table"]]
        if rows and rows[0] != list(COLUMNS):
            raise DatasetError(f"Expected a table with the columns {', '.join(COLUMNS)}. Received: {self.path.name}")
        for row in rows[1:]:
            if len(row) != len(COLUMNS):
                raise DatasetError(f"Expected {len(COLUMNS)} cells a row in {self.path.name}. Received: {len(row)}")
            self._known.add((row[0], row[1]))
            self._sources.add(row[0])
            self._archives.update(_parents(row[0]))
            self._last = row[0]
        return kept


def _csv(rows: Iterable[Sequence[str]]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def _parents(source: str) -> list[str]:
    """A member's archive and folders: a zip's rows name the zip and the member."""
    parts = source.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _text(value: str) -> str:
    """One line without control characters, which no spreadsheet takes for a formula."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return f"'{flat}" if flat.startswith(_FORMULA_STARTS) else flat
