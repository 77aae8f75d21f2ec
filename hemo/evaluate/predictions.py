"""The predictions table: one row a slice, computed once, the one source of every figure.

A table is kept in the workspace under a key made of the fingerprints of model and data, so that it is computed again
when either changes, and only then. Its heat maps lie beside it at the network's own resolution, with the affine that
places each over its slice, so that a page shows them without TensorFlow.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hemo.atomic import write_json_atomically
from hemo.ct.guard import assess
from hemo.ct.preparation import Prepared
from hemo.data.manifest import SUBTYPES, Manifest
from hemo.errors import DatasetError, HemoError
from hemo.evaluate.levels import RULES
from hemo.evaluate.metrics import FloatArray, IntArray
from hemo.model.bundle import replace_folder
from hemo.model.card import default_threshold
from hemo.model.reading import call_for

if TYPE_CHECKING:
    from hemo.model.bundle import ModelBundle
    from hemo.model.predictor import Predictor

Progress = Callable[[int, int], None]

TABLE_VERSION = 4
"""Raise when a table's content or its reading changes: older cached tables are then computed again."""
COLUMNS = ("source", "slice", "group", "label", "logit", "probability", "call", "reason")
KNOWN_COLUMNS = (
    *SUBTYPES,
    "fracture",
    "brain_level",
    "split",
    "source_split",
    "boxes",
    "mask_path",
    "age",
    "window",
    "site",
)
THUMBNAIL = 24
"""Side of the small picture kept of each slice, by which slices of like appearance are found."""
_BATCH = 32
_TABLE, _ABOUT, _MAPS = "predictions.csv", "about.json", "maps.npz"


