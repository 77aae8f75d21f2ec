"""The shipped model's recipe: five folds by patient for the evidence, then one network of all patients to ship.

    python -m hemo train --recipe lite0 --data ../shared/data/ct-ich --out RUN

Each network's state lies in a folder of its own under RUN; a kill at any point costs at most a few dozen steps, and the
same command goes on. What the folds say of slices they have not seen is kept as one table, from which every figure
of the card is computed.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hemo.atomic import write_atomically, write_json_atomically
from hemo.data.bleed_batches import BatchSettings
from hemo.data.degrade import DegradeSettings
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest
from hemo.data.prepared import prepared_images
from hemo.data.split import folds
from hemo.errors import RunError
from hemo.model.fit_lite0 import Lite0Settings
from hemo.runs.recipe_network import preparation_at, recipe_networks, train_networks
from hemo.workspace import Workspace

FOLDS = 5
FOLD_SEED = 20
COARSE = Lite0Settings(steps=1800)
"""First stage of each network, on images of 224 pixels."""
FINE = Lite0Settings(
    steps=480,
    learning_rate=2e-4,
    warmup=20,
    seed=107,
    size=320,
    batch=BatchSettings(phantoms=2, thin_share=0.25),
    # Blur is in pixels, and these are smaller.
    degradations=DegradeSettings(blur=2.0),
)
"""Second stage, on images of 320 pixels: the head's two millimetres are then three pixels wide."""
MODEL_NAME = "hemo-lite0"

Say = Callable[[str], None]


def run_recipe(
    data: Path,
    out: Path,
    resume: bool = True,
    say: Say = print,
    coarse: Lite0Settings = COARSE,
    fine: Lite0Settings = FINE,
    workers: int | None = None,
) -> Path:
    """Train the folds and the shipped network; `hemo.runs.recipe_card` writes the bundle from what lies in `out`.

    Args:
        data: the CT-ICH folder.
        out: the run's folder.
        resume: go on with what `out` holds; without it, a folder that already holds a run is refused.
        say: receives one line at each step worth telling.
        coarse, fine: settings of the two stages of each network, but for the seed, which each has of its own.
        workers: networks trained side by side; None takes two where the machine has two cores.

    Returns:
        `out`, holding out_of_fold.csv, out_of_fold_evidence.npz, folds.csv, recipe.json and final.keras.

    Raises:
        RunError: the folder holds a run and `resume` is False, or a run of other settings, or another process is at it.
    """
    manifest = import_dataset(data)
    out.mkdir(parents=True, exist_ok=True)
    _claim(
        out,
        resume,
        {
            "coarse": coarse.to_json(),
            "fine": fine.to_json(),
            "folds": FOLDS,
            "fold_seed": FOLD_SEED,
            "fingerprint": manifest.fingerprint(),
        },
    )
    # Prepared once, before several processes would each begin to.
    for stage in (coarse, fine):
        prepared_images(manifest, preparation_at(stage.size), Workspace.from_environment().cache)
    fold = folds(manifest, FOLDS, FOLD_SEED).to_numpy()
    _write_folds(manifest, fold, out / "folds.csv")
    networks = recipe_networks(data, out, coarse, fine, FOLDS)
    train_networks(networks, fold, workers or min(2, os.cpu_count() or 1), say)
    gather(manifest, out)
    return out


def _claim(out: Path, resume: bool, recipe: dict[str, Any]) -> None:
    path = out / "recipe.json"
    if path.exists():
        if not resume:
            raise RunError(f"Expected a new folder, or --resume to go on with the run in it. Received: {out}")
        if json.loads(path.read_text()) != json.loads(json.dumps(recipe)):
            raise RunError(f"Expected to go on with the same data and settings. Received: {out}, begun with others")
    write_json_atomically(path, recipe)


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
        foreign_logit=np.concatenate([part["foreign_logit"] for part in parts]),
    )
    evidence = np.concatenate([part["evidence"] for part in parts])[order]
    write_atomically(out / "out_of_fold.csv", lambda file: table.iloc[order].to_csv(file, index=False))
    write_atomically(out / "out_of_fold_evidence.npz", lambda file: np.savez_compressed(file, evidence=evidence))
    return done


def _write_folds(manifest: Manifest, fold: np.ndarray, path: Path) -> None:
    table = pd.DataFrame({"group": manifest.groups, "fold": fold}).drop_duplicates().sort_values("group")
    write_atomically(path, lambda file: table.to_csv(file, index=False))
