"""A predictions table turned into a claim: every figure with its n, its interval or the reason for none.

How slices count, everywhere: a refused slice gets no score, stays out of every figure and is listed apart with its
reason. An uncertain slice has a score and counts by it: accuracy, sensitivity and specificity are those of the
balanced threshold over all accepted slices, whatever lies in the uncertain band.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from hemo.data.age import ADULT
from hemo.data.manifest import SUBTYPES
from hemo.evaluate.calibrated_folds import foreign_pictures
from hemo.evaluate.intervals import summarise
from hemo.evaluate.levels import GroupScores, group_scores, group_thresholds
from hemo.evaluate.metrics import METRICS, Counts, FloatArray, Metric, brier_decomposition, confusion
from hemo.evaluate.operating_point import DESCRIPTIONS, OperatingPoint, cross_fitted_calls, reported
from hemo.evaluate.out_of_fold import folds_of
from hemo.evaluate.predictions import Predictions

HOW_COUNTED = (
    "refused slices get no score, are left out of every figure and are listed apart; uncertain slices count by their "
    "score at the balanced threshold; in an out-of-fold table each fold's threshold is fitted on the other folds, on "
    "their slices as foreign pictures too where the table holds them"
)
NEAR_COPY = 0.985
MOST_COPIES = 0.2
"""Where patients are unknown, this share of near copies takes every interval away."""


@dataclass(frozen=True)
class Evaluation:
    """Everything a page or a report says of one table at the level of slices and of groups.

    Args:
        metrics: by slice, in the order of `METRICS`.
        counts: confusion matrix by slice at `threshold`.
        threshold: balanced threshold of the bundle, or the one asked for.
        group: scores by patient or series; None where groups are unknown.
        group_metrics: by patient or series; empty where groups are unknown.
        points: the bundle's operating points with what they reach here.
        n: accepted slices.
        n_positive: bleeds among them.
        n_groups: patients or series among them; None where unknown.
        n_refused: slices without a score.
        n_refused_positive: bleeds among the refused.
        n_uncertain: accepted slices whose call is Uncertain.
        warnings: sentences that belong beside the headline.
    """

    metrics: dict[str, Metric]
    counts: Counts
    threshold: float
    group: GroupScores | None
    group_metrics: dict[str, Metric]
    points: tuple[OperatingPoint, ...]
    n: int
    n_positive: int
    n_groups: int | None
    n_refused: int
    n_refused_positive: int
    n_uncertain: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class AgeGroup:
    """Figures of the slices of one age group.

    Args:
        name: one of `AGE_GROUPS`.
        n: accepted slices.
        n_positive: bleeds among them.
        n_groups: patients or series; None where unknown.
        metrics: by slice.
    """

    name: str
    n: int
    n_positive: int
    n_groups: int | None
    metrics: dict[str, Metric]


AGE_GROUPS = ("Children, under 18", "Adults", "Age not known")
NO_AGES = "not known: the data carries no ages"


def evaluate(
    predictions: Predictions, threshold: float | None = None, rule: str | None = None, resamples: int = 2000
) -> Evaluation:
    """Figures of a predictions table.

    Args:
        predictions: the table.
        threshold: None takes the bundle's balanced one.
        rule: how a group's score comes from its slices, see `levels.RULES`; None takes the bundle's own.
        resamples: of the groups, for the intervals.
    """
    about = predictions.about
    at = about.threshold if threshold is None else threshold
    labels, probabilities, groups = predictions.labels, predictions.probabilities, predictions.groups
    cut = _cross_fitted_thresholds(predictions) if threshold is None else None
    cuts: ArrayLike = at if cut is None else cut
    known = about.group_kind != "file"
    by_group = group_scores(labels, probabilities, groups, rule or about.study_rule) if known and labels.size else None
    finite = bool(np.isfinite(probabilities).all())
    refused = predictions.refused
    metrics = summarise(labels, probabilities, groups if known else None, cuts, about.group_kind, resamples)
    copies = 0.0 if known else near_copy_share(predictions)
    metrics = _honest(metrics, copies)
    return Evaluation(
        metrics=metrics,
        counts=confusion(labels, probabilities, cuts) if labels.size and finite else Counts(0, 0, 0, 0),
        threshold=at,
        group=by_group,
        group_metrics=_group_metrics(by_group, at, about.group_kind, resamples),
        points=_points_here(predictions) if labels.size and finite else (),
        n=int(labels.size),
        n_positive=int(labels.sum()),
        n_groups=int(np.unique(groups).size) if known else None,
        n_refused=len(refused),
        n_refused_positive=int((refused["label"] == 1).sum()),
        n_uncertain=int((predictions.frame["call"] == "Uncertain").sum()),
        warnings=tuple(warnings_for(predictions, copies)),
    )


def _honest(metrics: dict[str, Metric], copies: float) -> dict[str, Metric]:
    """Metrics without their intervals where patients are unknown and too many images are near copies."""
    if copies <= MOST_COPIES:
        return metrics
    why = f"patients are unknown and {copies:.0%} of the images are near copies of another one"
    return {name: replace(metric, interval=None, why_none=why, method="") for name, metric in metrics.items()}


def _group_metrics(by_group: GroupScores | None, threshold: float, kind: str, resamples: int) -> dict[str, Metric]:
    if by_group is None:
        return {}
    cuts = group_thresholds(by_group, threshold)
    return summarise(by_group.label, by_group.score, by_group.group, cuts, kind, resamples)


def _cross_fitted_thresholds(predictions: Predictions) -> FloatArray | None:
    """The balanced threshold of each accepted slice, fitted on the other folds; None without folds.

    Where the table holds what was said of the slices as foreign pictures, on those of the other folds too, as the
    shipped threshold is: the same calls are then counted here and on the model's card.
    """
    fold = folds_of(predictions)
    if fold is None or np.unique(fold).size < 2:
        return None
    labels, probabilities = predictions.labels, predictions.probabilities
    names, code = np.unique(fold, return_inverse=True)
    if any(np.unique(labels[code != number]).size < 2 for number in range(names.size)):
        return None
    _, thresholds = cross_fitted_calls(labels, probabilities, fold, "balanced", beside=foreign_pictures(predictions))
    return thresholds[code]


def _points_here(predictions: Predictions) -> tuple[OperatingPoint, ...]:
    labels, probabilities = predictions.labels, predictions.probabilities
    if predictions.about.protocol == "out of fold":  # the card's figures are those of held-out folds already
        return tuple(
            OperatingPoint(
                str(point["name"]),
                float(point["threshold"]),
                point.get("sensitivity"),
                point.get("specificity"),
                str(point.get("fitted_on", "")),
            )
            for point in predictions.about.points
        )
    return tuple(
        replace(
            reported(str(point["name"]), float(point["threshold"]), labels, probabilities, ""),
            fitted_on=str(point.get("fitted_on", DESCRIPTIONS.get(str(point["name"]), ""))),
        )
        for point in predictions.about.points
    )


def near_copy_share(predictions: Predictions, near: float = NEAR_COPY, most: int = 3000, seed: int = 0) -> float:
    """Share of the accepted slices whose small picture another one repeats, as neighbours in a series do.

    On CT-ICH no slice comes as near to one of another patient, and a third do to one of their own. 0 where the table
    keeps no small pictures; above `most` slices a sample is compared, which finds fewer.
    """
    if predictions.thumbs is None:
        return 0.0
    rows = np.flatnonzero(predictions.accepted)
    if rows.size > most:
        rows = np.random.default_rng(seed).permutation(rows)[:most]
    if rows.size < 2:
        return 0.0
    flat = predictions.thumbs[rows].reshape(rows.size, -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    alike = flat @ flat.T
    np.fill_diagonal(alike, -1)
    return float((alike.max(axis=1) >= near).mean())


def warnings_for(predictions: Predictions, copies: float = 0.0) -> list[str]:
    """What the headline must not be read without; `copies` is the share of near copies where patients are unknown."""
    about = predictions.about
    found = []
    trained = about.trained_on.get("fingerprint")
    if about.protocol == "shipped weights" and trained and trained == about.data_fingerprint:
        found.append(
            "These are the slices the model was trained on: the figures say how well it remembers, not how well it "
            "reads. Where the bundle brings an out-of-fold table, use that one."
        )
    if about.group_kind == "file" and copies > MOST_COPIES:
        found.append(f"Patients are unknown, and {copies:.0%} of the images are near copies of another one.")
    elif about.group_kind == "file":
        found.append("Patients are unknown: every image is taken for another patient, and intervals may be too narrow.")
    if len(predictions.refused):
        share = len(predictions.refused) / len(predictions)
        found.append(
            f"{len(predictions.refused)} of {len(predictions)} slices ({share:.1%}) were refused and are in no figure."
        )
    return found


def by_subtype(predictions: Predictions, threshold: float, resamples: int = 2000) -> pd.DataFrame:
    """Sensitivity and AUC of each subtype, its slices against all bleed-free slices.

    Returns:
        columns subtype, n_positive, n_groups_positive (None where patients are unknown), and Metric objects in auc,
        sensitivity; empty where the data set names no subtypes.
    """
    frame = predictions.frame[predictions.accepted].reset_index(drop=True)
    known = predictions.about.group_kind != "file"
    copies = 0.0 if known else near_copy_share(predictions)
    rows: list[dict[str, Any]] = []
    for name in (subtype for subtype in SUBTYPES if subtype in frame.columns):
        shows = frame[name].to_numpy(dtype=bool)
        if not shows.any():
            continue
        keep = shows | (frame["label"].to_numpy() == 0)
        part = frame[keep]
        groups = part["group"] if known else None
        metrics = summarise(
            shows[keep], part["probability"], groups, threshold, predictions.about.group_kind, resamples
        )
        metrics = _honest(metrics, copies)
        rows.append(
            {
                "subtype": name,
                "n_positive": int(shows.sum()),
                "n_groups_positive": int(frame.loc[shows, "group"].nunique()) if known else None,
                "auc": metrics["auc"],
                "sensitivity": metrics["sensitivity"],
            }
        )
    return pd.DataFrame(rows)


def by_age(predictions: Predictions, threshold: float, resamples: int = 2000) -> list[AgeGroup] | str:
    """Figures of children (under 18 years) and of adults, and of those whose age is unknown; a sentence without ages.

    Args:
        predictions: the table.
        threshold: on the score.
        resamples: of the groups, for the intervals.
    """
    frame = predictions.frame
    if "age" not in frame.columns or not pd.to_numeric(frame["age"], errors="coerce").notna().any():
        return NO_AGES
    ages = pd.to_numeric(frame["age"], errors="coerce").to_numpy(dtype=np.float64)
    kind = predictions.about.group_kind
    copies = near_copy_share(predictions) if kind == "file" else 0.0
    found = []
    for name, keep in zip(AGE_GROUPS, (ages < ADULT, ages >= ADULT, ~np.isfinite(ages)), strict=True):
        part = predictions.subset(keep & predictions.accepted)
        if not len(part) and name == AGE_GROUPS[-1]:
            continue
        groups = None if kind == "file" else part.groups
        metrics = summarise(part.labels, part.probabilities, groups, threshold, kind, resamples)
        n_groups = None if groups is None else int(np.unique(groups).size)
        found.append(AgeGroup(name, len(part), int(part.labels.sum()), n_groups, _honest(metrics, copies)))
    return found


def to_json(predictions: Predictions, evaluation: Evaluation) -> dict[str, Any]:
    """What `hemo evaluate --json` writes: plain numbers, null where not defined, the reasons beside them."""
    about, metrics = predictions.about, evaluation.metrics
    parts = brier_decomposition(predictions.labels, predictions.probabilities)
    frame = predictions.frame
    return {
        "model": about.model,
        "model_sha256": about.model_sha256,
        "protocol": about.protocol,
        "data": {
            "name": about.data,
            "fingerprint": about.data_fingerprint,
            "licence": about.licence,
            "citation": about.citation,
        },
        "level": "slice",
        "n": evaluation.n,
        "n_positive": evaluation.n_positive,
        "n_groups": evaluation.n_groups,
        "group_kind": about.group_kind,
        **{name: metrics[name].value for name in METRICS},
        "threshold": evaluation.threshold,
        "uncertain_band": list(about.band) if about.band else None,
        "counts": vars(evaluation.counts),
        "calls": {
            call: int((frame["call"] == call).sum()) for call in ("Hemorrhage", "Normal", "Uncertain", "Refused")
        },
        "intervals": {name: list(m.interval) if m.interval else None for name, m in metrics.items()},
        "why_no_interval": {name: m.why_none for name, m in metrics.items() if not m.interval},
        "why_not_defined": {name: m.why for name, m in metrics.items() if m.value is None},
        "interval_method": {name: m.method for name, m in metrics.items() if m.interval},
        "brier_parts": vars(parts) if parts else None,
        "operating_points": [point.to_json() for point in evaluation.points],
        "by_group": _groups_json(evaluation),
        "by_age": _ages_json(predictions, evaluation),
        "refused": evaluation.n_refused,
        "refused_positive": evaluation.n_refused_positive,
        "refused_slices": [
            {"source": str(row.source), "reason": str(row.reason)} for row in predictions.refused.itertuples()
        ],
        "how_counted": HOW_COUNTED,
        "warnings": list(evaluation.warnings),
        "problems": [{"path": path, "kind": kind, "detail": detail} for path, kind, detail in about.problems],
    }


def _ages_json(predictions: Predictions, evaluation: Evaluation) -> Any:
    ages = by_age(predictions, evaluation.threshold)
    if isinstance(ages, str):
        return ages
    shown = ("auc", "sensitivity", "specificity", "accuracy")
    return [
        {"name": age.name, "n": age.n, "n_positive": age.n_positive, "n_groups": age.n_groups}
        | {name: age.metrics[name].to_json() for name in shown}
        for age in ages
    ]


def _groups_json(evaluation: Evaluation) -> dict[str, Any] | None:
    if evaluation.group is None:
        return None
    return {
        "n": int(evaluation.group.label.size),
        "n_positive": int(evaluation.group.label.sum()),
        "rule": evaluation.group.rule,
        **{name: metric.to_json() for name, metric in evaluation.group_metrics.items()},
    }
