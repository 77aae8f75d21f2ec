"""What a data set is: one row a slice, with its label, its patient or series, its split and where its lesions lie.

Every importer ends in a `Manifest`, and everything that trains, evaluates or shows a data set starts from one.
"""

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemo.atomic import write_text_atomically
from hemo.ct.read import read_path
from hemo.ct.slice import CTSlice
from hemo.errors import DatasetError

SUBTYPES = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")
SPLITS = ("train", "validation", "test")
GROUP_KINDS = ("patient", "series", "file")
LABEL_NAMES = ("Normal", "Hemorrhage")

REQUIRED_COLUMNS = ("path", "label", "group", "group_kind", "slice", "split")
_TEXT_COLUMNS = (
    "path",
    "group",
    "group_kind",
    "slice",
    "split",
    "mask_path",
    "source_split",
    "brain_level",
    "window",
    "site",
)
_BOOL_COLUMNS = (*SUBTYPES, "fracture")

MANIFEST_CSV = "manifest.csv"
MANIFEST_JSON = "manifest.json"


@dataclass(frozen=True)
class Problem:
    """One thing about a data set that its user should know; the rest of the set is used all the same.

    Args:
        path: the file or folder concerned, relative to the data set, or "" for the set as a whole.
        kind: one of "missing", "unlabelled", "unreadable", "duplicate", "near_duplicate", "conflict", "bad_label",
            "empty_class", "one_group", "no_groups".
        detail: one sentence for the user.
    """

    path: str
    kind: str
    detail: str


