"""From the recipe's out-of-fold table to the shipped bundle: every figure of the card is computed here from that table.

    python -m hemo train --recipe lite0 --data ../shared/data/ct-ich --out RUN --ship models

Each figure is of slices that the network behind it never saw. Calibration and thresholds that enter a figure are fitted
without the fold they are reported on; the ones that are shipped are fitted on all folds.
"""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hemo.ct.preparation import Preparation
from hemo.ct.read import read_path
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest
from hemo.errors import RunError
from hemo.evaluate.evaluation import by_subtype
from hemo.evaluate.failures import failures
from hemo.evaluate.intervals import summarise
from hemo.evaluate.levels import RULE_NAMES, RULES, group_scores
from hemo.evaluate.localisation import boxes_to_mask, centre_guess, enlarged, localise
from hemo.evaluate.metrics import Metric
from hemo.evaluate.operating_point import OperatingPoint, cross_fitted_calls, cross_fitted_points, fit_threshold
from hemo.evaluate.operating_point import uncertain_band as band_between
from hemo.evaluate.predictions import COLUMNS, KNOWN_COLUMNS, About, Predictions
from hemo.evaluate.study_context import with_neighbours_by_group
from hemo.model.architectures.lite0 import build_lite0
from hemo.model.bundle import ModelBundle, load_bundle, write_bundle
from hemo.model.card import Card, default_threshold
from hemo.model.heatmap import inside_head
from hemo.model.reading import call_for
from hemo.runs.recipe import FOLDS
from hemo.runs.recipe_network import predict_lite0, preparation_at
from hemo.runs.recipe_table import OutOfFold, read_out_of_fold

OUT_OF_FOLD = "out_of_fold"
_LIMITS = (
    "For teaching and research, not for diagnosis.",
    "Real bleeds come from one hospital and from trauma patients only; other causes of bleeding are painted, not real.",
    "Subdural and intraventricular bleeds come from too few patients for a claim of their own.",
    "Thin and nearly iso-dense bleeds, and subarachnoid blood, are the ones it misses most.",
    "A call is of one slice; a study of many slices is called more often than the slice's specificity suggests.",
    "Children are few in the training data.",
    "The heat map shows where the network reacted, not where the bleed is.",
)


def out_of_fold_predictions(run: Path, manifest: Manifest, card: Card | dict[str, Any]) -> Predictions:
    """The recipe's out-of-fold table as a predictions table, calibrated without each slice's own fold.

    Args:
        run: the recipe's folder.
        manifest: the data it was trained on.
        card: for name, band and points; see `_card`.

    Raises:
        RunError: the run is not complete, or is of other data.
    """
    table, covered = read_out_of_fold(run, manifest)
    preparation = _preparation(_recipe(run))
    prepared = [preparation.apply(covered.read(row)) for row in range(len(covered))]
    with np.load(run / "out_of_fold_evidence.npz") as file:
        evidence = file["evidence"].astype(np.float32)
    images = np.stack([entry.image for entry in prepared])
    calls = [call_for(float(p), card) for p in table.probability]  # type: ignore[arg-type]
    frame = covered.frame.rename(columns={"path": "source"}).reset_index(drop=True)
    frame = frame.assign(
        logit=table.frame["logit"],
        probability=table.probability,
        call=[call for call, _ in calls],
        reason=[reason for _, reason in calls],
        fold=table.folds,
    )
    known = [name for name in KNOWN_COLUMNS if name in frame.columns]
    return Predictions(
        frame=frame[[*COLUMNS, *known, "fold"]],
        about=_about(manifest, card),
        heat=inside_head(1.0 / (1.0 + np.exp(-evidence)), images).astype(np.float16),
        to_source=np.stack([entry.to_source for entry in prepared]).astype(np.float32),
        shapes=np.array([entry.source_shape for entry in prepared], np.int32),
    )


