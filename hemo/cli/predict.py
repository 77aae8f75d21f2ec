"""`python -m hemo predict`: read files, folders and zips, study by study, to a table."""

import argparse
import hashlib
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from hemo.errors import HemoError, RunError
from hemo.report.table import Row, TableFile, table_text

if TYPE_CHECKING:
    from hemo.ct.slice import CTSlice
    from hemo.ct.study import ReadResult, Study
    from hemo.model.predictor import Predictor
    from hemo.model.reading import Reading

# What `hemo.ct.read` says of a file that the system does not let it open: an input that was not read.
_NOT_OPENED = "Expected a file that can be opened"
_SECONDS_BETWEEN_LINES = 10.0
_SAFE = re.compile(r"[^A-Za-z0-9._-]+")

Sink = Callable[[list[Row]], object]


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command's arguments."""
    parser = subparsers.add_parser(
        "predict",
        help="read slices and studies with a model",
        description="Read files, folders and zips of DICOM, PNG, JPEG or NIfTI, recognized by content. "
        "For teaching and research, not for diagnosis.",
    )
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="files, folders and zips")
    parser.add_argument("--model", metavar="NAME", help="name of a bundle in models/ (default: the shipped one)")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write the table here (default: standard output)")
    parser.add_argument("--overlays", metavar="DIR", type=Path, help="write each slice with its heat map here, as PNG")
    parser.add_argument("--point", metavar="NAME", help="call at this operating point of the model's card")
    parser.add_argument("--resume", action="store_true", help="keep the rows of --csv and read only what is missing")


def run(args: argparse.Namespace) -> int:
    """Read everything; 0 when every input was read or cleanly refused, else 1."""
    if args.resume and args.csv is None:
        print("hemo predict: --resume expects --csv FILE. Received: no file to resume", file=sys.stderr)
        return 2
    predictor = _load(args.model, args.point)
    if args.csv is None:
        try:
            sys.stdout.write(table_text([]))
            return _read_all(args, predictor, table=None)
        except BrokenPipeError:  # `| head` has seen enough; nothing more may be written, not even at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
    with TableFile(args.csv, resume=args.resume) as table:
        return _read_all(args, predictor, table)


def _load(model: str | None, point: str | None) -> "Predictor":
    from hemo.model.bundle import find_bundle
    from hemo.model.card import operating_point
    from hemo.model.predictor import Predictor
    from hemo.model.quiet import import_tensorflow_quietly
    from hemo.workspace import Workspace

    bundle = find_bundle(Workspace.from_environment().models, model)
    if point is not None:
        operating_point(bundle.card, point)
    import_tensorflow_quietly()
    return Predictor(bundle)


def _read_all(args: argparse.Namespace, predictor: "Predictor", table: TableFile | None) -> int:
    progress = _Progress()
    failed = 0
    for folder, paths in _by_folder(args.paths):
        missing = [path for path in paths if not path.exists()]
        for path in missing:
            progress.error(f"{path}: Expected a file or folder. Received: nothing of that name")
        failed += len(missing)
        present = [path for path in paths if path not in missing]
        for result in _results(present, folder, table, progress):
            try:
                rows = _rows(predictor, result, folder, args.point, args.overlays)
            except Exception as error:  # one study in thousands must not cost the others
                progress.error(f"{_named(result, folder)}: {_one_line(error)}")
                failed += 1
                continue
            for row in rows:
                if row.reason.startswith(_NOT_OPENED):
                    progress.error(f"{row.source}: {row.reason}")
                    failed += 1
            if table is None:
                sys.stdout.write(table_text(rows).partition("\n")[2])
                sys.stdout.flush()
            else:
                table.append(rows)
            progress.study(rows)
    progress.end()
    return 1 if failed else 0


def _named(result: "ReadResult", folder: Path) -> str:
    """What was read together, in a few words."""
    names = [study.name for study in result.studies] or [name for name, _ in result.refused]
    return _source(folder, names[0]) if names else str(folder)


def _one_line(error: Exception) -> str:
    if isinstance(error, HemoError):
        return str(error)
    first = (str(error).splitlines() or [""])[0][:200]
    return f"Expected a study that can be read. Received: {type(error).__name__}: {first}"


