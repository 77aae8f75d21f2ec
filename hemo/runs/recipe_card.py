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

from hemo.ct.read import read_path
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest
from hemo.errors import RunError
from hemo.evaluate.calibration import Calibration, cross_fitted, fit_calibration
from hemo.evaluate.evaluation import by_subtype
from hemo.evaluate.failures import failures
from hemo.evaluate.intervals import summarise
from hemo.evaluate.levels import RULE_NAMES, RULES, group_scores
from hemo.evaluate.localisation import boxes_to_mask, centre_guess, enlarged, localise
from hemo.evaluate.metrics import Metric
from hemo.evaluate.operating_point import OperatingPoint, cross_fitted_calls, cross_fitted_points, fit_threshold
from hemo.evaluate.operating_point import uncertain_band as band_between
from hemo.evaluate.predictions import COLUMNS, KNOWN_COLUMNS, About, Predictions
from hemo.model.architectures import architecture_named
from hemo.model.architectures.lite0 import build_lite0
from hemo.model.bundle import ModelBundle, load_bundle, write_bundle
from hemo.model.card import Card, default_threshold
from hemo.model.heatmap import inside_head
from hemo.model.reading import call_for
from hemo.runs.recipe import FOLDS, gather
from hemo.runs.recipe_network import predict_lite0

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
    probability, _ = cross_fitted(table["logit"], table["label"], table["fold"], bias=True)
    preparation = architecture_named("lite0").preparation
    prepared = [preparation.apply(covered.read(row)) for row in range(len(covered))]
    with np.load(run / "out_of_fold_evidence.npz") as file:
        evidence = file["evidence"].astype(np.float32)
    images = np.stack([entry.image for entry in prepared])
    calls = [call_for(float(p), card) for p in probability]  # type: ignore[arg-type]
    frame = covered.frame.rename(columns={"path": "source"}).reset_index(drop=True)
    frame = frame.assign(
        logit=table["logit"],
        probability=probability,
        call=[call for call, _ in calls],
        reason=[reason for _, reason in calls],
        fold=table["fold"],
    )
    known = [name for name in KNOWN_COLUMNS if name in frame.columns]
    return Predictions(
        frame=frame[[*COLUMNS, *known, "fold"]],
        about=_about(manifest, card),
        heat=inside_head(1.0 / (1.0 + np.exp(-evidence)), images).astype(np.float16),
        to_source=np.stack([entry.to_source for entry in prepared]).astype(np.float32),
        shapes=np.array([entry.source_shape for entry in prepared], np.int32),
    )


def read_out_of_fold(run: Path, manifest: Manifest) -> tuple[pd.DataFrame, Manifest]:
    """The recipe's table of the finished folds, checked against the data.

    Returns:
        Columns path, slice, group, label, fold, logit; and the part of the data that it covers, in the same order.

    Raises:
        RunError: fewer than two folds are finished, or the table is of other data.
    """
    gather(manifest, run)
    table = pd.read_csv(run / "out_of_fold.csv", dtype={"path": str, "slice": str, "group": str})
    covered = manifest.subset(manifest.frame["path"].isin(set(table["path"])).to_numpy())
    if list(table["path"]) != list(covered.frame["path"]) or list(table["label"]) != list(covered.labels):
        raise RunError(f"Expected the data that the recipe was run on. Received: {manifest.name}, with other slices")
    return table, covered


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


