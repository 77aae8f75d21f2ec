"""A fold's members joined into the one network that is judged, and those of all patients into the one that ships."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hemo.atomic import write_atomically
from hemo.ct.guard import assess
from hemo.ct.preparation import Preparation
from hemo.ct.slice import CTSlice
from hemo.data.foreign import foreign
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest
from hemo.evaluate.metrics import auc
from hemo.model.architectures.lite0 import join
from hemo.model.precision import rounded
from hemo.runs.recipe_network import ALL_PATIENTS, Network, fold_name, predict_lite0, preparation_at, prepared_at

FINAL = "final.keras"
_FOREIGN_SEED = 31


def joined_result(out: Path, number: int) -> Path:
    """What stands when a fold's members are joined: the held-out slices' predictions, or the network to ship."""
    return out / (FINAL if number == ALL_PATIENTS else f"{fold_name(number)}.npz")


def join_members(members: list[Network], fold: np.ndarray, say: Callable[[str], None]) -> None:
    """Join the trained members of one fold and write the result: see `joined_result`.

    Args:
        members: all of one fold, or all of all patients.
        fold: (N,) fold of each slice, in the manifest's order.
        say: receives a line.
    """
    first = members[0]
    result = joined_result(first.out, first.number)
    model = _shipped(join([member.load() for member in members]))
    if first.number == ALL_PATIENTS:
        _save(model, result)
        return
    manifest, size = import_dataset(first.data), first.fine.size
    held_out = np.flatnonzero(fold == first.number)
    logit, evidence = predict_lite0(model, np.asarray(prepared_at(manifest, size)[held_out]))
    arrays = {
        "rows": held_out,
        "logit": logit,
        "members": np.stack([np.load(member.result)["logit"] for member in members]),
        "evidence": evidence.astype(np.float16),
        "foreign_logit": _of_foreign_pictures(model, preparation_at(size), manifest, held_out),
    }
    write_atomically(result, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]
    score = auc(manifest.labels[held_out], logit).value
    patients = len(set(manifest.groups[held_out]))
    said = "not defined" if score is None else f"{score:.3f}"
    say(f"{fold_name(first.number)}: {len(held_out)} slices of {patients} patients predicted, AUC {said}")


def _shipped(model: Any) -> Any:
    """The network with its weights rounded: the means that joining made have all their digits."""
    model.set_weights([rounded(np.asarray(value)) for value in model.get_weights()])
    return model


def _of_foreign_pictures(model: Any, preparation: Preparation, manifest: Manifest, rows: np.ndarray) -> np.ndarray:
    """Logits (N,) of the slices as another hospital's pictures, NaN where the guard refuses slice or picture.

    A slice's picture depends on its place in the manifest alone, so that folds and resumed runs see the same one.
    """
    logits = np.full(len(rows), np.nan, np.float32)
    kept, pictures = [], []
    for place, row in enumerate(rows):
        ct_slice = manifest.read(int(row))
        grey, tint = foreign(ct_slice.grey(), np.random.default_rng([_FOREIGN_SEED, int(row)]))
        picture = CTSlice(grey.astype(np.float32), "grey", ct_slice.name, colorfulness=tint)
        verdict = assess(picture)
        if verdict.is_head and assess(ct_slice).is_head:
            kept.append(place)
            pictures.append(preparation.apply(picture, verdict.head).image)
    if kept:
        logits[kept], _ = predict_lite0(model, np.stack(pictures))
    return logits


def _save(model: Any, path: Path) -> None:
    partial = path.with_name(".part.keras")
    model.save(partial, include_optimizer=False)
    partial.replace(path)
