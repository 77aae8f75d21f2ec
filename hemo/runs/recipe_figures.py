"""Every figure of the shipped model's card, computed from the out-of-fold table that the bundle brings.

Calibration and thresholds that enter a figure are fitted without the fold they are reported on; the ones that are
shipped are fitted on all folds. Nothing here needs the network. One figure needs the CT: where the heat map of random
weights peaks.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from hemo.ct.read import read_path
from hemo.evaluate.calibrated_folds import OutOfFold
from hemo.evaluate.curves import sensitivity_at_specificity
from hemo.evaluate.evaluation import by_subtype
from hemo.evaluate.intervals import summarise
from hemo.evaluate.levels import RULES, group_scores
from hemo.evaluate.localisation import boxes_to_mask, centre_guess, enlarged, localise
from hemo.evaluate.metrics import Metric
from hemo.evaluate.operating_point import OperatingPoint, cross_fitted_calls, cross_fitted_points, fit_threshold
from hemo.evaluate.predictions import Predictions
from hemo.evaluate.study_context import cross_fitted_context, fit_reach
from hemo.model.architectures.lite0 import build_lite0
from hemo.model.heatmap import heat_of_evidence
from hemo.runs.recipe_network import predict_lite0, preparation_at

OF_CALLS = ("accuracy", "sensitivity", "specificity", "ppv", "npv")
"""Figures of calls: their thresholds are fitted on foreign pictures too."""


def fitted_points(table: OutOfFold, fitted_on: str) -> list[OperatingPoint]:
    """Thresholds on the shipped calibration's scores; sensitivity and specificity with each fold held out."""
    beside = table.foreign(shipped=True)
    labels, scores, _ = beside.with_slices(table.labels, table.shipped_scores(), table.folds)
    measured = cross_fitted_points(
        table.labels,
        table.probability,
        table.folds,
        f"{fitted_on}, as they are and as foreign pictures",
        beside=table.foreign(),
    )
    return [replace(point, threshold=fit_threshold(labels, scores, point.name)) for point in measured]


def best_rule(table: OutOfFold) -> str:
    """The rule from slices to a study's score with the largest patient AUC out of fold."""
    by_rule = {rule: group_scores(table.labels, table.probability, table.groups, rule) for rule in RULES}
    aucs = {
        rule: summarise(scores.label, scores.score, scores.group, 0.5, resamples=2)["auc"].value or 0.0
        for rule, scores in by_rule.items()
    }
    return max(aucs, key=aucs.__getitem__)


def card_figures(predictions: Predictions, table: OutOfFold, rule: str, threshold: float) -> dict[str, Metric]:
    """All figures of the card; those that are not defined are left out.

    Args:
        predictions: the out-of-fold table with its heat maps.
        table: the same, calibrated.
        rule: from slices to a study's score, one of `RULES`.
        threshold: the shipped balanced one, for the figures by subtype and of the heat map.
    """
    figures = _of_scores(predictions.frame, table, rule) | _of_places(predictions, threshold)
    return {name: metric for name, metric in figures.items() if metric.value is not None}


def _of_scores(frame: pd.DataFrame, table: OutOfFold, rule: str) -> dict[str, Metric]:
    """By slice, brain-level slices alone, as foreign pictures, and by patient."""
    labels, probability, groups = table.labels, table.probability, table.groups
    calls, thresholds = cross_fitted_calls(labels, probability, table.folds, "balanced", beside=table.foreign())
    figures = summarise(labels, probability, groups, float(np.mean(thresholds)))
    # Proportions from calls whose threshold was fitted without their own fold.
    held_out = summarise(labels, calls.astype(float), groups, 0.5)
    figures |= {name: held_out[name] for name in OF_CALLS}
    figures["sensitivity_at_specificity_0.90"] = sensitivity_at_specificity(labels, probability, groups, 0.90)
    brain = frame["brain_level"].to_numpy() == "brain"
    at_brain = summarise(labels[brain], probability[brain], groups[brain], 0.5)
    figures |= {f"brain_level_{name}": at_brain[name] for name in ("auc", "average_precision")}
    figures |= _foreign_figures(table, thresholds) | _figures_with_neighbours(table, brain)
    patients = group_scores(labels, probability, groups, rule)
    figures["patient_auc"] = summarise(patients.label, patients.score, patients.group, 0.5)["auc"]
    return figures


