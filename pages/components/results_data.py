"""Tables and what is computed from them, kept while model and data stay the same."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from hemo.data.library import KnownDataset
from hemo.evaluate import calibration, curves
from hemo.evaluate.audit import Audit
from hemo.evaluate.evaluation import Evaluation, by_subtype, evaluate
from hemo.evaluate.intervals import plural
from hemo.evaluate.metrics import BrierParts, Metric, brier_decomposition, ece
from hemo.evaluate.out_of_fold import PROTOCOL, folds_of, has_out_of_fold
from hemo.evaluate.predictions import Predictions, table_folder, with_refused_files
from hemo.model.bundle import ModelBundle
from pages.components import datasets, state

SHIPPED = "shipped weights"
PROTOCOL_NAMES = {PROTOCOL: "Out of fold", SHIPPED: "Shipped weights"}


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
        audit: the shortcut audit, where it was made.
        folder: where the table is kept.
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
    n: str
    audit: Audit | None
    folder: Path


def protocols(bundle: ModelBundle, entry: KnownDataset) -> list[str]:
    """How this model can be judged on this set, the honest way first."""
    fingerprint = datasets.opened(entry).fingerprint()
    if has_out_of_fold(bundle) and bundle.card["data"]["fingerprint"] == fingerprint:
        return [PROTOCOL, SHIPPED]
    return [SHIPPED]


def folder_of(bundle: ModelBundle, entry: KnownDataset, protocol: str) -> Path:
    """Where the table is kept, whether or not it is there."""
    return table_folder(state.workspace().predictions, bundle, datasets.opened(entry), protocol)


def judged(folder: Path) -> Judged | None:
    """Every figure of the table in a folder; None where there is no table yet."""
    about, audit = folder / "about.json", folder / "audit.json"
    if not about.is_file():
        return None
    stamps = tuple(path.stat().st_mtime_ns if path.is_file() else 0 for path in (about, audit))
    return _judged(str(folder), stamps)


@st.cache_resource(max_entries=6, show_spinner="Computing the figures")
def _judged(folder: str, stamps: tuple[int, ...]) -> Judged:
    del stamps  # part of the cache's key only
    return judge(Path(folder))


def judge(folder: Path) -> Judged:
    """Compute every figure of the table in a folder.

    Raises:
        DatasetError: there is no whole table.
    """
    predictions = with_refused_files(Predictions.load(folder))
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
        n=counted(evaluation, predictions.about.group_kind),
        audit=Audit.load(folder),
        folder=folder,
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


def is_out_of_fold(chosen: Judged) -> bool:
    """Whether the table's slices were each scored by a network that had not seen their patient."""
    return chosen.predictions.about.protocol == PROTOCOL and folds_of(chosen.predictions) is not None
