"""From a finished run to a bundle: figures, calibration and operating points from its predictions, then one click."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hemo.atomic import write_json_atomically
from hemo.errors import BundleError, RunError
from hemo.evaluate.calibration import Calibration, fit_calibration
from hemo.evaluate.intervals import plural, summarise
from hemo.evaluate.metrics import Metric
from hemo.evaluate.operating_point import POINTS, OperatingPoint, fit_threshold, reported, uncertain_band
from hemo.model.bundle import (
    CARD_FILE,
    MODEL_FILE,
    README_FILE,
    ModelBundle,
    bundle_folder_name,
    load_bundle,
    replace_folder,
    write_bundle,
)
from hemo.model.card import validate_card
from hemo.model.readme import bundle_readme
from hemo.model.training_config import TrainingConfig
from hemo.model.training_data import TrainingData
from hemo.runs.run import FIGURES, Run

if TYPE_CHECKING:
    import keras

_HEAT_IMAGES = 200
_LEAST_TEMPERATURE = 0.1


def write_run_bundle(
    run: Run, config: TrainingConfig, data: TrainingData, model: "keras.Model", table: pd.DataFrame, epoch: int
) -> ModelBundle:
    """Write the run's own bundle and its `figures.json`.

    Args:
        run: the run.
        config: its configuration.
        data: its data.
        model: with the weights that are kept.
        table: predictions of validation and test, see `hemo.runs.trainer.predictions`.
        epoch: the epoch the weights are from.
    """
    validation = table[table["split"] == "validation"]
    calibration = _calibration(validation, data.manifest.group_kind)
    table = table.assign(calibrated=calibration.apply(table["logit"].to_numpy()))
    points = _operating_points(table, data.manifest.group_kind)
    threshold = next((point.threshold for point in points if point.name == "balanced"), 0.5)
    figures = {
        part: _figures(table[table["split"] == part], threshold, data.manifest.group_kind)
        for part in ("validation", "test")
        if (table["split"] == part).any()
    }
    write_json_atomically(
        run.folder / FIGURES,
        {part: {name: metric.to_json() for name, metric in metrics.items()} for part, metrics in figures.items()},
    )
    rows = data.rows("validation")[:_HEAT_IMAGES]
    card = _card(run, config, data, calibration, points, figures, epoch)
    return write_bundle(run.bundle, model, card, heat_images=np.ascontiguousarray(data.images[rows]))


def promote(run: Run, models: Path, name: str | None = None) -> ModelBundle:
    """Copy a finished run's bundle to the models folder; needs no TensorFlow.

    Args:
        run: finished.
        models: the folder of bundles.
        name: of the new bundle; the run's own name if not given.

    Raises:
        RunError: the run has no bundle yet.
        BundleError: the name is not allowed or taken, or the bundle is damaged.
    """
    if not (run.bundle / CARD_FILE).is_file():
        raise RunError(f"Expected a finished run, which holds a bundle. Received: {run.name}, {run.status().state}")
    source = load_bundle(run.bundle)
    name = bundle_folder_name(name or run.name)
    target = models / name
    if target.exists():
        raise BundleError(f"Expected a name that no model has. Received: {name!r}")
    card = validate_card(dict(source.card) | {"name": name})
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=models) as temporary:
        staged = Path(temporary) / "bundle"
        staged.mkdir()
        (staged / MODEL_FILE).write_bytes(source.model_file.read_bytes())
        (staged / CARD_FILE).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (staged / README_FILE).write_text(bundle_readme(card, source.size_bytes), encoding="utf-8")
        load_bundle(staged)
        replace_folder(staged, target)
    return load_bundle(target)


def _calibration(validation: pd.DataFrame, kind: str) -> Calibration:
    """Temperature scaling on the validation part, or none where that part cannot say how sure to be."""
    groups = validation["group"].nunique()
    counted = f"the {len(validation)} validation slices of {groups} {plural(kind, groups)}"
    fitted = fit_calibration(validation["logit"].to_numpy(), validation["label"].to_numpy(), how="")
    if not _LEAST_TEMPERATURE < fitted.temperature < 1 / _LEAST_TEMPERATURE:
        # Slices that are told apart without a fault would have every score made certain.
        return Calibration(how=f"not calibrated: {counted} are separated too well, or not at all, to fit a temperature")
    return Calibration(fitted.temperature, how=f"temperature fitted on {counted}")


def _operating_points(table: pd.DataFrame, kind: str) -> list[OperatingPoint]:
    """Thresholds fitted on validation, reported on the test part where it holds both classes."""
    validation, test = table[table["split"] == "validation"], table[table["split"] == "test"]
    shown, where = (test, "test") if test["label"].nunique() == 2 else (validation, "the same validation")
    groups = shown["group"].nunique()
    counted = f"{len(shown)} slices, {groups} {plural(kind, groups)}"
    text = f"threshold fitted on validation, figures measured on {where} ({counted})"
    points = []
    for name in POINTS:
        fitted = fit_threshold(validation["label"].to_numpy(), validation["calibrated"].to_numpy(), name)
        threshold = min(max(fitted, 0.0), 1.0)
        points.append(reported(name, threshold, shown["label"].to_numpy(), shown["calibrated"].to_numpy(), text))
    return points


def _figures(part: pd.DataFrame, threshold: float, kind: str) -> dict[str, Metric]:
    return summarise(
        part["label"].to_numpy(),
        part["calibrated"].to_numpy(),
        part["group"].to_numpy(dtype=str),
        threshold,
        group_kind=kind,
    )


def _card(
    run: Run,
    config: TrainingConfig,
    data: TrainingData,
    calibration: Calibration,
    points: list[OperatingPoint],
    figures: dict[str, dict[str, Metric]],
    epoch: int,
) -> dict[str, Any]:
    about = run.data()
    part = "test" if "test" in figures else "validation"
    thresholds = {point.name: point.threshold for point in points}
    band = uncertain_band(thresholds["rule-out"], thresholds["rule-in"])
    settings = config.to_json() | {"data": Path(config.data).name, "kept_epoch": epoch}
    return {
        "name": run.name,
        "architecture": config.architecture,
        "preparation": data.preparation.to_json(),
        "data": {
            "name": about["name"],
            "fingerprint": about["fingerprint"],
            "n": about["n"],
            "n_patients": about["n_groups"] if about["group_kind"] != "file" else None,
            "licence": about["licence"],
            "citation": about["citation"],
            "split": _split_text(config, about),
        },
        "settings": settings,
        "metrics": {name: metric.to_json() for name, metric in figures[part].items() if metric.value is not None},
        "measured_on": f"the {part} part, {about['parts'][part]['slices']} slices",
        "calibration": calibration.to_json(),
        "operating_points": [point.to_json() for point in points],
        "uncertain_band": list(band) if band else None,
        "limits": _limits(config, about, part),
    }


def _split_text(config: TrainingConfig, about: dict[str, Any]) -> str:
    counts = ", ".join(
        f"{part} {values['slices']} slices of {values['groups']} {plural(about['group_kind'], values['groups'])}"
        for part, values in about["parts"].items()
        if values["slices"]
    )
    how = "validation drawn by slice, as published" if config.protocol == "published" else f"by {about['group_kind']}"
    if config.folds:
        how += f", fold {config.fold + 1} of {config.folds} held out as test"
    return f"{how}: {counts}"


def _limits(config: TrainingConfig, about: dict[str, Any], part: str) -> list[str]:
    limits = [
        "For teaching and research, not for diagnosis.",
        f"Trained on {about['parts']['train']['slices']} slices of one data set, {about['name']}; "
        "other scanners, hospitals and patients are untested.",
    ]
    if part == "validation":
        limits.append(
            "Figures are from the validation part, which also chose the epoch and the thresholds: they are optimistic."
        )
    if config.protocol == "published":
        limits.append(
            "Validation slices have neighbors of the same series in training; validation figures are inflated."
        )
    if "synthetic" in f"{about['name']} {about['source']}".lower() or "phantom" in about["name"].lower():
        limits.append("Trained on synthetic phantoms: it has never seen a patient.")
    return limits