@dataclass(frozen=True)
class Manifest:
    """A data set: slices on disk and what is known about each.

    Args:
        frame: one row a slice. Always there: `path` (relative to `root`, "/" between parts), `label` (int, 0 normal,
            1 hemorrhage), `group` (patient or series), `group_kind` ("patient", "series" or "file", the last where
            neither is known), `slice` (slice number or file stem), `split` ("train", "validation", "test" or "").
            Where known: the five subtypes and `fracture` (bool), `boxes` (list of (xc, yc, w, h) as fractions of the
            picture), `mask_path` (str, "" where there is none), `brain_level` (str), `window` (str, the CT window of
            the picture), `site` (str, hospital or scanner), `age` (float, years of the patient, NaN where unknown),
            `source_split` (str, the split the data set came with, where a protocol has replaced it).
        root: the folder that paths are relative to.
        name: short name for people.
        source: who published the data and where.
        licence: what may be done with it.
        citation: how its authors want to be named.
        problems: what the importer found and could not use.

    Raises:
        DatasetError: a required column is missing, or a label, split or group kind has an unknown value.
    """

    frame: pd.DataFrame
    root: Path
    name: str
    source: str = "unknown"
    licence: str = "unknown"
    citation: str = ""
    problems: tuple[Problem, ...] = field(default=())

    def __post_init__(self) -> None:
        missing = [column for column in REQUIRED_COLUMNS if column not in self.frame.columns]
        if missing:
            raise DatasetError(
                f"Expected the manifest columns {', '.join(REQUIRED_COLUMNS)}. Received: no {', '.join(missing)}."
            )
        _check_values(self.frame, "label", (0, 1))
        _check_values(self.frame, "split", (*SPLITS, ""))
        _check_values(self.frame, "group_kind", GROUP_KINDS)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Labels, int64 (N,): 0 normal, 1 hemorrhage."""
        return self.frame["label"].to_numpy(dtype=np.int64)

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """Patient or series of each slice, str (N,)."""
        return self.frame["group"].to_numpy(dtype=str)

    @property
    def group_kind(self) -> str:
        """What a group is in this set: "patient", "series" or "file" (the weakest kind that occurs)."""
        kinds = set(self.frame["group_kind"])
        return next((kind for kind in reversed(GROUP_KINDS) if kind in kinds), "file")

    def file(self, i: int) -> Path:
        """Where row `i` lies on disk."""
        return self.root / str(self.frame["path"].iloc[i])

    def read(self, i: int) -> CTSlice:
        """Decode row `i`.

        Raises:
            UnreadableImage, RefusedInput: the file is gone or is no CT slice.
        """
        return read_path(self.file(i))

    def read_mask(self, i: int) -> npt.NDArray[np.bool_] | None:
        """The lesion mask of row `i`, bool (H, W), or None where the set has none for it.

        Raises:
            UnreadableImage, RefusedInput: the mask is gone or is no picture.
        """
        if "mask_path" not in self.frame.columns or not self.frame["mask_path"].iloc[i]:
            return None
        return read_path(self.root / str(self.frame["mask_path"].iloc[i])).pixels > 127

    def digests(self) -> list[str]:
        """sha256 of the content of each file, in row order; "missing" where a file is gone."""
        return [_digest(str(self.root / path)) for path in self.frame["path"]]

    def fingerprint(self) -> str:
        """Identity of the data: sha256 hex over the sorted (path, size, content's sha256, label, group).

        The split is not part of it: one set under two protocols is still one set.
        """
        names, labels, groups = self.frame["path"].tolist(), self.frame["label"].tolist(), self.frame["group"].tolist()
        digests = self.digests()

        def line(row: int) -> str:
            size = _size(self.root / names[row])
            return f"{names[row]}\t{size}\t{digests[row]}\t{labels[row]}\t{groups[row]}"

        # Line by line, because the text of a very large set would weigh more than what trains on it.
        order = sorted(
            range(len(names)), key=(lambda row: f"{names[row]}\t") if len(set(names)) == len(names) else line
        )
        fingerprint = hashlib.sha256()
        for place, row in enumerate(order):
            fingerprint.update(f"\n{line(row)}".encode() if place else line(row).encode())
        return fingerprint.hexdigest()

    def subset(self, keep: Sequence[bool] | npt.NDArray[Any] | pd.Series) -> "Manifest":
        """The rows where `keep` (bool (N,), or row numbers) holds, in order; the frame is renumbered from 0."""
        selector = np.asarray(keep)
        rows = np.flatnonzero(selector) if selector.dtype == bool else selector.astype(np.intp)
        return replace(self, frame=self.frame.iloc[rows].reset_index(drop=True))

    def with_split(self, split: Iterable[str]) -> "Manifest":
        """The same rows under another split."""
        return replace(self, frame=self.frame.assign(split=list(split)))

    def with_problems(self, problems: Iterable[Problem]) -> "Manifest":
        """The same rows, with further problems noted."""
        return replace(self, problems=(*self.problems, *problems))

    def counts(self) -> pd.DataFrame:
        """Slices and groups by split and class: columns split, label, slices, groups."""
        grouped = self.frame.groupby(["split", "label"], sort=False)["group"]
        table = grouped.agg(slices="size", groups="nunique").reset_index()
        order = {name: i for i, name in enumerate((*SPLITS, ""))}
        place = table["split"].map(order) * 2 - table["label"]
        return table.iloc[np.argsort(place.to_numpy(), kind="stable")].reset_index(drop=True)

    def save(self, folder: Path | None = None) -> Path:
        """Write `manifest.csv` and `manifest.json` to `folder` (default: the data's own root); returns the CSV's path.

        Each file is replaced as a whole, so that a reader never meets half of one.
        """
        target = self.root if folder is None else Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        inside = target.resolve() == self.root.resolve()
        about = {
            "name": self.name,
            "root": "." if inside else str(self.root.resolve()),
            "source": self.source,
            "licence": self.licence,
            "citation": self.citation,
            "counts": {
                "slices": len(self),
                "positives": int(self.labels.sum()),
                "groups": int(self.frame["group"].nunique()),
            },
            "problems": [asdict(problem) for problem in self.problems],
        }
        frame = self.frame.copy()
        if "boxes" in frame.columns:
            frame["boxes"] = [json.dumps([list(box) for box in boxes]) if boxes else "" for boxes in frame["boxes"]]
        write_text_atomically(target / MANIFEST_CSV, frame.to_csv(index=False, quoting=csv.QUOTE_MINIMAL))
        write_text_atomically(target / MANIFEST_JSON, json.dumps(about, indent=2, ensure_ascii=False) + "\n")
        return target / MANIFEST_CSV

    @classmethod
    def load(cls, folder: Path) -> "Manifest":
        """Read what `save` wrote.

        Args:
            folder: the folder of the two files, or the path of either.

        Raises:
            DatasetError: a file is missing or is not a manifest.
        """
        folder = Path(folder)
        folder = folder.parent if folder.is_file() else folder
        try:
            about = json.loads((folder / MANIFEST_JSON).read_text(encoding="utf-8"))
            frame = pd.read_csv(folder / MANIFEST_CSV, dtype=str, keep_default_na=False, encoding="utf-8-sig")
            problems = tuple(Problem(**problem) for problem in about.get("problems", []))
            root = (folder / about["root"]).resolve()
            texts = {key: str(about.get(key, "")) for key in ("name", "source", "licence", "citation")}
            frame = _typed(frame)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatasetError(
                f"Expected {MANIFEST_CSV} and {MANIFEST_JSON} as Hemo saves them in {folder}. Received: {error}."
            ) from error
        return cls(frame=frame, root=root, problems=problems, **texts)


def build_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """A manifest frame from one dictionary a slice, in natural order of group and slice.

    Optional columns may be absent from some rows: bools become False, texts "", boxes [].
    """
    frame = pd.DataFrame(list(rows))
    for column in (name for name in _BOOL_COLUMNS if name in frame.columns):
        frame[column] = frame[column].map(lambda value: bool(value) if pd.notna(value) else False).astype(bool)
    for column in (name for name in _TEXT_COLUMNS if name in frame.columns):
        frame[column] = frame[column].fillna("").astype(str)
    if "boxes" in frame.columns:
        frame["boxes"] = [list(boxes) if isinstance(boxes, list | tuple) else [] for boxes in frame["boxes"]]
    if "age" in frame.columns:
        frame["age"] = pd.to_numeric(frame["age"], errors="coerce").astype("float64")
    if "label" in frame.columns:
        frame["label"] = frame["label"].astype("int64")
    return frame.reset_index(drop=True)


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Types of a frame read back from CSV, where every cell is text."""
    frame = frame.copy()
    frame["label"] = frame["label"].astype("int64")
    for column in (name for name in _BOOL_COLUMNS if name in frame.columns):
        frame[column] = frame[column].str.lower().isin(("true", "1"))
    if "age" in frame.columns:
        frame["age"] = pd.to_numeric(frame["age"], errors="coerce").astype("float64")
    if "boxes" in frame.columns:
        boxes = [[tuple(box) for box in json.loads(text)] if text else [] for text in frame["boxes"]]
        frame["boxes"] = pd.Series(boxes, index=frame.index, dtype=object)
    return frame


def _check_values(frame: pd.DataFrame, column: str, allowed: tuple[object, ...]) -> None:
    strange = sorted({repr(value) for value in frame[column].unique() if value not in allowed})
    if strange:
        raise DatasetError(
            f"Expected {column} to be one of {', '.join(map(repr, allowed))}. Received: {', '.join(strange[:5])}."
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _digest(path: str) -> str:
    try:
        stat = os.stat(path)  # noqa: PTH116 (called for thousands of rows; Path costs more than the stat)
    except OSError:
        return "missing"
    version = hashlib.blake2b(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}".encode(), digest_size=16).digest()
    known = _known_digests.get(version)
    if known is None:
        with Path(path).open("rb") as stream:
            known = hashlib.file_digest(stream, "sha256").digest()
        if len(_known_digests) >= _MOST_KNOWN:
            _known_digests.clear()
        _known_digests[version] = known
    return known.hex()


# Content by path, size and time, so that a changed file is read again; as bytes, about 200 of them a file.
_known_digests: dict[bytes, bytes] = {}
_MOST_KNOWN = 1_000_000
