"""Training slices that a network takes for most like a slice, by its own embedding: what it may have learned from them.

Embeddings are kept in predictions tables, computed once with the scores and again when model or data change. They
exist for imported data sets only: the reading page computes none.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hemo.errors import DatasetError
from hemo.evaluate.predictions import About, Predictions

NEIGHBOURS = 4


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The training slices nearest to one slice.

    Args:
        table: the training data's predictions table.
        rows: their positions in it, nearest first.
        similarity: cosine of the embeddings, centred on the training slices, by row.
        note: from what they were chosen, one sentence.
    """

    table: Predictions
    rows: tuple[int, ...]
    similarity: tuple[float, ...]
    note: str


def training_table_folder(folder: Path, about: About) -> Path | None:
    """Where the table of the same weights on their own training data is kept; None where it was not made.

    Args:
        folder: of all predictions tables.
        about: what any table of the model says of itself.
    """
    wanted = (about.model_sha256, about.trained_on.get("fingerprint"), "shipped weights")
    found = []
    for path in folder.glob("*/about.json"):
        try:
            other = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if (other.get("model_sha256"), other.get("data_fingerprint"), other.get("protocol")) == wanted:
            found.append(path)
    return max(found, key=lambda path: path.stat().st_mtime).parent if found else None


def training_table(folder: Path | None) -> Predictions | None:
    """The table in `training_table_folder`; None where there is none, or none with embeddings."""
    try:
        table = None if folder is None else Predictions.load(folder)
    except DatasetError:
        return None
    return None if table is None or table.embedding is None else table


def with_appearance(predictions: Predictions, training: Predictions | None) -> Predictions:
    """A table with the small pictures and embeddings that the training table holds of the same slices.

    An out-of-fold table brings scores of several networks and no pictures; what its slices look like, and what the
    shipped weights make of them, stands in the table of those weights on the same data.
    """
    if training is None or training.about.data_fingerprint != predictions.about.data_fingerprint:
        return predictions
    rows = pd.Index(training.frame["source"]).get_indexer(pd.Index(predictions.frame["source"]))
    found: dict[str, Any] = {}
    for name in ("thumbs", "embedding"):
        values = getattr(training, name)
        if getattr(predictions, name) is None and values is not None:
            found[name] = values[rows] * (rows >= 0).reshape(-1, *[1] * (values.ndim - 1)).astype(values.dtype)
    return replace(predictions, **found)


def nearest(predictions: Predictions, training: Predictions, row: int, k: int = NEIGHBOURS) -> Neighbours | None:
    """The training slices nearest to one slice, none of the same patient where patients are known.

    Args:
        predictions: the table of the slice, with embeddings; see `with_appearance`.
        training: the training data's table, of the same weights.
        row: position of the slice.
        k: how many.

    Returns:
        None where the slice or the training slices have no embedding.
    """
    if predictions.embedding is None or training.embedding is None or not predictions.accepted[row]:
        return None
    pool, part = _pool(training)
    same_data = training.about.data_fingerprint == predictions.about.data_fingerprint
    patients = training.about.group_kind != "file"
    if same_data:
        column = "group" if patients else "source"
        pool = pool & (training.frame[column].to_numpy(dtype=str) != str(predictions.frame[column].iloc[row]))
    rows = np.flatnonzero(pool)
    query = predictions.embedding[row].astype(np.float32)
    if not rows.size or not query.any():
        return None
    known = training.embedding[rows].astype(np.float32)
    centre = known.mean(axis=0)
    similarity = _cosine(known - centre, query - centre)
    best = np.argsort(-similarity, kind="stable")[:k]
    note = f"From {rows.size:,} slices of {training.about.data}, {part}"
    if same_data and patients:
        note += f"; none of the same {training.about.group_kind}"
    elif same_data:
        note += "; patients are unknown, so a neighbour may be of the same patient"
    return Neighbours(training, tuple(rows[best].tolist()), tuple(similarity[best].tolist()), f"{note}.")


def _pool(training: Predictions) -> tuple[NDArray[np.bool_], str]:
    """Slices that the network was trained on, as far as the table tells, and how to call them."""
    assert training.embedding is not None
    usable = training.accepted & training.embedding.any(axis=1)
    split = training.frame["split"].to_numpy(dtype=str) if "split" in training.frame.columns else np.empty(0, str)
    if (split == "train").any():
        return usable & (split == "train"), "its training part"
    return usable, "the data it was trained on"


def _cosine(many: NDArray[np.float32], one: NDArray[np.float32]) -> NDArray[np.float32]:
    norm = np.linalg.norm(many, axis=1) * np.linalg.norm(one)
    return np.asarray(many @ one / np.maximum(norm, 1e-9))