def ship(run: Path, data: Path, models: Path, name: str) -> ModelBundle:
    """Write the bundle: network, card, README, fold assignment and out-of-fold table.

    Args:
        run: the recipe's finished folder.
        data: the CT-ICH folder.
        models: where bundles live.
        name: of the bundle.

    Raises:
        RunError: the run is not finished, or is of other data.
    """
    import keras

    if not (run / "final.keras").is_file():
        raise RunError(f"Expected a finished recipe run. Received: {run.name}, without final.keras")
    manifest = import_dataset(data)
    table, covered = read_out_of_fold(run, manifest)
    card = _card(run, name, manifest, covered, table)
    predictions = out_of_fold_predictions(run, manifest, card)
    card["metrics"] |= _figures_of_places(predictions, card)
    card["failures"] = failures(predictions, default_threshold(card))  # type: ignore[arg-type]
    target = models / name
    bundle = write_bundle(target, keras.models.load_model(run / "final.keras", compile=False), card)
    about = replace(predictions.about, model_sha256=bundle.card["sha256"], root="")
    replace(predictions, about=about).save(target / OUT_OF_FOLD)
    shutil.copyfile(run / "folds.csv", target / "folds.csv")
    return load_bundle(target)


def _card(run: Path, name: str, manifest: Manifest, covered: Manifest, table: OutOfFold) -> dict[str, Any]:
    recipe = _recipe(run)
    points = _points(table, f"out-of-fold scores of {manifest.name}, {table.n_patients} patients")
    thresholds = {point.name: point.threshold for point in points}
    band = band_between(thresholds["rule-out"], thresholds["rule-in"])
    rule = _best_rule(table)
    return {
        "name": name,
        # Which model reads where nobody chose one; without this the newest does, be it a phantom run's.
        "default": True,
        "architecture": "lite0",
        "preparation": _preparation(recipe).to_json(),
        "data": {
            "name": manifest.name,
            "fingerprint": manifest.fingerprint(),
            "n": len(manifest),
            "n_patients": len(np.unique(manifest.groups)),
            "licence": manifest.licence,
            "citation": manifest.citation,
            "split": _split_text(manifest, table),
        },
        "settings": recipe,
        "metrics": {
            key: metric.to_json() for key, metric in _figures(covered, table, rule).items() if metric.value is not None
        },
        "measured_on": "out of fold: every slice scored by a network that saw no slice of its patient",
        "calibration": table.calibration.to_json(),
        "operating_points": [point.to_json() for point in points],
        "uncertain_band": list(band) if band else None,
        "study_score": {"rule": rule, "name": RULE_NAMES[rule], "how": "largest patient AUC out of fold of five rules"},
        "limits": list(_LIMITS),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _recipe(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "recipe.json").read_text()))


def _preparation(recipe: dict[str, Any]) -> Preparation:
    """What the last stage's network sees."""
    return preparation_at(int(recipe["fine"]["size"]))


def _split_text(manifest: Manifest, table: OutOfFold) -> str:
    done, patients = len(table.used), len(np.unique(manifest.groups))
    which = "" if done == FOLDS else f", of which {done} are run ({table.n_patients} patients)"
    return (
        f"{FOLDS} folds by patient (folds.csv){which}, for every figure; the shipped weights come from all "
        f"{patients} patients by the same recipe"
    )


def _points(table: OutOfFold, fitted_on: str) -> list[OperatingPoint]:
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


def _best_rule(table: OutOfFold) -> str:
    """The rule from slices to a study's score with the largest patient AUC out of fold."""
    by_rule = {rule: group_scores(table.labels, table.probability, table.groups, rule) for rule in RULES}
    aucs = {
        rule: summarise(scores.label, scores.score, scores.group, 0.5, resamples=2)["auc"].value or 0.0
        for rule, scores in by_rule.items()
    }
    return max(aucs, key=aucs.__getitem__)


def _figures(manifest: Manifest, table: OutOfFold, rule: str) -> dict[str, Metric]:
    """By slice, brain-level slices alone, as foreign pictures, and by patient."""
    labels, probability, groups = table.labels, table.probability, table.groups
    calls, thresholds = cross_fitted_calls(labels, probability, table.folds, "balanced", beside=table.foreign())
    figures = summarise(labels, probability, groups, float(np.mean(thresholds)))
    # Proportions from calls whose threshold was fitted without their own fold.
    held_out = summarise(labels, calls.astype(float), groups, 0.5)
    figures |= {name: held_out[name] for name in ("accuracy", "sensitivity", "specificity", "ppv", "npv")}
    figures["sensitivity_at_specificity_0.90"] = _sensitivity_at(labels, probability, 0.90)
    brain = manifest.frame["brain_level"].to_numpy() == "brain"
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


