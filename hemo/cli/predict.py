"""`python -m hemo predict`: read files, folders and zips, study by study, to a table."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING

from hemo.cli.workers import add_worker_arguments
from hemo.report.table import Row, TableFile, table_text

if TYPE_CHECKING:
    from hemo.ct.folder import Part
    from hemo.jobs.job import Outcome
    from hemo.jobs.pool import Pool
    from hemo.jobs.read_job import ReadJob

# What `hemo.ct.read` says of a file that the system does not let it open: an input that was not read.
_NOT_OPENED = "Expected a file that can be opened"
_SECONDS_BETWEEN_LINES = 10.0
# Parts of an archive that a worker is given at a time: enough to be worth the way, few enough to lose little.
_CHUNK = 8


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
    add_worker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Read everything; 0 when every input was read or cleanly refused, else 1."""
    if args.resume and args.csv is None:
        print("hemo predict: --resume expects --csv FILE. Received: no file to resume", file=sys.stderr)
        return 2
    from hemo.jobs.pool import LocalPool, choose_pool

    bundle = _find(args.model, args.point)
    pool = choose_pool(args.workers, args.ray_address)
    if isinstance(pool, LocalPool):
        _load(bundle)
    with pool:
        return _write(args, bundle, pool)


def _write(args: argparse.Namespace, bundle: Path, pool: "Pool") -> int:
    if args.csv is None:
        try:
            sys.stdout.write(table_text([]))
            return _read_all(args, bundle, pool, table=None)
        except BrokenPipeError:  # `| head` has seen enough; nothing more may be written, not even at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
    with TableFile(args.csv, resume=args.resume) as table:
        return _read_all(args, bundle, pool, table)


def _find(model: str | None, point: str | None) -> Path:
    """Folder of the model, whose card knows the operating point."""
    from hemo.model.bundle import find_bundle
    from hemo.model.card import operating_point
    from hemo.workspace import Workspace

    bundle = find_bundle(Workspace.from_environment().models, model)
    if point is not None:
        operating_point(bundle.card, point)
    return bundle.path


def _load(bundle: Path) -> None:
    """Load the model into this process before anything is read."""
    from hemo.jobs.read_job import predictor_of
    from hemo.model.quiet import import_tensorflow_quietly

    import_tensorflow_quietly()
    predictor_of(bundle)


def _read_all(args: argparse.Namespace, bundle: Path, pool: "Pool", table: TableFile | None) -> int:
    """Read everything on the pool and write the rows in the order of the input."""
    progress = _Progress()
    ended: dict[int, Outcome] = {}
    following = 0
    for outcome in pool.run(_jobs(args, bundle, pool, table, progress), stop=lambda: False):
        ended[outcome.job.number] = outcome  # type: ignore[attr-defined]
        while following in ended:
            _take(ended.pop(following), table, progress)
            following += 1
    progress.end()
    return 1 if progress.failed else 0


def _jobs(
    args: argparse.Namespace, bundle: Path, pool: "Pool", table: TableFile | None, progress: "_Progress"
) -> "Iterator[ReadJob]":
    """The archive in chunks, listed as workers become free; here study by study, so that each is written at once."""
    from hemo.jobs.pool import LocalPool
    from hemo.jobs.read_job import ReadJob

    size = 1 if isinstance(pool, LocalPool) else _CHUNK
    overlays = args.overlays.absolute() if args.overlays else None
    number = 0
    for folder, paths in _by_folder(args.paths):
        parts = _parts(paths, folder, table, progress)
        while chunk := tuple(islice(parts, size)):
            yield ReadJob(number, folder, chunk, bundle, args.point, overlays)
            number += 1


def _parts(paths: Sequence[Path], folder: Path, table: TableFile | None, progress: "_Progress") -> "Iterator[Part]":
    """What lies at the paths and is not in the table yet."""
    from hemo.ct.folder import list_parts
    from hemo.ct.names import common_name
    from hemo.report.study_rows import source_of

    for path in paths:
        if not path.exists():
            progress.error(f"{path}: Expected a file or folder. Received: nothing of that name")
            progress.failed += 1
    for part in list_parts(path for path in paths if path.exists()):
        names = part.names
        whole = source_of(folder, common_name(names)) if names else ""
        if names and table is not None and table.holds([source_of(folder, name) for name in names], whole):
            progress.skipped += 1
        else:
            yield replace(part, members=tuple((name, path.absolute()) for name, path in part.members))


def _take(outcome: "Outcome", table: TableFile | None, progress: "_Progress") -> None:
    """Write the rows of a chunk, study by study."""
    if outcome.error:
        progress.error(f"{outcome.job.name}: {outcome.error}")
        progress.failed += 1
    for part in outcome.result or ():
        if part.error:
            progress.error(part.error)
            progress.failed += 1
            continue
        for row in part.rows:
            if row.reason.startswith(_NOT_OPENED):
                progress.error(f"{row.source}: {row.reason}")
                progress.failed += 1
        if table is None:
            sys.stdout.write(table_text(part.rows).partition("\n")[2])
            sys.stdout.flush()
        else:
            table.append(part.rows)
        progress.study(part.rows)


def _by_folder(paths: Sequence[Path]) -> Iterator[tuple[Path, list[Path]]]:
    """Paths of one folder together: a shell's `scan/*.dcm` is one series; names tell files of one folder apart."""
    for folder, group in groupby(dict.fromkeys(paths), key=lambda path: path.parent):
        yield folder, list(group)


class _Progress:
    """How far it is, on stderr: a line that rewrites itself for a person, a line now and then for a log."""

    def __init__(self) -> None:
        self.skipped = self.failed = 0
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
