"""One predictions table and every figure that a page or a chart draws of it, computed in one go."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hemo.evaluate import calibration, curves
from hemo.evaluate.audit import Audit
from hemo.evaluate.evaluation import AgeGroup, Evaluation, by_age, by_subtype, evaluate
from hemo.evaluate.intervals import plural
from hemo.evaluate.metrics import BrierParts, Metric, brier_decomposition, ece
from hemo.evaluate.neighbours import training_table, with_appearance
from hemo.evaluate.predictions import Predictions, with_refused_files


@dataclass(frozen=True, eq=False)
class Judged:
    """One table and every figure of it, shared between sessions: never change it.

    Args:
        predictions: the table, with its heat maps.
        evaluation: its metrics.
        table: behind the threshold slider, or why there is none.
        roc: the curve, or why there is none.
        precision_recall: likewise.
        decision: likewise.
        reliability: bins of the reliability diagram.
        uncalibrated: the same for the network's own scores; empty where the model is not calibrated.
        uncalibrated_ece: of those.
        brier: the score's parts.
        subtypes: see `evaluation.by_subtype`.
        n: the chart subtitle: slices, patients, bleeds.
        ages: see `evaluation.by_age`.
        audit: the shortcut audit, where it was made.
        folder: where the table is kept.
        training: the table of the same weights on their training data, where it was made, see `neighbours`.
    """

    predictions: Predictions
    evaluation: Evaluation
    table: curves.ThresholdTable | str
    roc: curves.Curve | str
    precision_recall: curves.Curve | str
    decision: curves.DecisionCurve | str
    reliability: list[calibration.ReliabilityBin]
    uncalibrated: list[calibration.ReliabilityBin]
    uncalibrated_ece: Metric | None
    brier: BrierParts | None
    subtypes: pd.DataFrame
    ages: list[AgeGroup] | str
    n: str
    audit: Audit | None
    folder: Path
    training: Predictions | None


def judge(folder: Path, training_folder: Path | None = None) -> Judged:
    """Compute every figure of the table in a folder.

    Args:
        folder: of the table.
        training_folder: of the table of the same weights on their training data, see `neighbours`.

    Raises:
        DatasetError: there is no whole table.
    """
    predictions = Predictions.load(folder)
    same = training_folder is not None and training_folder.resolve() == folder.resolve()
    training = (predictions if predictions.embedding is not None else None) if same else training_table(training_folder)
    return judge_table(predictions, folder, training)


def judge_table(predictions: Predictions, folder: Path, training: Predictions | None = None) -> Judged:
    """Compute every figure of a table.

    Args:
        predictions: the table.
        folder: where it is kept, its audit beside it.
        training: see `Judged`.
    """
    predictions = with_refused_files(with_appearance(predictions, training))
    evaluation = evaluate(predictions)
    labels, scores = predictions.labels, predictions.probabilities
    groups = None if predictions.about.group_kind == "file" else predictions.groups
    points = tuple(point.threshold for point in evaluation.points)
    raw = _uncalibrated(predictions)
    return Judged(
        predictions=predictions,
        evaluation=evaluation,
        table=curves.threshold_table(labels, scores, groups, extra=(evaluation.threshold, *points)),
        roc=curves.roc_curve(labels, scores, groups),
        precision_recall=curves.precision_recall_curve(labels, scores, groups),
        decision=curves.decision_curve(labels, scores, groups),
        reliability=calibration.reliability(labels, scores, groups),
        uncalibrated=[] if raw is None else calibration.reliability(labels, raw, groups),
        uncalibrated_ece=None if raw is None else ece(labels, raw),
        brier=brier_decomposition(labels, scores),
        subtypes=by_subtype(predictions, evaluation.threshold),
        ages=by_age(predictions, evaluation.threshold),
        n=counted(evaluation, predictions.about.group_kind),
        audit=Audit.load(folder),
        folder=folder,
        training=training,
    )


def _uncalibrated(predictions: Predictions) -> pd.Series | None:
    """Scores before calibration, where calibration changed them."""
    rows = predictions.frame[predictions.accepted]
    raw = calibration.Calibration().apply(rows["logit"].to_numpy(dtype="float64"))
    if not len(rows) or abs(raw - rows["probability"].to_numpy(dtype="float64")).max() < 1e-4:
        return None
    return pd.Series(raw)


def counted(evaluation: Evaluation, kind: str) -> str:
    """On what a figure rests: "n = 2,501 slices of 82 patients, 318 with a bleed"."""
    of = "" if evaluation.n_groups is None else f" of {evaluation.n_groups:,} {plural(kind, evaluation.n_groups)}"
    return f"n = {evaluation.n:,} slices{of}, {evaluation.n_positive:,} with a bleed"