def _foreign_figures(table: OutOfFold, thresholds: np.ndarray) -> dict[str, Metric]:
    """The same held-out slices as foreign pictures, called with thresholds fitted without their own fold."""
    pictures, groups = table.foreign(), table.groups[table.pictured]
    if len(np.unique(pictures.labels)) < 2:
        return {}
    threshold_of = dict(zip(np.unique(table.folds), thresholds, strict=True))
    calls = pictures.scores >= np.array([threshold_of[fold] for fold in pictures.folds])
    scored = summarise(pictures.labels, pictures.scores, groups, 0.5)
    called = summarise(pictures.labels, calls.astype(float), groups, 0.5)
    return {"foreign_pictures_auc": scored["auc"]} | {
        f"foreign_pictures_{name}": called[name] for name in ("sensitivity", "specificity")
    }


def best_reach(table: OutOfFold) -> float | None:
    """How far a slice's score is smoothed over its series, mm; None where the slices are in no order."""
    order = _order(table)
    return None if order is None else fit_reach(table.probability, table.labels, table.groups, order)


def _order(table: OutOfFold) -> np.ndarray | None:
    """(N,) numbers that sort the slices of a series; None where one has no number."""
    order = pd.to_numeric(table.frame["slice"], errors="coerce").to_numpy(dtype=np.float64)
    return None if np.isnan(order).any() else order


def _figures_with_neighbours(table: OutOfFold, brain: np.ndarray) -> dict[str, Metric]:
    """The same scores, each among those of the slices above and below it; the reach is chosen without the fold."""
    order = _order(table)
    if order is None:
        return {}
    labels, groups = table.labels, table.groups
    scores, _ = cross_fitted_context(table.probability, labels, table.folds, groups, order)
    every = summarise(labels, scores, groups, 0.5)
    at_brain = summarise(labels[brain], scores[brain], groups[brain], 0.5)
    return {
        "with_neighbours_auc": every["auc"],
        "with_neighbours_average_precision": every["average_precision"],
        "with_neighbours_sensitivity_at_specificity_0.90": sensitivity_at_specificity(labels, scores, groups, 0.90),
        "with_neighbours_brain_level_auc": at_brain["auc"],
    }


def _of_places(predictions: Predictions, threshold: float) -> dict[str, Metric]:
    """By subtype, and how often the heat map's peak lies in a lesion box, beside its two controls."""
    figures: dict[str, Metric] = {}
    for row in by_subtype(predictions, threshold).to_dict("records"):
        figures[f"{row['subtype']}_auc"] = row["auc"]
        figures[f"{row['subtype']}_sensitivity"] = row["sensitivity"]
    return figures | _localisation(predictions, threshold)


def _localisation(predictions: Predictions, threshold: float) -> dict[str, Metric]:
    """On slices with boxes: all of them, those that are called, and the controls on all of them."""
    frame, size = predictions.frame, int(predictions.about.preparation["size"])
    boxed = np.array([bool(boxes) for boxes in frame["boxes"]])
    if not boxed.any() or predictions.heat is None or predictions.to_source is None or predictions.shapes is None:
        return {}
    rows = np.flatnonzero(boxed)
    lesions = [
        boxes_to_mask(frame["boxes"].iloc[row], predictions.to_source[row], tuple(predictions.shapes[row]), size)
        for row in rows
    ]
    heats = [enlarged(predictions.heat[row], size) for row in rows]
    groups = frame["group"].to_numpy(dtype=str)[rows]
    called = np.flatnonzero(frame["probability"].to_numpy()[rows] >= threshold)
    everywhere = localise("evidence", heats, lesions, groups)
    where_called = localise(
        "evidence, called", [heats[i] for i in called], [lesions[i] for i in called], groups[called]
    )
    centre = localise("centre guess", [centre_guess(size)] * len(rows), lesions, groups)
    figures = {
        "peak_in_box_where_called": where_called.peak_in_box,
        "peak_in_box": everywhere.peak_in_box,
        "peak_in_box_centre_guess": centre.peak_in_box,
        "mass_in_box": everywhere.mass_in_box,
        "mass_in_box_centre_guess": centre.mass_in_box,
    }
    heats_of_chance = _random_heats(predictions, rows, size)
    if heats_of_chance:
        random = localise("random weights", heats_of_chance, lesions, groups)
        figures |= {"peak_in_box_random_weights": random.peak_in_box, "mass_in_box_random_weights": random.mass_in_box}
    return figures


def _random_heats(predictions: Predictions, rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Heat maps of the same network with random weights: what the architecture alone would point at.

    Empty where the CT is not at hand.
    """
    import keras

    files = [file for row in rows if (file := predictions.slice_file(int(row))) is not None]
    if len(files) < len(rows):
        return []
    keras.utils.set_random_seed(0)
    preparation = preparation_at(size)
    images = np.stack([preparation.apply(read_path(file)).image for file in files])
    _, evidence = predict_lite0(build_lite0(size), images)
    return [enlarged(map_, size) for map_ in heat_of_evidence(evidence, images)]