def _figures_with_neighbours(table: OutOfFold, brain: np.ndarray) -> dict[str, Metric]:
    """The same scores, each among those of the slices above and below it; nothing is fitted for them."""
    order = pd.to_numeric(table.frame["slice"], errors="coerce")
    if order.isna().any():
        return {}
    labels, groups = table.labels, table.groups
    scores = with_neighbours_by_group(table.probability, groups, order)
    every = summarise(labels, scores, groups, 0.5)
    at_brain = summarise(labels[brain], scores[brain], groups[brain], 0.5)
    return {
        "with_neighbours_auc": every["auc"],
        "with_neighbours_average_precision": every["average_precision"],
        "with_neighbours_sensitivity_at_specificity_0.90": _sensitivity_at(labels, scores, 0.90),
        "with_neighbours_brain_level_auc": at_brain["auc"],
    }


def _sensitivity_at(labels: np.ndarray, probability: np.ndarray, specificity: float) -> Metric:
    from sklearn.metrics import roc_curve

    false_positive_rate, true_positive_rate, _ = roc_curve(labels, probability)
    reached = float(true_positive_rate[false_positive_rate <= 1 - specificity].max())
    why = "read off the out-of-fold ROC curve, whose own band the Results page shows"
    return Metric(reached, n=int(labels.sum()), why_none=why)


def _figures_of_places(predictions: Predictions, card: dict[str, Any]) -> dict[str, Any]:
    """By subtype, and how often the heat map's peak lies in a lesion box, beside its two controls."""
    threshold = default_threshold(card)  # type: ignore[arg-type]
    figures: dict[str, Metric] = {}
    for row in by_subtype(predictions, threshold).to_dict("records"):
        figures[f"{row['subtype']}_auc"] = row["auc"]
        figures[f"{row['subtype']}_sensitivity"] = row["sensitivity"]
    figures |= _localisation(predictions, threshold)
    return {name: metric.to_json() for name, metric in figures.items() if metric.value is not None}


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
    random = localise("random weights", _random_heats(predictions, rows, size), lesions, groups)
    return {
        "peak_in_box_where_called": where_called.peak_in_box,
        "peak_in_box": everywhere.peak_in_box,
        "peak_in_box_centre_guess": centre.peak_in_box,
        "peak_in_box_random_weights": random.peak_in_box,
        "mass_in_box": everywhere.mass_in_box,
        "mass_in_box_centre_guess": centre.mass_in_box,
        "mass_in_box_random_weights": random.mass_in_box,
    }


def _random_heats(predictions: Predictions, rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Heat maps of the same network with random weights: what the architecture alone would point at."""
    import keras

    keras.utils.set_random_seed(0)
    preparation = preparation_at(size)
    files = [predictions.slice_file(int(row)) for row in rows]
    images = np.stack([preparation.apply(read_path(file)).image for file in files if file is not None])
    _, evidence = predict_lite0(build_lite0(size), images)
    return [enlarged(map_, size) for map_ in inside_head(1.0 / (1.0 + np.exp(-evidence)), images)]


def _about(manifest: Manifest, card: Card | dict[str, Any]) -> About:
    points = card["operating_points"]
    band = card["uncertain_band"]
    return About(
        model=card["name"],
        model_sha256="",
        data=manifest.name,
        data_fingerprint=manifest.fingerprint(),
        group_kind=manifest.group_kind,
        threshold=default_threshold(card),  # type: ignore[arg-type]
        band=(band[0], band[1]) if band else None,
        points=tuple(dict(point) for point in points),
        preparation=dict(card["preparation"]),
        root=str(manifest.root),
        protocol="out of fold",
        licence=manifest.licence,
        citation=manifest.citation,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        trained_on={"name": manifest.name, "fingerprint": manifest.fingerprint()},
    )
