"""Out-of-fold predictions that a bundle brings with it: what its recipe said of slices it had not seen.

`out_of_fold.csv` in a bundle holds one row a slice: path (or source), slice, group, label, fold, logit, and the
probability where the recipe calibrated it. Figures on it are honest where figures of the shipped weights on their own
training slices are not. Without a probability, the temperature is fitted here on the other folds.
"""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hemo.errors import DatasetError
from hemo.evaluate.calibration import cross_fitted
from hemo.evaluate.predictions import COLUMNS, KNOWN_COLUMNS, About, Predictions
from hemo.model.card import default_threshold
from hemo.model.reading import call_for

if TYPE_CHECKING:
    from hemo.data.manifest import Manifest
    from hemo.model.bundle import ModelBundle

FILE = "out_of_fold.csv"
MAPS_FILE = "out_of_fold_evidence.npz"
PROTOCOL = "out of fold"
_NEEDED = ("slice", "group", "label", "fold", "logit")


def has_out_of_fold(bundle: "ModelBundle") -> bool:
    """Whether the bundle brings its out-of-fold table."""
    return (bundle.path / FILE).is_file()


def load_out_of_fold(bundle: "ModelBundle", manifest: "Manifest | None" = None) -> Predictions:
    """The bundle's out-of-fold table as predictions.

    Args:
        bundle: the bundle.
        manifest: the data set it was trained on, where it is at hand: brings boxes, subtypes and the slices
            themselves; used only where its fingerprint is the card's.

    Raises:
        DatasetError: there is no table, or a column is missing.
    """
    path = bundle.path / FILE
    try:
        table = pd.read_csv(path, dtype={"path": str, "source": str, "slice": str, "group": str})
    except (OSError, ValueError) as error:
        raise DatasetError(f"Expected {FILE} in the bundle {bundle.name}. Received: {error}") from error
    table = table.rename(columns={"path": "source"})
    missing = [name for name in ("source", *_NEEDED) if name not in table.columns]
    if missing:
        raise DatasetError(f"Expected the columns source, {', '.join(_NEEDED)}. Received: no {', '.join(missing)}")
    if "probability" not in table.columns:
        table["probability"], _ = cross_fitted(table["logit"], table["label"], table["fold"])
    answers = [call_for(float(p), bundle.card) for p in table["probability"]]
    table["call"], table["reason"] = [call for call, _ in answers], [reason for _, reason in answers]
    about = _about(bundle, json.loads(json.dumps(bundle.card["data"])))
    if manifest is not None and manifest.fingerprint() == about.data_fingerprint:
        known = [name for name in KNOWN_COLUMNS if name in manifest.frame.columns and name not in table.columns]
        extra = manifest.frame[["path", *known]].rename(columns={"path": "source"})
        table = table.merge(extra, on="source", how="left", validate="one_to_one")
        about = replace(about, root=str(manifest.root.resolve()), group_kind=manifest.group_kind, data=manifest.name)
    columns = [*COLUMNS, "fold", *[name for name in KNOWN_COLUMNS if name in table.columns]]
    return Predictions(table[columns].reset_index(drop=True), about, _maps(bundle, len(table)))


def _maps(bundle: "ModelBundle", n: int) -> NDArray[np.float16] | None:
    """The folds' own heat maps in the table's order, where the bundle brings them."""
    path = bundle.path / MAPS_FILE
    try:
        maps = np.load(path)["evidence"] if path.is_file() else None
    except (OSError, ValueError, KeyError):
        return None
    return maps.astype(np.float16) if maps is not None and maps.ndim == 3 and len(maps) == n else None


def _about(bundle: "ModelBundle", data: dict[str, object]) -> About:
    card = bundle.card
    band = card["uncertain_band"]
    return About(
        model=bundle.name,
        model_sha256=card["sha256"],
        data=str(data["name"]),
        data_fingerprint=str(data["fingerprint"]),
        group_kind="patient",
        threshold=default_threshold(card),
        band=(float(band[0]), float(band[1])) if band else None,
        points=tuple(dict(point) for point in card["operating_points"]),
        preparation=dict(card["preparation"]),
        protocol=PROTOCOL,
        licence=str(data["licence"]),
        citation=str(data["citation"]),
        created=card["created"],
        trained_on={"name": data["name"], "fingerprint": data["fingerprint"], "split": data["split"]},
    )


def folds_of(predictions: Predictions) -> np.ndarray | None:
    """Fold of each accepted slice, or None where the table has none."""
    if "fold" not in predictions.frame.columns:
        return None
    return predictions.frame.loc[predictions.accepted, "fold"].to_numpy()