@dataclass(frozen=True)
class About:
    """What a predictions table was made of.

    Args:
        model: name of the bundle.
        model_sha256: of its weights.
        data: name of the data set.
        data_fingerprint: of its content.
        group_kind: what a group is: "patient", "series" or "file".
        threshold: the bundle's balanced threshold on the calibrated probability.
        band: the bundle's uncertain band, or None.
        points: the bundle's operating points.
        preparation: the bundle's preparation.
        root: folder of the slices on this machine; "" where they are not at hand.
        protocol: "shipped weights" or "out of fold".
        licence: of the data.
        citation: of the data.
        problems: what the importer could not use: (path, kind, sentence).
        created: when, ISO 8601.
        trained_on: name and fingerprint of the bundle's training data.
        study_rule: how the bundle scores a study from its slices, one of `levels.RULES`.
    """

    model: str
    model_sha256: str
    data: str
    data_fingerprint: str
    group_kind: str
    threshold: float
    band: tuple[float, float] | None = None
    points: tuple[dict[str, Any], ...] = ()
    preparation: dict[str, Any] = field(default_factory=dict)
    root: str = ""
    protocol: str = "shipped weights"
    licence: str = "unknown"
    citation: str = ""
    problems: tuple[tuple[str, str, str], ...] = ()
    created: str = ""
    trained_on: dict[str, Any] = field(default_factory=dict)
    study_rule: str = "max"

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "About":
        """Read back what `asdict` and JSON made."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        known["band"] = tuple(known["band"]) if known.get("band") else None
        known["points"] = tuple(known.get("points", ()))
        known["problems"] = tuple((str(a), str(b), str(c)) for a, b, c in known.get("problems", ()))
        return cls(**known)


@dataclass(frozen=True, eq=False)
class Predictions:
    """A predictions table with its heat maps.

    Args:
        frame: one row a slice: `COLUMNS` and those of `KNOWN_COLUMNS` that the data set has. `probability` and
            `logit` are NaN for refused slices.
        about: what it was made of.
        heat: float16 (N, h, w) in [0, 1]; zero for refused slices; None where no maps were kept.
        to_source: float32 (N, 2, 3), pixel of the prepared image → pixel of the slice; None where not kept.
        shapes: int32 (N, 2), rows and columns of each slice; None where not kept.
        thumbs: uint8 (N, 24, 24), the prepared slices shrunk; None where not kept.
        embedding: float16 (N, D), what the network made of each slice; zero for refused slices; None where not kept.
    """

    frame: pd.DataFrame
    about: About
    heat: NDArray[np.float16] | None = None
    to_source: NDArray[np.float32] | None = None
    shapes: NDArray[np.int32] | None = None
    thumbs: NDArray[np.uint8] | None = None
    embedding: NDArray[np.float16] | None = None

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """Slices that got a score, bool (N,)."""
        return np.asarray(self.frame["call"] != "Refused")

    @property
    def labels(self) -> IntArray:
        """Labels of the accepted slices, int64."""
        return self.frame.loc[self.accepted, "label"].to_numpy(dtype=np.int64)

    @property
    def probabilities(self) -> FloatArray:
        """Calibrated probabilities of the accepted slices, float64."""
        return self.frame.loc[self.accepted, "probability"].to_numpy(dtype=np.float64)

    @property
    def groups(self) -> NDArray[np.str_]:
        """Groups of the accepted slices."""
        return self.frame.loc[self.accepted, "group"].to_numpy(dtype=str)

    @property
    def refused(self) -> pd.DataFrame:
        """Rows that got no score, with their reasons."""
        return self.frame[~self.accepted]

    def subset(self, keep: NDArray[np.bool_]) -> "Predictions":
        """The rows where `keep` (bool (N,)) holds, maps included."""
        rows = np.flatnonzero(keep)
        maps = {name: values[rows] for name, values in self.maps().items()}
        return Predictions(self.frame.iloc[rows].reset_index(drop=True), self.about, **maps)

    def maps(self) -> dict[str, Any]:
        """What is kept of each slice beside the table, by name: arrays with N rows."""
        kept = {name: getattr(self, name) for name in ("heat", "to_source", "shapes", "thumbs", "embedding")}
        return {name: values for name, values in kept.items() if values is not None}

    def placed_heat(self, row: int) -> NDArray[np.float32] | None:
        """Heat map of one row over its slice, float32 (H, W); None where there is none."""
        if self.heat is None or self.to_source is None or self.shapes is None or not self.accepted[row]:
            return None
        size = int(self.about.preparation["size"])
        height, width = (int(value) for value in self.shapes[row])
        blank = np.zeros((size, size), dtype=np.uint8)
        prepared = Prepared(blank, self.to_source[row].astype(np.float64), (height, width), head_found=True)
        return prepared.heat_to_source(self.heat[row].astype(np.float32))

    def slice_file(self, row: int) -> Path | None:
        """Where one row's slice lies, if it is on this machine."""
        path = Path(self.about.root) / str(self.frame["source"].iloc[row])
        return path if self.about.root and path.is_file() else None

    def save(self, folder: Path) -> None:
        """Write the table to `folder` as a whole; a reader meets the old one or the new one."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
            staged = Path(temporary) / "table"
            staged.mkdir()
            frame = self.frame.copy()
            if "boxes" in frame.columns:
                frame["boxes"] = [json.dumps([list(box) for box in boxes]) if boxes else "" for boxes in frame["boxes"]]
            frame.to_csv(staged / _TABLE, index=False)
            np.savez(staged / _MAPS, **self.maps())
            write_json_atomically(staged / _ABOUT, asdict(self.about))
            replace_folder(staged, folder)

    @classmethod
    def load(cls, folder: Path) -> "Predictions":
        """Read what `save` wrote.

        Raises:
            DatasetError: the folder holds no complete table.
        """
        try:
            about = About.from_json(json.loads((folder / _ABOUT).read_text("utf-8")))
            frame = read_table(folder / _TABLE)
            with np.load(folder / _MAPS) as stored:
                maps = {name: stored[name] for name in stored.files}
            return cls(frame, about, **maps)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"Expected a predictions table in {folder.name}. Received: {error}") from error


def read_table(path: Path) -> pd.DataFrame:
    """A predictions CSV with its types: text columns stay text, booleans become bool, boxes become lists."""
    text = dict.fromkeys(("source", "slice", "group", "call", "reason", "split", "source_split"), str)
    frame = pd.read_csv(
        path, dtype=text | dict.fromkeys(("brain_level", "mask_path", "window", "site"), str), low_memory=False
    )
    for name in set(frame.columns) & {*text, "brain_level", "mask_path", "window", "site"}:
        frame[name] = frame[name].fillna("").astype(str)
    for name in set(frame.columns) & {*SUBTYPES, "fracture"}:
        frame[name] = frame[name].astype(str).str.lower().isin(("true", "1", "1.0"))
    if "boxes" in frame.columns:
        frame["boxes"] = [json.loads(text) if isinstance(text, str) and text else [] for text in frame["boxes"]]
    return frame


def table_folder(folder: Path, bundle: "ModelBundle", manifest: Manifest, protocol: str = "shipped weights") -> Path:
    """Where the table of this model on these data is kept, whether or not it is there."""
    key = predictions_key(bundle, manifest.fingerprint())
    if protocol == "shipped weights":
        return folder / key
    # The table comes with the bundle and may be written anew beside the same weights: its content is part of the key.
    digest = hashlib.sha256()
    for path in sorted((bundle.path / protocol.replace(" ", "_")).glob("*")):
        digest.update(path.read_bytes())
    return folder / f"{key}-{protocol.replace(' ', '-')}-{digest.hexdigest()[:16]}"


def predictions_key(bundle: "ModelBundle", data_fingerprint: str) -> str:
    """Name of the cached table of this model on these data."""
    card = bundle.card
    parts = {
        "version": TABLE_VERSION,
        "weights": card["sha256"],
        "preparation": card["preparation"],
        "calibration": card["calibration"],
        "points": card["operating_points"],
        "band": card["uncertain_band"],
        "heat": card.get("heat"),
        "data": data_fingerprint,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def cached_predictions(folder: Path, bundle: "ModelBundle", manifest: Manifest) -> Predictions | None:
    """The table of this model on these data, if it was computed before and is whole.

    What is not part of the data's fingerprint (where it lies, its split, its name) is taken from `manifest`.
    """
    fingerprint = manifest.fingerprint()
    target = folder / predictions_key(bundle, fingerprint)
    if not target.is_dir():
        return None
    try:
        stored = Predictions.load(target)
    except DatasetError:
        return None
    rows = pd.Index(stored.frame["source"]).get_indexer(pd.Index(manifest.frame["path"]))
    if len(stored) != len(manifest) or (rows < 0).any():
        return None
    answers = stored.frame.iloc[rows].reset_index(drop=True)[["logit", "probability", "call", "reason"]]
    created = replace(about_for(bundle, manifest, fingerprint), created=stored.about.created)
    frame = _frame(manifest, *(answers[name] for name in answers.columns))
    return Predictions(frame, created, **{name: values[rows] for name, values in stored.maps().items()})


def _frame(manifest: Manifest, logit: Any, probability: Any, call: Any, reason: Any) -> pd.DataFrame:
    frame = manifest.frame.rename(columns={"path": "source"}).reset_index(drop=True)
    frame = frame.assign(logit=logit, probability=probability, call=call, reason=reason)
    return frame[[*COLUMNS, *[name for name in KNOWN_COLUMNS if name in frame.columns]]]


def predict_manifest(
    predictor: "Predictor",
    manifest: Manifest,
    progress: Progress | None = None,
    folder: Path | None = None,
    guard: bool = True,
    keep_heat: bool = True,
) -> Predictions:
    """Read every slice of a data set, or take the table from the cache.

    Args:
        predictor: the network of a bundle.
        manifest: the data set.
        progress: called with (done, total) after each batch.
        folder: where tables are kept; None keeps none. A table made with other `guard` or `keep_heat` is not kept.
        guard: refuse what is not an axial head slice.
        keep_heat: keep the heat maps.
    """
    keeps = folder is not None and guard and keep_heat
    if keeps and folder is not None:
        known = cached_predictions(folder, predictor.bundle, manifest)
        if known is not None:
            if progress is not None:
                progress(len(known), len(known))
            return known
    fingerprint = manifest.fingerprint()
    result = _predict(predictor, manifest, fingerprint, progress, guard, keep_heat)
    if keeps and folder is not None:
        result.save(folder / predictions_key(predictor.bundle, fingerprint))
    return result


def with_refused_files(predictions: Predictions) -> Predictions:
    """Add the files that the importer could not open as Refused rows without a label, so that none is dropped."""
    lost = [(path, detail) for path, kind, detail in predictions.about.problems if kind == "unreadable" and path]
    known = set(predictions.frame["source"])
    rows = [
        {"source": path, "slice": Path(path).stem, "group": "", "call": "Refused", "reason": detail}
        for path, detail in lost
        if path not in known
    ]
    if not rows:
        return predictions
    frame = pd.concat([predictions.frame, pd.DataFrame(rows)], ignore_index=True)
    frame["label"] = frame["label"].astype("Int64")
    for name in set(frame.columns) & {*SUBTYPES, "fracture"}:
        frame[name] = frame[name].fillna(False).astype(bool)
    for name in set(frame.columns) & {"split", "source_split", "brain_level", "mask_path", "window", "site"}:
        frame[name] = frame[name].fillna("")
    if "boxes" in frame.columns:
        frame["boxes"] = [boxes if isinstance(boxes, list) else [] for boxes in frame["boxes"]]

    maps = {
        name: np.concatenate([values, np.zeros((len(rows), *values.shape[1:]), values.dtype)])
        for name, values in predictions.maps().items()
    }
    return Predictions(frame, predictions.about, **maps)


def about_for(bundle: "ModelBundle", manifest: Manifest, fingerprint: str, protocol: str = "shipped weights") -> About:
    """What a table of this bundle on this data set says of itself."""
    card = bundle.card
    band = card["uncertain_band"]
    return About(
        model=bundle.name,
        model_sha256=card["sha256"],
        data=manifest.name,
        data_fingerprint=fingerprint,
        group_kind=manifest.group_kind,
        threshold=default_threshold(card),
        band=(float(band[0]), float(band[1])) if band else None,
        points=tuple(dict(point) for point in card["operating_points"]),
        preparation=dict(card["preparation"]),
        root=str(manifest.root.resolve()),
        protocol=protocol,
        licence=manifest.licence,
        citation=manifest.citation,
        problems=tuple((problem.path, problem.kind, problem.detail) for problem in manifest.problems),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        trained_on={name: card["data"].get(name) for name in ("name", "fingerprint", "split")},
        study_rule=study_rule(card),
    )


def study_rule(card: Any) -> str:
    """How a card scores a study from its slices: its own rule where it names one, else the highest slice score."""
    rule = (card.get("study_score") or {}).get("rule", "max")
    return rule if rule in RULES else "max"


def _predict(
    predictor: "Predictor",
    manifest: Manifest,
    fingerprint: str,
    progress: Progress | None,
    guard: bool,
    keep_heat: bool,
) -> Predictions:
    n = len(manifest)
    card = predictor.bundle.card
    logit, probability = np.full(n, np.nan), np.full(n, np.nan)
    calls, reasons = ["Refused"] * n, [""] * n
    heat: NDArray[np.float16] | None = None
    embedding: NDArray[np.float16] | None = None
    to_source, shapes = np.zeros((n, 2, 3), dtype=np.float32), np.zeros((n, 2), dtype=np.int32)
    thumbs = np.zeros((n, THUMBNAIL, THUMBNAIL), dtype=np.uint8)
    for rows, prepared in _prepared_batches(predictor, manifest, guard):
        good = [(row, entry) for row, entry in zip(rows, prepared, strict=True) if isinstance(entry, Prepared)]
        for row, entry in zip(rows, prepared, strict=True):
            if not isinstance(entry, Prepared):
                reasons[row] = entry
        if good:
            scores = predictor.predict(np.stack([entry.image for _, entry in good]))
            if keep_heat and heat is None:
                heat = np.zeros((n, *scores.heat.shape[1:]), dtype=np.float16)
            if scores.embedding is not None and embedding is None:
                embedding = np.zeros((n, scores.embedding.shape[1]), dtype=np.float16)
            for i, (row, entry) in enumerate(good):
                logit[row], probability[row] = float(scores.logit[i]), float(scores.probability[i])
                calls[row], reasons[row] = call_for(float(probability[row]), card)
                to_source[row], shapes[row] = entry.to_source, entry.source_shape
                thumbs[row] = cv2.resize(entry.image, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
                if heat is not None:
                    heat[row] = scores.heat[i]
                if embedding is not None and scores.embedding is not None:
                    embedding[row] = scores.embedding[i]
        if progress is not None:
            progress(rows.stop, n)
    frame = _frame(manifest, logit, probability, calls, reasons)
    about = about_for(predictor.bundle, manifest, fingerprint)
    if heat is None:
        return Predictions(frame, about)
    return Predictions(frame, about, heat, to_source, shapes, thumbs, embedding)


def _prepared_batches(
    predictor: "Predictor", manifest: Manifest, guard: bool
) -> Iterator[tuple[range, list[Prepared | str]]]:
    """Batches of rows, each row prepared or refused with its reason; the next batch is prepared meanwhile."""

    def one(row: int) -> Prepared | str:
        try:
            ct_slice = manifest.read(row)
            verdict = assess(ct_slice) if guard else None
            if verdict is not None and not verdict.is_head:
                return verdict.reason
            return predictor.preparation.apply(ct_slice, verdict.head if verdict else None)
        except HemoError as error:
            return str(error)

    batches = [range(start, min(start + _BATCH, len(manifest))) for start in range(0, len(manifest), _BATCH)]
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        ahead = [pool.submit(one, row) for row in batches[0]] if batches else []
        for i, rows in enumerate(batches):
            current, ahead = ahead, [pool.submit(one, row) for row in batches[i + 1]] if i + 1 < len(batches) else []
            yield rows, [future.result() for future in current]
