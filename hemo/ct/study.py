"""From dropped files to studies: ordered slices of the series worth reading, and a reason for everything else."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from hemo.ct.archive import zip_members
from hemo.ct.choice import is_readable, preference, why_not
from hemo.ct.identity import Identity, read_identity
from hemo.ct.names import clean_name, common_name, folder_of, is_clutter, natural_key, numbered
from hemo.ct.nifti import read_nifti
from hemo.ct.picture import picture_size, read_picture
from hemo.ct.read import sniff, unknown_kind
from hemo.ct.series import DicomFile, Load, Series, named, open_dicom, sort_into_series, study_warnings
from hemo.ct.slice import CTSlice
from hemo.errors import HemoError

Kind = Literal["dicom", "pictures", "nifti"]
Progress = Callable[[int, int], None]

# No stack of pictures is longer; a folder of more is a collection, and each picture stands for itself.
MAX_PICTURE_STACK = 400


@dataclass(frozen=True, eq=False)
class OtherSeries:
    """A series of the same study that was not chosen; its pixels are decoded only when asked for.

    Args:
        label: plane, number of slices, thickness.
        reason: why another was preferred.
        readable: whether `read` gives a study; models know axial slices only.
        read: decodes it. Raises HemoError when none of its slices decode.
    """

    label: str
    reason: str
    readable: bool
    read: Callable[[], "Study"] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Study:
    """What is read together: the slices of one series, in order from neck to vertex.

    Args:
        name: how to call it on screen, from file and folder names.
        slices: at least one.
        spacing: between slices, rows and columns, in mm, where known.
        warnings: sentences a reader should see.
        kind: what it was read from.
        series: the series in words, from its geometry.
        others: series of the same study that can be read instead.
        identity: reads the patient's identity from the files again, for an export that the user asked to carry it;
            None for what has none.
    """

    name: str
    slices: tuple[CTSlice, ...] = field(repr=False)
    spacing: tuple[float, float, float] | None
    warnings: tuple[str, ...]
    kind: Kind
    series: str = ""
    others: tuple[OtherSeries, ...] = ()
    identity: Callable[[], Identity | None] = field(default=lambda: None, repr=False)


@dataclass(frozen=True, eq=False)
class ReadResult:
    """Everything one drop gave.

    Args:
        studies: DICOM first, then pictures, then volumes, each in the order of their first file.
        refused: name and reason of every file that is in none of them.
    """

    studies: tuple[Study, ...]
    refused: tuple[tuple[str, str], ...]


def assemble_studies(files: Iterable[tuple[str, bytes]], progress: Progress | None = None) -> ReadResult:
    """Make studies of any mix of files: DICOM with or without suffix, PNG, JPEG, NIfTI and zips of these.

    Args:
        files: name and content of each; names are for the screen and are never opened.
        progress: called with slices decoded so far and slices to decode.

    Returns:
        Studies, and a reason for every file left out. No file keeps another from being read, and nothing is raised
        for what a file holds.

    Example:
        >>> assemble_studies([("notes.txt", b"not a scan")]).refused[0][1]
        'Expected a PNG, JPEG, DICOM, NIfTI or zip file. Received: text.'
    """
    drop = _Drop()
    for name, data in files:
        drop.add(clean_name(name), data, nested=False)
    return drop.read(progress)


class _Drop:
    """Files sorted by what they are, until all have come."""

    def __init__(self) -> None:
        self.dicom: dict[str, list[DicomFile]] = {}
        self.pictures: list[tuple[str, bytes, tuple[int, int]]] = []
        self.volumes: list[tuple[str, bytes]] = []
        self.refused: list[tuple[str, str]] = []

    def add(self, name: str, data: bytes, nested: bool) -> None:
        """Take one file; what cannot be read is noted, never raised."""
        try:
            kind = sniff(data)
            if kind == "zip" and not nested:
                self._unpack(name, data)
            elif kind in ("png", "jpeg"):
                self.pictures.append((name, data, picture_size(data)))
            elif kind == "nifti":
                self.volumes.append((name, data))
            elif kind == "dicom":
                file = open_dicom(name, data, _constant(data))
                self.dicom.setdefault(file.header.study or f"folder {folder_of(name)}", []).append(file)
            elif not is_clutter(name):
                raise unknown_kind(data)
        except HemoError as error:
            self.refused.append((name, str(error)))

    def _unpack(self, name: str, data: bytes) -> None:
        for member, content in zip_members(data, name):
            if isinstance(content, HemoError):
                self.refused.append((member, str(content)))
            else:
                self.add(member, content, nested=True)

    def read(self, progress: Progress | None) -> ReadResult:
        """Decode what was taken."""
        plans = [*self._dicom_plans(), *self._picture_plans(), *self._volume_plans()]
        total = sum(count for count, _ in plans)
        done = 0

        def on_slice() -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress(done, total)

        studies = []
        for _, read in plans:
            study = read(on_slice)
            if study is not None:
                studies.append(study)
        return ReadResult(_with_different_names(studies), tuple(self.refused))

    def _dicom_plans(self) -> "list[_Plan]":
        plans: list[_Plan] = []
        for files in self.dicom.values():
            ranked = sorted(sort_into_series(files), key=preference)
            plans.append((len(ranked[0].files), self._dicom_reader(ranked)))
        self.dicom = {}
        return plans

    def _dicom_reader(self, ranked: list[Series]) -> "_Read":
        def read(on_slice: Callable[[], None]) -> Study | None:
            chosen = ranked[0]
            name = common_name([file.name for series in ranked for file in series.files]) or "study"
            if not is_readable(chosen):
                listed = "; ".join(series.label for series in ranked[:3])
                self.refused.append((name, f"Expected an axial series. Received: {listed}."))
                return None
            slices, refused = chosen.read(on_slice)
            self.refused.extend(refused)
            if not slices:
                return None
            others = tuple(_other(series, chosen, name) for series in ranked[1:])
            return _dicom_study(name, chosen, slices, others)

        return read

    def _picture_plans(self) -> "list[_Plan]":
        plans: list[_Plan] = [(len(stack), self._picture_reader(stack)) for stack in _picture_stacks(self.pictures)]
        self.pictures = []
        return plans

    def _picture_reader(self, stack: "list[tuple[str, bytes]]") -> "_Read":
        def read(on_slice: Callable[[], None]) -> Study | None:
            slices, numbers = [], []
            folder = folder_of(stack[0][0])
            for name, data in stack:
                try:
                    slices.append(read_picture(data, name[len(folder) :].lstrip("/")))
                    numbers.append(number[1] if (number := numbered(name)) else 0)
                except HemoError as error:
                    self.refused.append((name, str(error)))
                on_slice()
            if not slices:
                return None
            name = stack[0][0] if len(stack) == 1 else (folder or (numbered(stack[0][0]) or ("pictures", 0))[0])
            return Study(name, named(slices), None, _picture_warnings(slices, numbers), "pictures", "pictures")

        return read

    def _volume_plans(self) -> "list[_Plan]":
        plans: list[_Plan] = [(1, self._volume_reader(name, data)) for name, data in self.volumes]
        self.volumes = []
        return plans

    def _volume_reader(self, name: str, data: bytes) -> "_Read":
        def read(on_slice: Callable[[], None]) -> Study | None:
            try:
                volume = read_nifti(data, name.rpartition("/")[2])
            except HemoError as error:
                self.refused.append((name, str(error)))
                return None
            finally:
                on_slice()
            label = f"volume · {len(volume.slices)} slices"
            return Study(name, volume.slices, volume.spacing, volume.warnings, "nifti", label)

        return read


_Read = Callable[[Callable[[], None]], Study | None]
_Plan = tuple[int, _Read]


def _constant(data: bytes) -> Load:
    return lambda: data


def _dicom_study(name: str, series: Series, slices: list[CTSlice], others: tuple[OtherSeries, ...]) -> Study:
    notes = study_warnings(series, slices)
    unread = series.count - len(slices)
    if unread:
        notes = (f"{unread} slice{'s' if unread > 1 else ''} could not be decoded and {'are' if unread > 1 else 'is'} "
                 "missing.", *notes)  # fmt: skip
    first = series.files[0]
    return Study(
        name=name,
        slices=named(slices),
        spacing=series.spacing,
        warnings=notes,
        kind="dicom",
        series=series.label,
        others=others,
        identity=lambda: read_identity(first.load()),
    )


def _other(series: Series, chosen: Series, name: str) -> OtherSeries:
    def read() -> Study:
        slices, refused = series.read()
        if not slices:
            raise HemoError(f"Expected a series with slices that decode. Received: {refused[0][1]}")
        return _dicom_study(name, series, slices, ())

    return OtherSeries(series.label, why_not(series, chosen), is_readable(series), read)


def _picture_stacks(pictures: list[tuple[str, bytes, tuple[int, int]]]) -> list[list[tuple[str, bytes]]]:
    """Pictures whose names differ only by a number and that have one size are slices of one study."""
    stacks: dict[object, list[tuple[str, bytes]]] = {}
    for index, (name, data, size) in enumerate(pictures):
        number = numbered(name)
        stacks.setdefault((number[0], size) if number else index, []).append((name, data))
    result = []
    for stack in stacks.values():
        stack.sort(key=lambda item: natural_key(item[0]))
        result.extend([stack] if len(stack) <= MAX_PICTURE_STACK else [[item] for item in stack])
    return result


def _picture_warnings(slices: Sequence[CTSlice], numbers: Sequence[int]) -> tuple[str, ...]:
    notes = []
    if len(slices) == 1:
        notes.append("One slice only: it says nothing about the rest of the head.")
    else:
        notes.append("Pictures whose names differ by a number were taken as one study, in that order.")
        steps = np.diff(numbers)
        usual = int(np.median(steps))
        missing = int(sum(step // usual - 1 for step in steps if usual > 0 and step > usual))
        if missing:
            notes.append(f"The numbers have gaps: about {missing} slice{'s are' if missing > 1 else ' is'} missing.")
    notes.append("A picture carries no HU and no scale: its window was chosen by whoever exported it.")
    notes.extend(dict.fromkeys(note for piece in slices for note in piece.warnings))
    return tuple(notes)


def _with_different_names(studies: list[Study]) -> tuple[Study, ...]:
    seen: dict[str, int] = {}
    result = []
    for study in studies:
        seen[study.name] = seen.get(study.name, 0) + 1
        times = seen[study.name]
        result.append(study if times == 1 else replace(study, name=f"{study.name} ({times})"))
    return tuple(result)
