"""A piece of an archive as a job: a few studies to read with a model."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from hemo.ct.folder import Part, read_part
from hemo.errors import HemoError
from hemo.jobs.job import Stop
from hemo.report.study_rows import rows_of, source_of
from hemo.report.table import Row

if TYPE_CHECKING:
    from hemo.ct.study import ReadResult
    from hemo.model.predictor import Predictor


@dataclass(frozen=True)
class PartRows:
    """What became of one part.

    Args:
        rows: of its slices and of what was refused.
        error: one sentence that names the study, where it could not be read; "" otherwise.
    """

    rows: tuple[Row, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class ReadJob:
    """Reads some parts of an archive; nothing but overlays is written.

    Args:
        number: place in the archive, from 0; results are put together in this order.
        folder: that the names of the files are relative to, as the user typed it.
        parts: files that are read together, with absolute paths.
        bundle: folder of the model.
        point: operating point of the calls; None for the card's own.
        overlays: folder for overlays; None writes none.
    """

    number: int
    folder: Path
    parts: tuple[Part, ...]
    bundle: Path
    point: str | None = None
    overlays: Path | None = None

    trains = False

    @property
    def name(self) -> str:
        """Its place; no file is named."""
        return f"chunk {self.number}"

    def ask_to_stop(self) -> None:
        """A chunk takes seconds: there is nothing to end early."""

    def work(self, stop: Stop) -> list[PartRows]:
        """Read the parts, each by itself: one that breaks the reader costs no other.

        Raises:
            BundleError: there is no such model, or it is damaged.
        """
        predictor = predictor_of(self.bundle)
        return [self._read(predictor, part) for part in self.parts]

    def _read(self, predictor: "Predictor", part: Part) -> PartRows:
        result = read_part(part)
        try:
            return PartRows(tuple(rows_of(predictor, result, self.folder, self.point, self.overlays)))
        except Exception as error:
            return PartRows(error=f"{_named(result, self.folder)}: {_one_line(error)}")


@lru_cache(maxsize=1)
def predictor_of(bundle: Path) -> "Predictor":
    """The model, loaded once a process.

    Raises:
        BundleError: there is no such model, or it is damaged.
    """
    from hemo.model.bundle import load_bundle
    from hemo.model.predictor import Predictor

    return Predictor(load_bundle(bundle))


def _named(result: "ReadResult", folder: Path) -> str:
    """What was read together, in a few words."""
    names = [study.name for study in result.studies] or [name for name, _ in result.refused]
    return source_of(folder, names[0]) if names else str(folder)


def _one_line(error: Exception) -> str:
    if isinstance(error, HemoError):
        return str(error)
    first = (str(error).splitlines() or [""])[0][:200]
    return f"Expected a study that can be read. Received: {type(error).__name__}: {first}"
