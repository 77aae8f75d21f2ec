"""From the recipe's finished run to the shipped bundle: network, card, fold assignment and out-of-fold table.

    python -m hemo train --recipe lite0 --data ../shared/data/ct-ich --out RUN --ship models

Each figure of the card is of slices that the network behind it never saw; `hemo.runs.recipe_figures` computes them.
"""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hemo.ct.preparation import Preparation
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest
from hemo.errors import RunError
from hemo.evaluate.calibrated_folds import OutOfFold
from hemo.evaluate.failures import failures
from hemo.evaluate.levels import RULE_NAMES
from hemo.evaluate.operating_point import uncertain_band as band_between
from hemo.evaluate.predictions import COLUMNS, KNOWN_COLUMNS, About, Predictions
from hemo.model.bundle import ModelBundle, load_bundle, write_bundle
from hemo.model.card import Card, default_threshold
from hemo.model.heatmap import heat_of_evidence
from hemo.model.reading import call_for
from hemo.runs.recipe import FOLDS
from hemo.runs.recipe_figures import best_reach, best_rule, card_figures, fitted_points
from hemo.runs.recipe_joined import FINAL
from hemo.runs.recipe_network import preparation_at
from hemo.runs.recipe_table import read_out_of_fold

OUT_OF_FOLD = "out_of_fold"
_LIMITS = (
    "For teaching and research, not for diagnosis.",
    "Real bleeds come from one hospital and from trauma patients only; other causes of bleeding are painted, not real.",
    "Subdural and intraventricular bleeds come from too few patients for a claim of their own.",
    "Thin and nearly iso-dense bleeds, and subarachnoid blood, are the ones it misses most.",
    "Old subdurals, as grey as the brain or darker, are missed even where they shift the midline: training saw few.",
    "A call is of one slice; a study of many slices is called more often than the slice's specificity suggests.",
    "Children are few in the training data.",
    "The heat map shows where the network reacted, not where the bleed is.",
)


def _out_of_fold_predictions(
    run: Path, manifest: Manifest, table: OutOfFold, covered: Manifest, card: Card | dict[str, Any]
) -> Predictions:
    """The recipe's out-of-fold table as a predictions table, calibrated without each slice's own fold.

    Args:
        run: the recipe's folder.
        manifest: the data it was trained on.
        table: of the run, see `read_out_of_fold`.
        covered: the part of the data that the table is of.
        card: for name, band and points; see `_card`.
    """
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
        foreign_logit=table.frame["foreign_logit"],
    )
    known = [name for name in KNOWN_COLUMNS if name in frame.columns]
    return Predictions(
        frame=frame[[*COLUMNS, *known, "fold", "foreign_logit"]],
        about=_about(manifest, card),
        heat=heat_of_evidence(evidence, images).astype(np.float16),
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

    if not (run / FINAL).is_file():
        raise RunError(f"Expected a finished recipe run. Received: {run.name}, without {FINAL}")
    manifest = import_dataset(data)
    table, covered = read_out_of_fold(run, manifest)
    card = _card(run, name, manifest, table)
    predictions = _out_of_fold_predictions(run, manifest, table, covered, card)
    threshold = default_threshold(card)  # type: ignore[arg-type]
    figures = card_figures(predictions, table, card["study_score"]["rule"], threshold)
    card["metrics"] = {key: metric.to_json() for key, metric in figures.items()}
    card["failures"] = failures(predictions, threshold)
    target = models / name
    bundle = write_bundle(target, keras.models.load_model(run / FINAL, compile=False), card, packed=True)
    about = replace(predictions.about, model_sha256=bundle.card["sha256"], root="")
    replace(predictions, about=about).save(target / OUT_OF_FOLD)
    shutil.copyfile(run / "folds.csv", target / "folds.csv")
    return load_bundle(target)


def _card(run: Path, name: str, manifest: Manifest, table: OutOfFold) -> dict[str, Any]:
    recipe = _recipe(run)
    points = fitted_points(table, f"out-of-fold scores of {manifest.name}, {table.n_patients} patients")
    thresholds = {point.name: point.threshold for point in points}
    band = band_between(thresholds["rule-out"], thresholds["rule-in"])
    rule = best_rule(table)
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
        "measured_on": "out of fold: every slice scored by a network that saw no slice of its patient",
        "calibration": table.calibration.to_json(),
        "operating_points": [point.to_json() for point in points],
        "uncertain_band": list(band) if band else None,
        "study_score": {"rule": rule, "name": RULE_NAMES[rule], "how": "largest patient AUC out of fold of five rules"},
        "study_context": {"reach_mm": best_reach(table), "how": "largest AUC by slice out of fold of six reaches"},
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
