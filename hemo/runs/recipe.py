"""The shipped model's recipe: five folds by patient for the evidence, then one network of all patients to ship.

    python -m hemo train --recipe lite0 --data ../shared/data/ct-ich --out RUN

Each network's state lies in a folder of its own under RUN; a kill at any point costs at most a few dozen steps, and the
same command goes on. What the folds say of slices they have not seen is kept as one table, from which every figure
of the card is computed.
"""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hemo.atomic import write_atomically, write_json_atomically
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest
from hemo.data.prepared import prepared_images
from hemo.data.split import folds
from hemo.errors import RunError
from hemo.model.architectures import architecture_named
from hemo.model.fit_lite0 import Lite0Settings, fit_lite0
from hemo.workspace import Workspace

FOLDS = 5
FOLD_SEED = 20
FOLD_STEPS = 900
FINAL_STEPS = 1500
MODEL_NAME = "hemo-lite0"

Say = Callable[[str], None]


def run_recipe(
    data: Path, out: Path, resume: bool = True, say: Say = print, settings: Lite0Settings | None = None
) -> Path:
    """Train the folds and the shipped network; the bundle is written by `hemo.report`'s card from what lies in `out`.

    Args:
        data: the CT-ICH folder.
        out: the run's folder.
        resume: go on with what `out` holds; without it, a folder that already holds a run is refused.
        say: receives one line at each step worth telling.
        settings: of each network; `steps` is set by the recipe where left at its default.

    Returns:
        `out`, holding out_of_fold.csv, out_of_fold_evidence.npz, folds.csv, recipe.json and final.keras.

    Raises:
        RunError: the folder holds a run and `resume` is False, or a run of other settings.
    """
    base = settings or Lite0Settings()
    manifest = import_dataset(data)
    out.mkdir(parents=True, exist_ok=True)
    _claim(
        out,
        resume,
        {
            "settings": base.to_json(),
            "folds": FOLDS,
            "fold_seed": FOLD_SEED,
            "fold_steps": FOLD_STEPS,
            "final_steps": FINAL_STEPS,
            "fingerprint": manifest.fingerprint(),
        },
    )
    preparation = architecture_named("lite0").preparation
    images = prepared_images(manifest, preparation, Workspace.from_environment().cache)
    fold = folds(manifest, FOLDS, FOLD_SEED).to_numpy()
    _write_folds(manifest, fold, out / "folds.csv")
    for number in range(FOLDS):
        _fold(number, fold, images, manifest, replace(base, steps=FOLD_STEPS, seed=base.seed + number), out, say)
    gather(manifest, out)
    final = out / "final.keras"
    if not final.exists():
        everyone = replace(base, steps=FINAL_STEPS, seed=base.seed + FOLDS)
        model = fit_lite0(
            images, manifest.labels, manifest.groups, everyone, out / "final", _reporter("all patients", everyone, say)
        )
        _save(model, final)
    return out


def _claim(out: Path, resume: bool, recipe: dict[str, Any]) -> None:
    path = out / "recipe.json"
    if path.exists():
        if not resume:
            raise RunError(f"Expected a new folder, or --resume to go on with the run in it. Received: {out}")
        if json.loads(path.read_text()) != json.loads(json.dumps(recipe)):
            raise RunError(f"Expected to go on with the same data and settings. Received: {out}, begun with others")
    write_json_atomically(path, recipe)


def _fold(
    number: int, fold: np.ndarray, images: np.ndarray, manifest: Manifest, settings: Lite0Settings, out: Path, say: Say
) -> None:
    """Train on the other folds and predict this one."""
    result = out / f"fold{number}.npz"
    if result.exists():
        return
    train, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
    model = fit_lite0(
        np.asarray(images[train]),
        manifest.labels[train],
        manifest.groups[train],
        settings,
        out / f"fold{number}",
        _reporter(f"fold {number}", settings, say),
    )
    logit, evidence = predict_lite0(model, np.asarray(images[held]))
    write_atomically(result, lambda file: np.savez(file, rows=held, logit=logit, evidence=evidence.astype(np.float16)))
    say(
        f"fold {number}: {len(held)} slices of {len(set(manifest.groups[held]))} patients predicted, "
        f"AUC {_auc(manifest.labels[held], logit):.3f}"
    )


def predict_lite0(model: Any, images: np.ndarray, batch: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N,) and evidence maps (N, h, w), float32, of prepared uint8 images (N, S, S)."""
    import tensorflow as tf

    forward = tf.function(lambda x: model(x, training=False), jit_compile=False)
    logits, maps = [], []
    for start in range(0, len(images), batch):
        part = images[start : start + batch].astype(np.float32)[..., None] / 255.0
        output = forward(tf.constant(part))
        logits.append(output["logit"].numpy()[:, 0])
        maps.append(output["evidence"].numpy()[..., 0])
    return np.concatenate(logits), np.concatenate(maps)


def gather(manifest: Manifest, out: Path) -> list[int]:
    """Put the predictions of the finished folds together, in the manifest's order.

    Args:
        manifest: the data.
        out: the run's folder; receives out_of_fold.csv and out_of_fold_evidence.npz.

    Returns:
        The folds that are finished.

    Raises:
        RunError: fewer than two are, so that nothing could be fitted on one and reported on another.
    """
    done = [number for number in range(FOLDS) if (out / f"fold{number}.npz").is_file()]
    if len(done) < 2:
        raise RunError(f"Expected at least two finished folds in {out.name}. Received: {len(done)}")
    parts = [np.load(out / f"fold{number}.npz") for number in done]
    rows = np.concatenate([part["rows"] for part in parts])
    order = np.argsort(rows)
    table = pd.DataFrame(manifest.frame.iloc[rows][["path", "slice", "group", "label"]].reset_index(drop=True)).assign(
        fold=np.concatenate([np.full(len(part["rows"]), number) for number, part in zip(done, parts, strict=True)]),
        logit=np.concatenate([part["logit"] for part in parts]),
    )
    evidence = np.concatenate([part["evidence"] for part in parts])[order]
    write_atomically(out / "out_of_fold.csv", lambda file: table.iloc[order].to_csv(file, index=False))
    write_atomically(out / "out_of_fold_evidence.npz", lambda file: np.savez_compressed(file, evidence=evidence))
    return done


def _write_folds(manifest: Manifest, fold: np.ndarray, path: Path) -> None:
    table = pd.DataFrame({"group": manifest.groups, "fold": fold}).drop_duplicates().sort_values("group")
    write_atomically(path, lambda file: table.to_csv(file, index=False))


def _save(model: Any, path: Path) -> None:
    partial = path.with_name(".part.keras")
    model.save(partial, include_optimizer=False)
    partial.replace(path)


def _reporter(what: str, settings: Lite0Settings, say: Say) -> Callable[[int, dict[str, float]], None]:
    begun = time.monotonic()
    first: list[int] = []

    def report(step: int, means: dict[str, float]) -> None:
        first.append(step)
        pace = (time.monotonic() - begun) / max(1, step - first[0] + 80)
        left = (settings.steps - step) * pace / 60
        losses = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
        say(f"{what}: step {step}/{settings.steps}, {losses}, {left:.0f} min left")

    return report


def _auc(labels: np.ndarray, scores: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores)) if 0 < labels.sum() < len(labels) else float("nan")
