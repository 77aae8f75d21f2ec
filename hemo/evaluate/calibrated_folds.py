"""An out-of-fold table, calibrated: what each fold's network says of the slices it has not seen, as scores.

In the recipe's table every slice is there twice: as the scanner gave it, and as a foreign picture
(`hemo.data.foreign`). Figures are those of the slices as they are; thresholds are fitted on both, because a reader
drops either, and a foreign picture's scores lie higher: fitted on the hospital's own slices alone, the balanced point
called a quarter of all foreign normals a bleed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hemo.errors import RunError
from hemo.evaluate.calibration import Calibration, cross_fitted, fit_calibration
from hemo.evaluate.operating_point import Beside
from hemo.evaluate.predictions import Predictions


@dataclass(frozen=True)
class OutOfFold:
    """The table with its calibrated scores, in the manifest's order.

    Args:
        frame: path, slice, group, label, fold, logit and foreign_logit (NaN where the guard refuses the picture).
        calibration: fitted on all slices as they are, to ship.
        probability: (N,) float64, each slice calibrated without its own fold.
        used: the calibration of each fold, in sorted order of the folds.
    """

    frame: pd.DataFrame
    calibration: Calibration
    probability: np.ndarray
    used: list[Calibration]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "OutOfFold":
        """Calibrate a table."""
        labels, folds, logit = (frame[column].to_numpy() for column in ("label", "fold", "logit"))
        probability, used = cross_fitted(logit, labels, folds, bias=True)
        patients = frame["group"].nunique()
        temperatures = ", ".join(f"{calibration.temperature:.2f}" for calibration in used)
        how = (
            f"temperature and bias fitted on the out-of-fold logits of {patients} patients; figures use those fitted "
            f"without the fold they are reported on (temperatures {temperatures})"
        )
        return cls(frame, fit_calibration(logit, labels, bias=True, how=how), probability, used)

    @classmethod
    def of_predictions(cls, predictions: Predictions) -> "OutOfFold":
        """The table that a bundle brings, calibrated anew; without foreign pictures where it holds none.

        Raises:
            RunError: it does not say which fold each slice was in.
        """
        frame = predictions.frame
        if "fold" not in frame.columns:
            raise RunError("Expected the column fold. Received: a table without it")
        if "foreign_logit" not in frame.columns:
            frame = frame.assign(foreign_logit=np.nan)
        return cls.of(frame.rename(columns={"source": "path"}).reset_index(drop=True))

    @property
    def labels(self) -> np.ndarray:
        """(N,) 0 or 1."""
        return self.frame["label"].to_numpy()

    @property
    def groups(self) -> np.ndarray:
        """(N,) patient."""
        return self.frame["group"].to_numpy(dtype=str)

    @property
    def folds(self) -> np.ndarray:
        """(N,) the fold whose network scored the slice."""
        return self.frame["fold"].to_numpy()

    @property
    def n_patients(self) -> int:
        """Patients in the table."""
        return int(self.frame["group"].nunique())

    @property
    def pictured(self) -> np.ndarray:
        """(N,) bool, where there is a score of the foreign picture."""
        return self.frame["foreign_logit"].notna().to_numpy()

    def shipped_scores(self) -> np.ndarray:
        """(N,) scores as the shipped calibration gives them: for thresholds to ship, not for figures."""
        return self.calibration.apply(self.frame["logit"].to_numpy())

    def foreign(self, shipped: bool = False) -> Beside:
        """The foreign pictures, calibrated without their own fold, or as the shipped calibration gives them."""
        kept = self.pictured
        logit, folds = self.frame["foreign_logit"].to_numpy()[kept], self.folds[kept]
        if shipped:
            return Beside(self.labels[kept], self.calibration.apply(logit), folds)
        scores = np.empty(len(logit))
        for fold, calibration in zip(np.unique(self.folds), self.used, strict=True):
            scores[folds == fold] = calibration.apply(logit[folds == fold])
        return Beside(self.labels[kept], scores, folds)


def has_foreign_pictures(predictions: Predictions) -> bool:
    """Whether the table holds what was said of its slices as foreign pictures."""
    return "foreign_logit" in predictions.frame.columns and bool(predictions.frame["foreign_logit"].notna().any())


def foreign_pictures(predictions: Predictions) -> Beside | None:
    """The foreign pictures of a table with folds, calibrated without their own fold; None where it holds none.

    Raises:
        ValueError: the slices outside some fold are of one class only.
    """
    if not has_foreign_pictures(predictions):
        return None
    return OutOfFold.of(predictions.frame[predictions.accepted].reset_index(drop=True)).foreign()
