"""Out-of-fold predictions that a bundle brings with it: what its recipe said of slices it had not seen.

The folder `out_of_fold` of a bundle is a predictions table with a column `fold`, heat maps included. Figures on it are
honest where figures of the shipped weights on their own training slices are not.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hemo.errors import DatasetError
from hemo.evaluate.predictions import KNOWN_COLUMNS, Predictions, study_rule
from hemo.model.card import default_threshold

if TYPE_CHECKING:
    from hemo.data.manifest import Manifest
    from hemo.model.bundle import ModelBundle

FOLDER = "out_of_fold"
PROTOCOL = "out of fold"


def has_out_of_fold(bundle: "ModelBundle") -> bool:
    """Whether the bundle brings its out-of-fold table."""
    return (bundle.path / FOLDER / "about.json").is_file()


def load_out_of_fold(bundle: "ModelBundle", manifest: "Manifest | None" = None) -> Predictions:
    """The bundle's out-of-fold table.

    Args:
        bundle: the bundle; its card names the operating points.
        manifest: the data set it was trained on, where it is at hand: tells where the slices lie and brings what the
            table does not hold; used only where its fingerprint is the card's.

    Raises:
        DatasetError: there is no whole table, or it does not say which fold each slice was in.
    """
    stored = Predictions.load(bundle.path / FOLDER)
    if "fold" not in stored.frame.columns:
        raise DatasetError(f"Expected the column fold in the out-of-fold table of {bundle.name}. Received: none")
    card = bundle.card
    data = card["data"]
    band = card["uncertain_band"]
    about = replace(
        stored.about,
        model=bundle.name,
        model_sha256=card["sha256"],
        data_fingerprint=str(data["fingerprint"]),
        threshold=default_threshold(card),
        band=(float(band[0]), float(band[1])) if band else None,
        points=tuple(dict(point) for point in card["operating_points"]),
        preparation=dict(card["preparation"]),
        root="",
        protocol=PROTOCOL,
        trained_on={name: data.get(name) for name in ("name", "fingerprint", "split")},
        study_rule=study_rule(card),
    )
    frame = stored.frame
    if manifest is not None and manifest.fingerprint() == about.data_fingerprint:
        known = [name for name in KNOWN_COLUMNS if name in manifest.frame.columns and name not in frame.columns]
        extra = manifest.frame[["path", *known]].rename(columns={"path": "source"})
        frame = frame.merge(extra, on="source", how="left", validate="one_to_one")
        about = replace(about, root=str(manifest.root.resolve()), group_kind=manifest.group_kind, data=manifest.name)
    return replace(stored, frame=frame.reset_index(drop=True), about=about)


def folds_of(predictions: Predictions) -> np.ndarray | None:
    """Fold of each accepted slice, or None where the table has none."""
    if "fold" not in predictions.frame.columns:
        return None
    return predictions.frame.loc[predictions.accepted, "fold"].to_numpy()