def _by_folder(paths: Sequence[Path]) -> Iterator[tuple[Path, list[Path]]]:
    """Paths of one folder together: a shell's `scan/*.dcm` is one series; names tell files of one folder apart."""
    for folder, group in groupby(dict.fromkeys(paths), key=lambda path: path.parent):
        yield folder, list(group)


def _results(
    paths: Sequence[Path], folder: Path, table: TableFile | None, progress: "_Progress"
) -> "Iterator[ReadResult]":
    from hemo.ct.folder import read_studies
    from hemo.ct.names import common_name

    def written(names: Sequence[str]) -> bool:
        done = table is not None and table.holds(
            [_source(folder, name) for name in names], _source(folder, common_name(names))
        )
        progress.skipped += done
        return done

    return read_studies(paths, skip=written)


def _rows(
    predictor: "Predictor", result: "ReadResult", folder: Path, point: str | None, overlays: Path | None
) -> list[Row]:
    """Rows of what was read together: slices with a call, other series and refused files with a reason."""
    rows = [row for study in result.studies for row in _study_rows(predictor, study, folder, point, overlays)]
    for name, reason in result.refused:
        rows.append(Row(_source(folder, name), "", _source(folder, name), None, None, "Refused", reason))
    return rows


def _study_rows(
    predictor: "Predictor", study: "Study", folder: Path, point: str | None, overlays: Path | None
) -> Iterator[Row]:
    from hemo.model.reading import iterate_readings

    group = _source(folder, study.name)
    readings = iterate_readings(predictor, study.slices, point=point, heat=overlays is not None)
    for ct_slice, reading in zip(study.slices, readings, strict=True):
        source = _source(folder, _file_of(study.name, ct_slice.name))
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


def _source(folder: Path, name: str) -> str:
    """A name as the user could type it."""
    return (folder / name).as_posix() if name else ""


def _write_overlay(folder: Path, row: Row, ct_slice: "CTSlice", reading: "Reading") -> None:
    """Write one overlay under a name of its own; client names are never paths."""
    if reading.heat is None:
        return
    from hemo.atomic import write_atomically
    from hemo.report.overlay import overlay_png

    digest = hashlib.sha256("\0".join(row.key).encode()).hexdigest()[:8]
    shown = _SAFE.sub("_", f"{row.group}-{row.slice}" if row.slice not in row.source else row.source).strip("._")
    data = overlay_png(ct_slice.grey(), reading.heat)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{shown[-120:].strip('._')}-{digest}.png", lambda stream: stream.write(data))
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise RunError(f"Expected a folder for overlays that can be written. Received: {folder.name}: {why}") from None


class _Progress:
    """How far it is, on stderr: a line that rewrites itself for a person, a line now and then for a log."""

    def __init__(self) -> None:
        self.skipped = 0
        self._studies = 0
        self._calls: Counter[str] = Counter()
        self._start = self._shown = time.monotonic()
        self._said = ""
        self._person = sys.stderr.isatty()

    def study(self, rows: Iterable[Row]) -> None:
        """Count what was read together and show it."""
        self._studies += 1
        self._calls.update(row.call for row in rows)
        now = time.monotonic()
        if now - self._shown >= (0.25 if self._person else _SECONDS_BETWEEN_LINES):
            self._shown, self._said = now, self.line()
            print(f"\r\x1b[K{self.line()}" if self._person else self.line(), end="" if self._person else "\n",
                  file=sys.stderr, flush=True)  # fmt: skip

    def error(self, message: str) -> None:
        """One line for an input that was not read."""
        print(f"{self._clear()}hemo predict: {message}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """The last word, unless it was said just now."""
        if self._person or self._said != self.line():
            print(f"{self._clear()}{self.line()}", file=sys.stderr, flush=True)

    def line(self) -> str:
        """Counts so far."""
        from hemo.model.reading import CALLS

        calls = ", ".join(f"{self._calls[call]:,} {call}" for call in CALLS if self._calls[call])
        earlier = f", {self.skipped:,} already in the table" if self.skipped else ""
        total = sum(self._calls.values())
        seconds = time.monotonic() - self._start
        return f"{total:,} rows of {self._studies:,} studies and files in {seconds:.0f} s: {calls or 'none'}{earlier}"

    def _clear(self) -> str:
        return "\r\x1b[K" if self._person else ""
