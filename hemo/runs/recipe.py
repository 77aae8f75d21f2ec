"""The shipped model's recipe: five folds by patient for the evidence, then one network of all patients to ship.

    python -m hemo train --recipe lite0 --data ../shared/data/ct-ich --out RUN

A fold's network is two, trained apart on the same patients and joined (`hemo.model.architectures.lite0.join`): what one
of them sees in the grain of a slice, the other rarely sees too. Each one's state lies in a folder of its own under RUN;
a kill at any point costs at most a few dozen steps, and the same command goes on. What the folds say of slices they
have not seen is kept as one table, from which every figure of the card is computed.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hemo.atomic import write_atomically, write_json_atomically
from hemo.data.bleed_batches import BatchSettings
from hemo.data.degrade import DegradeSettings
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest
from hemo.data.split import folds
from hemo.errors import RunError
from hemo.model.fit_lite0 import Lite0Settings
from hemo.runs.recipe_joined import join_members, joined_result
from hemo.runs.recipe_network import ALL_PATIENTS, prepared_at, recipe_networks, train_network
from hemo.runs.recipe_workers import Say, in_workers

FOLDS = 5
FOLD_SEED = 20
MEMBERS = (1.0, 2 / 3)
"""Networks of a fold, each by its share of the stages' steps. Between two runs of one network, a fold's AUC moved by up
to 0.04, all slices' by 0.007: the second is there to even that out, for which it need not be the best by itself."""
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
MEMBER_COLUMN = "logit_member"
"""Of the table, with the member's number: what it alone says."""


def run_recipe(
    data: Path,
    out: Path,
    resume: bool = True,
    say: Say = print,
    coarse: Lite0Settings = COARSE,
    fine: Lite0Settings = FINE,
    workers: int | None = None,
) -> Path:
    """Train the folds' networks and the shipped one; `hemo.runs.recipe_card` writes the bundle from what lies in `out`.

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
    import keras

    manifest = import_dataset(data)
    out.mkdir(parents=True, exist_ok=True)
    _claim(
        out,
        resume,
        {
            "coarse": coarse.to_json(),
            "fine": fine.to_json(),
            "members": [[round(stage.steps * share) for stage in (coarse, fine)] for share in MEMBERS],
            "folds": FOLDS,
            "fold_seed": FOLD_SEED,
            "fingerprint": manifest.fingerprint(),
            "engine": keras.backend.backend(),
        },
    )
    # Prepared once, before several processes would each begin to.
    for stage in (coarse, fine):
        prepared_at(manifest, stage.size)
    fold = folds(manifest, FOLDS, FOLD_SEED).to_numpy()
    _write_folds(manifest, fold, out / "folds.csv")
    networks = recipe_networks(data, out, coarse, fine, FOLDS, MEMBERS)
    workers = workers or min(2, os.cpu_count() or 1)
    in_workers(train_network, [(network, fold) for network in networks if not network.result.exists()], workers, say)
    of_fold = [
        [network for network in networks if network.number == number] for number in [*range(FOLDS), ALL_PATIENTS]
    ]
    waiting = [members for members in of_fold if not joined_result(out, members[0].number).exists()]
    in_workers(join_members, [(members, fold) for members in waiting], workers, say)
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
    done = [number for number in range(FOLDS) if joined_result(out, number).is_file()]
    if len(done) < 2:
        raise RunError(f"Expected at least two finished folds in {out.name}. Received: {len(done)}")
    parts = [np.load(joined_result(out, number)) for number in done]
    rows = np.concatenate([part["rows"] for part in parts])
    order = np.argsort(rows)
    table = pd.DataFrame(manifest.frame.iloc[rows][["path", "slice", "group", "label"]].reset_index(drop=True)).assign(
        fold=np.concatenate([np.full(len(part["rows"]), number) for number, part in zip(done, parts, strict=True)]),
        logit=np.concatenate([part["logit"] for part in parts]),
        foreign_logit=np.concatenate([part["foreign_logit"] for part in parts]),
        **{
            f"{MEMBER_COLUMN}{number + 1}": np.concatenate([part["members"][number] for part in parts])
            for number in range(len(parts[0]["members"]))
        },
    )
    evidence = np.concatenate([part["evidence"] for part in parts])[order]
    write_atomically(out / "out_of_fold.csv", lambda file: table.iloc[order].to_csv(file, index=False))
    write_atomically(out / "out_of_fold_evidence.npz", lambda file: np.savez_compressed(file, evidence=evidence))
    return done


def _write_folds(manifest: Manifest, fold: np.ndarray, path: Path) -> None:
    table = pd.DataFrame({"group": manifest.groups, "fold": fold}).drop_duplicates().sort_values("group")
    write_atomically(path, lambda file: table.to_csv(file, index=False))