def _card(run: Path, name: str, manifest: Manifest, covered: Manifest, table: pd.DataFrame) -> dict[str, Any]:
    recipe = json.loads((run / "recipe.json").read_text())
    labels, groups, folds = (table[column].to_numpy() for column in ("label", "group", "fold"))
    logit = table["logit"].to_numpy()
    probability, used = cross_fitted(logit, labels, folds, bias=True)
    shipped = fit_calibration(logit, labels, bias=True, how=_how_calibrated(used, len(np.unique(groups))))
    fitted_on = f"out-of-fold scores of {manifest.name}, {len(np.unique(groups))} patients"
    points = _points(labels, probability, shipped.apply(logit), folds, fitted_on)
    thresholds = {point.name: point.threshold for point in points}
    band = band_between(thresholds["rule-out"], thresholds["rule-in"])
    rule = _best_rule(labels, probability, groups)
    return {
        "name": name,
        # Which model reads where nobody chose one; without this the newest does, be it a phantom run's.
        "default": True,
        "architecture": "lite0",
        "preparation": architecture_named("lite0").preparation.to_json(),
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
            key: metric.to_json()
            for key, metric in _figures(covered, labels, probability, groups, folds, rule).items()
            if metric.value is not None
        },
        "measured_on": "out of fold: every slice scored by a network that saw no slice of its patient",
        "calibration": shipped.to_json(),
        "operating_points": [point.to_json() for point in points],
        "uncertain_band": list(band) if band else None,
        "study_score": {"rule": rule, "name": RULE_NAMES[rule], "how": "largest patient AUC out of fold of five rules"},
        "limits": list(_LIMITS),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _split_text(manifest: Manifest, table: pd.DataFrame) -> str:
    done, patients = table["fold"].nunique(), len(np.unique(manifest.groups))
    which = "" if done == FOLDS else f", of which {done} are run ({table['group'].nunique()} patients)"
    return (
        f"{FOLDS} folds by patient (folds.csv){which}, for every figure; the shipped weights come from all "
        f"{patients} patients by the same recipe"
    )


def _how_calibrated(used: list[Calibration], patients: int) -> str:
    temperatures = ", ".join(f"{calibration.temperature:.2f}" for calibration in used)
    return (
        f"temperature and bias fitted on the out-of-fold logits of {patients} patients; figures use those fitted "
        f"without the fold they are reported on (temperatures {temperatures})"
    )


def _points(
    labels: np.ndarray, probability: np.ndarray, shipped: np.ndarray, folds: np.ndarray, fitted_on: str
) -> list[OperatingPoint]:
    """Thresholds on the shipped calibration's scores; sensitivity and specificity with each fold held out."""
    return [
        replace(point, threshold=fit_threshold(labels, shipped, point.name))
        for point in cross_fitted_points(labels, probability, folds, fitted_on)
    ]


def _best_rule(labels: np.ndarray, probability: np.ndarray, groups: np.ndarray) -> str:
    """The rule from slices to a study's score with the largest patient AUC out of fold."""
    by_rule = {rule: group_scores(labels, probability, groups, rule) for rule in RULES}
    aucs = {
        rule: summarise(scores.label, scores.score, scores.group, 0.5, resamples=2)["auc"].value or 0.0
        for rule, scores in by_rule.items()
    }
    return max(aucs, key=aucs.__getitem__)


def _figures(
    manifest: Manifest, labels: np.ndarray, probability: np.ndarray, groups: np.ndarray, folds: np.ndarray, rule: str
) -> dict[str, Metric]:
    """By slice, brain-level slices alone, and by patient."""
    calls, thresholds = cross_fitted_calls(labels, probability, folds, "balanced")
    figures = summarise(labels, probability, groups, float(np.mean(thresholds)))
    # Proportions from calls whose threshold was fitted without their own fold.
    held_out = summarise(labels, calls.astype(float), groups, 0.5)
    figures |= {name: held_out[name] for name in ("accuracy", "sensitivity", "specificity", "ppv", "npv")}
    figures["sensitivity_at_specificity_0.90"] = _sensitivity_at(labels, probability, 0.90)
    brain = manifest.frame["brain_level"].to_numpy() == "brain"
    at_brain = summarise(labels[brain], probability[brain], groups[brain], 0.5)
    figures |= {f"brain_level_{name}": at_brain[name] for name in ("auc", "average_precision")}
    patients = group_scores(labels, probability, groups, rule)
    figures["patient_auc"] = summarise(patients.label, patients.score, patients.group, 0.5)["auc"]
    return figures


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
    preparation = architecture_named("lite0").preparation
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
