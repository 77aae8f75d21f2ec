"""One DICOM series: its slices in order, and what its order says about the scan."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hemo.ct.dicom import refuse_what_is_no_slice, slices_of
from hemo.ct.dicom_header import DicomHeader, FramePlace, Plane, read_header
from hemo.ct.names import folder_of, natural_key
from hemo.ct.slice import CTSlice
from hemo.errors import HemoError

# Two slices this close together, in mm, are the same place scanned or reconstructed twice.
SAME_PLACE_MM = 0.05
# Slices of one stack share their normal to within a few degrees.
SAME_NORMAL_COSINE = 0.99
# A step this many times the expected one means that slices are missing.
GAP_FACTOR = 1.5
THICK_MM = 5.5
# From the base of the skull to the vertex an adult's head is about 130 mm high, a newborn's about 90.
WHOLE_HEAD_MM = 90.0
METAL_HU = 3000.0
METAL_PIXELS = 40

Load = Callable[[], bytes]


@dataclass(frozen=True, eq=False)
class DicomFile:
    """A CT file whose header was read and accepted.

    Args:
        name: how to call it on screen.
        load: gives the file's bytes again.
        header: what was found.
    """

    name: str
    load: Load = field(repr=False)
    header: DicomHeader = field(repr=False)

    @property
    def place(self) -> FramePlace:
        """Of the first frame."""
        return self.header.frames[0]


def open_dicom(name: str, data: bytes, load: Load) -> DicomFile:
    """Read a file's header.

    Raises:
        HemoError: as `read_dicom`, except for damaged pixel data, which shows only when decoded.
    """
    header, _ = read_header(data)
    refuse_what_is_no_slice(header)
    return DicomFile(name, load, header)


@dataclass(frozen=True, eq=False)
class Series:
    """Slices of one stack: same series, same orientation, same matrix.

    Args:
        files: in order.
        notes: sentences about duplicates, gaps and order.
        spares: files left out because another shows the same place; one is read when that other does not decode.
    """

    files: tuple[DicomFile, ...]
    notes: tuple[str, ...] = ()
    spares: tuple[DicomFile, ...] = ()

    @property
    def plane(self) -> Plane:
        """Anatomical plane of the stack."""
        return self.files[0].place.plane

    @property
    def count(self) -> int:
        """How many slices, frames counted."""
        return sum(len(file.header.frames) for file in self.files)

    @property
    def thickness_mm(self) -> float | None:
        """Most frequent slice thickness, in mm."""
        known = [round(frame.thickness_mm, 2) for frame in self._frames() if frame.thickness_mm is not None]
        return Counter(known).most_common(1)[0][0] if known else None

    @property
    def contrast(self) -> bool | None:
        """Whether a contrast agent was in use, as far as any file says."""
        said = {file.header.contrast for file in self.files}
        return True if True in said else False if False in said else None

    @property
    def head(self) -> bool | None:
        """Whether the files name the head as the body part."""
        return self.files[0].header.head

    @property
    def sharp(self) -> bool:
        """Whether it was reconstructed for bone."""
        return self.files[0].header.sharp

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Between slices, rows and columns, in mm; None where any of it is unknown."""
        pixel = self.files[0].place.spacing_mm
        steps = np.diff([position for position in self._positions() if position is not None])
        between = float(np.median(steps)) if len(steps) else self.thickness_mm
        return None if pixel is None or between is None else (between, *pixel)

    @property
    def label(self) -> str:
        """What the series is, from its geometry; header texts are not repeated."""
        number = self.files[0].header.series_number
        words = [
            f"series {number}" if number is not None else "series",
            self.plane if self.plane != "unknown" else "orientation unknown",
            f"{self.count} slice{'s' if self.count != 1 else ''}",
        ]
        if self.thickness_mm is not None:
            words.append(f"{self.thickness_mm:g} mm")
        if self.contrast:
            words.append("contrast")
        if self.sharp:
            words.append("bone kernel")
        return " · ".join(words)

    def _frames(self) -> Iterator[FramePlace]:
        for file in self.files:
            yield from file.header.frames

    def _positions(self) -> list[float | None]:
        return [frame.along_normal for frame in self._frames()]

    def read(self, on_slice: Callable[[], None] = lambda: None) -> tuple[list[CTSlice], list[tuple[str, str]]]:
        """Decode every file.

        Args:
            on_slice: called after each file.

        Returns:
            The slices in order, and name and reason of each file whose pixels do not decode. A place is missing only
            if no file of it decodes.
        """
        slices: list[CTSlice] = []
        refused = []
        prefix = _shared_folder(file.name for file in (*self.files, *self.spares))
        for file in self.files:
            for candidate in (file, *self._spares_of(file)):
                try:
                    header, found = read_header(candidate.load())
                    slices.extend(slices_of(header, found, candidate.name[len(prefix) :]))
                    break
                except HemoError as error:
                    refused.append((candidate.name, str(error)))
            on_slice()
        if any(len(file.header.frames) > 1 for file in self.files):
            slices.sort(key=lambda piece: (piece.position_mm is None, piece.position_mm or 0.0))
        return slices, refused

    def _spares_of(self, file: DicomFile) -> list[DicomFile]:
        return [spare for spare in self.spares if _distance(spare, file) < SAME_PLACE_MM]


