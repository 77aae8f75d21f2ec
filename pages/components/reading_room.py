"""What the Read page keeps of a session: the studies that were dropped, their readings, and the reader's verdicts.

Everything lives in the session's memory, within a bound, and is gone when the session ends; nothing is written to disk
and nothing is logged. Pixels and heat maps are kept in the smallest type that loses nothing a screen could show.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from hemo.ct.slice import CTSlice
from hemo.ct.study import Study
from hemo.model.bundle import ModelBundle
from hemo.model.reading import Reading, iterate_readings
from pages.components import models

ROOM = "read_room"
# What one session may hold: about 800 slices of 512 by 512 with their heat maps.
MAX_BYTES = 640_000_000
# The active model and the one before it: switching back costs nothing, a third model forgets the oldest.
MAX_MODELS = 2
VERDICTS = ("Agree", "Disagree", "Unsure")

Progress = Callable[[int, int, str], None]


@dataclass(eq=False)
class OpenStudy:
    """One study in the session.

    Args:
        key: stands for its content; the same study dropped twice has the same key.
        study: what is known of it; its slices' pixels are in `stored`.
        stored: pixels of each slice, int16 where that is exact, else float32.
        readings: by the model's identity, in the order of the slices; heat maps are in `heats`.
        heats: by the model's identity, uint8 (rows, columns) on a scale of 0 to 255, or None where refused.
        position: the slice in the viewer, from 0; None until one is shown.
        verdict: one of `VERDICTS`, or None.
        note: the reader's own words.
    """

    key: str
    study: Study
    stored: list[NDArray[np.generic]]
    readings: dict[str, list[Reading]] = field(default_factory=dict)
    heats: dict[str, list[NDArray[np.uint8] | None]] = field(default_factory=dict)
    position: int | None = None
    verdict: str | None = None
    note: str = ""

    def __len__(self) -> int:
        return len(self.stored)

    @property
    def title(self) -> str:
        """The study's name on screen; pictures that differ by a number are named by the first and the last."""
        slices = self.study.slices
        if self.study.kind == "pictures" and len(slices) > 1 and "#" in self.study.name:
            return f"{slices[0].name} to {slices[-1].name}"
        return self.study.name

    def slice(self, index: int) -> CTSlice:
        """One slice with its pixels, float32."""
        return replace(self.study.slices[index], pixels=self.stored[index].astype(np.float32))

    def heat(self, identity: str, index: int) -> NDArray[np.float32] | None:
        """One slice's heat map, float32 (rows, columns) in [0, 1]; None where the slice was refused."""
        kept = self.heats[identity][index]
        return None if kept is None else kept.astype(np.float32) / np.float32(255)

    def reading(self, identity: str, index: int) -> Reading:
        """One slice's reading with its heat map, for what leaves the app."""
        return replace(self.readings[identity][index], heat=self.heat(identity, index))

    def nbytes(self) -> int:
        """Bytes of pixels and heat maps; the first model's maps are counted before they are made, a byte a pixel."""
        heats = sum(heat.nbytes for kept in self.heats.values() for heat in kept if heat is not None)
        return sum(pixels.nbytes for pixels in self.stored) + max(heats, sum(pixels.size for pixels in self.stored))


@dataclass(eq=False)
class Room:
    """Everything the page holds.

    Args:
        studies: in the order they were dropped.
        refused: files of the last drop that were not read, and why.
        full: names of studies for which there was no room.
        current: key of the study in the viewer.
        drop: counts drops, so that the uploader starts empty after each and its copy of the bytes is freed.
    """

    studies: list[OpenStudy] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    full: list[str] = field(default_factory=list)
    current: str | None = None
    drop: int = 0

    def nbytes(self) -> int:
        """Bytes of pixels and heat maps of all studies."""
        return sum(study.nbytes() for study in self.studies)

    def find(self, key: str | None) -> OpenStudy | None:
        """The study with this key."""
        return next((study for study in self.studies if study.key == key), None)

    def admit(self, study: Study) -> OpenStudy | None:
        """Take a study in; one that is here already is returned as it is, and None says there is no room for it."""
        stored = [_compact(each.pixels) for each in study.slices]
        key = _content_key(stored, study)
        known = self.find(key)
        if known is not None:
            return known
        entry = OpenStudy(key=key, study=_without_pixels(study), stored=stored)
        if self.nbytes() + entry.nbytes() > MAX_BYTES:
            self.full.append(study.name)
            return None
        self.studies.append(entry)
        return entry


def room() -> Room:
    """This session's room, made at its first use."""
    if ROOM not in st.session_state:
        st.session_state[ROOM] = Room()
    kept: Room = st.session_state[ROOM]
    return kept


def clear() -> None:
    """Forget every study, reading and verdict of this session."""
    st.session_state[ROOM] = Room(drop=room().drop + 1)


def read(entry: OpenStudy, chosen: ModelBundle, progress: Progress) -> None:
    """Run the model over a study unless this session has done so already.

    Args:
        entry: the study; its readings are added.
        chosen: the model.
        progress: called with slices done, slices in all, and the study's name.

    Raises:
        BundleError: the network cannot be loaded.
    """
    identity = models.identity(chosen)
    if identity in entry.readings:
        return
    readings: list[Reading] = []
    heats: list[NDArray[np.uint8] | None] = []
    slices = (entry.slice(index) for index in range(len(entry)))
    for reading in iterate_readings(models.predictor(chosen), slices):
        heats.append(None if reading.heat is None else np.rint(reading.heat * 255).astype(np.uint8))
        readings.append(replace(reading, heat=None))
        progress(len(readings), len(entry), entry.study.name)
    while len(entry.readings) >= MAX_MODELS:
        oldest = next(iter(entry.readings))
        del entry.readings[oldest], entry.heats[oldest]
    entry.readings[identity] = readings
    entry.heats[identity] = heats


def _compact(pixels: NDArray[np.float32]) -> NDArray[np.generic]:
    """HU and grey levels are whole numbers in nearly every file: half the memory, and exactly the same values."""
    whole = np.clip(np.rint(pixels), -32768, 32767).astype(np.int16)
    return whole if np.array_equal(whole, pixels) else pixels


def _without_pixels(study: Study) -> Study:
    blank = np.zeros((1, 1), np.float32)
    return replace(study, slices=tuple(replace(each, pixels=blank) for each in study.slices))


def _content_key(stored: Sequence[NDArray[np.generic]], study: Study) -> str:
    digest = hashlib.blake2b(study.name.encode(), digest_size=8)
    for pixels in stored:
        digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