def sort_into_series(files: Iterable[DicomFile]) -> list[Series]:
    """Group files of one study into series, each ordered along its normal.

    A series is split where its orientation, its matrix or, when two scans share their places, its acquisition
    changes: a localizer sent along, or the same head before and after contrast.
    """
    groups: dict[tuple[object, ...], list[DicomFile]] = {}
    for file in files:
        header = file.header
        multi = file.name if len(header.frames) > 1 else ""
        key = (header.series or f"folder {folder_of(file.name)}", header.rows, header.columns, multi)
        groups.setdefault(key, []).append(file)
    return [_ordered(stack) for group in groups.values() for stack in _stacks(group)]


def _stacks(files: list[DicomFile]) -> list[list[DicomFile]]:
    """Split by normal, then by acquisition where places repeat."""
    by_normal: list[tuple[np.ndarray | None, list[DicomFile]]] = []
    for file in files:
        normal = file.place.normal
        for known, members in by_normal:
            same = normal is None if known is None else normal is not None and normal @ known > SAME_NORMAL_COSINE
            if same:
                members.append(file)
                break
        else:
            by_normal.append((normal, [file]))
    stacks = []
    for _, members in by_normal:
        stacks.extend(_by_acquisition(members) if _repeats(members) else [members])
    return stacks


def _repeats(files: list[DicomFile]) -> bool:
    """Whether more than half of the places occur again."""
    places = [round(place / SAME_PLACE_MM) for file in files if (place := file.place.along_normal) is not None]
    return len(places) > 2 and len(set(places)) <= len(places) * 0.67


def _by_acquisition(files: list[DicomFile]) -> list[list[DicomFile]]:
    parts: dict[int | None, list[DicomFile]] = {}
    for file in files:
        parts.setdefault(file.header.acquisition, []).append(file)
    return list(parts.values())


def _ordered(files: list[DicomFile]) -> Series:
    if len(files) == 1:
        return Series(tuple(files), _frame_notes(files[0]))
    if all(file.place.along_normal is not None for file in files):
        return _ordered_by_place(files)
    if all(file.header.instance is not None for file in files):
        files = sorted(files, key=lambda file: (file.header.instance or 0, natural_key(file.name)))
        return Series(tuple(files), ("Slice positions are unknown: slices are in the order of their numbers.",))
    files = sorted(files, key=lambda file: natural_key(file.name))
    return Series(tuple(files), ("Slice positions are unknown: slices are in the order of their names.",))


def _frame_notes(file: DicomFile) -> tuple[str, ...]:
    frames = file.header.frames
    if len(frames) == 1:
        return ()
    places = [frame.along_normal for frame in frames]
    if any(place is None for place in places):
        return ("Slice positions are unknown: slices are in the file's order.",)
    known = sorted(place for place in places if place is not None)
    return tuple(_gap_notes(known, [frame.thickness_mm for frame in frames]))


def _ordered_by_place(files: list[DicomFile]) -> Series:
    # Instance number and name decide between slices of one place, so that any order of files gives one result.
    files = sorted(files, key=lambda file: (file.place.along_normal, file.header.instance or 0, natural_key(file.name)))
    kept: list[DicomFile] = []
    spares: list[DicomFile] = []
    for file in files:
        repeats = bool(kept) and _distance(kept[-1], file) < SAME_PLACE_MM
        (spares if repeats else kept).append(file)
    notes = []
    left_out = len(spares)
    if left_out:
        slices = "1 slice repeats" if left_out == 1 else f"{left_out} slices repeat"
        notes.append(f"{slices} the position of another and {'was' if left_out == 1 else 'were'} left out.")
    places = [file.place.along_normal or 0.0 for file in kept]
    notes.extend(_gap_notes(places, [file.place.thickness_mm for file in kept]))
    return Series(tuple(kept), tuple(notes), tuple(spares))


def _distance(one: DicomFile, other: DicomFile) -> float:
    return abs((one.place.along_normal or 0.0) - (other.place.along_normal or 0.0))


def _gap_notes(places: Sequence[float], thicknesses: Sequence[float | None]) -> list[str]:
    """Sentences about steps too wide for the slices beside them.

    Scanners take thin slices through the skull base and thick ones above, so a step is compared with the thickness of
    its own neighbors as well as with the usual step.
    """
    steps = np.diff(places)
    if len(steps) < 2:
        return []
    usual = float(np.median(steps))
    notes = []
    for index, step in enumerate(steps):
        expected = max(usual, thicknesses[index] or 0.0, thicknesses[index + 1] or 0.0)
        missing = round(step / expected) - 1
        if step > GAP_FACTOR * expected and missing >= 1:
            slices = "1 slice is" if missing == 1 else f"{missing} slices are"
            notes.append(f"{slices} missing between {places[index]:.1f} and {places[index + 1]:.1f} mm.")
    if len(notes) > 3:
        return [f"Slices are missing in {len(notes)} places between {places[0]:.1f} and {places[-1]:.1f} mm."]
    return notes


def study_warnings(series: Series, slices: Sequence[CTSlice]) -> tuple[str, ...]:
    """What a reader of this series should know, one sentence each: its slices' own warnings included, once."""
    header = series.files[0].header
    notes = [*series.notes]
    thickness = series.thickness_mm
    if thickness is not None and thickness > THICK_MM:
        notes.append(f"Slices are {thickness:g} mm thick: small bleeds can be averaged away.")
    places = [piece.position_mm for piece in slices if piece.position_mm is not None]
    if len(slices) == 1:
        notes.append("One slice only: it says nothing about the rest of the head.")
    elif places:
        # The outer slices' halves belong to the span.
        span = max(places) - min(places) + (thickness or 0.0)
        if span < WHOLE_HEAD_MM:
            notes.append(f"Only part of the head: the slices span {span:.0f} mm.")
    if series.plane == "unknown":
        notes.append("The orientation is unknown: slices were taken as axial.")
    if header.child:
        notes.append("The patient is a child: children are few in the training data.")
    if header.head is False:
        notes.append("The header names another body part than the head.")
    metal = sum(1 for piece in slices if np.count_nonzero(piece.pixels > METAL_HU) >= METAL_PIXELS)
    if metal:
        notes.append(f"Metal or very dense material in {metal} slice{'s' if metal > 1 else ''}: streaks can mislead.")
    notes.extend(dict.fromkeys(note for piece in slices for note in piece.warnings))
    return tuple(dict.fromkeys(notes))


def named(slices: Sequence[CTSlice]) -> tuple[CTSlice, ...]:
    """Slices with names that differ: a name that occurs again gets its slice's number behind it."""
    counts = Counter(piece.name for piece in slices)
    return tuple(
        piece if counts[piece.name] == 1 else replace(piece, name=f"{piece.name} [{number}]")
        for number, piece in enumerate(slices, start=1)
    )


def _shared_folder(names: Iterable[str]) -> str:
    folders = {folder_of(name) for name in names}
    return f"{folders.pop()}/" if len(folders) == 1 and "" not in folders else ""
