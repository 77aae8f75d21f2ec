"""What the runs of a group say together: a row a run, and out-of-fold figures of each cross-validation in it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hemo.atomic import write_json_atomically, write_text_atomically
from hemo.evaluate.calibration import Calibration
from hemo.evaluate.intervals import summarise
from hemo.evaluate.metrics import Metric, auc
from hemo.model.bundle import load_bundle
from hemo.model.card import default_threshold
from hemo.runs.group import Changes, Group, Member, label
from hemo.runs.history import read_history
from hemo.runs.run import PREDICTIONS, SPLIT, Run

SUMMARY = "summary.csv"
OUT_OF_FOLD = "out_of_fold.csv"
FIGURES = "cross_validation.json"
_TEXT = {"source": str, "slice": str, "group": str}  # a patient may be called 007 or NA

_NUMBERS = ("best_val_auc", "n", "n_groups", "auc", "auc_low", "auc_high")


@dataclass(frozen=True)
class CrossValidation:
    """The finished folds of one configuration.

    Args:
        changes: what sets the configuration apart in its group; {} where the group is one cross-validation.
        folds: how many there are.
        finished: those whose predictions are in the table, from 0.
        table: source, slice, group, label, fold, logit, probability (each fold's own calibration), threshold (each
            fold's own balanced one) of every slice of the finished folds, in the data set's order.
        fold_auc: AUC within each finished fold; None where it lacks a class.
        figures: every metric over the table with its interval by patient.
    """

    changes: Changes
    folds: int
    finished: tuple[int, ...]
    table: pd.DataFrame
    fold_auc: tuple[float | None, ...]
    figures: dict[str, Metric]

    @property
    def is_whole(self) -> bool:
        """Whether every fold is finished: each slice was predicted by a network that had not seen its patient."""
        return len(self.finished) == self.folds

    @property
    def mean(self) -> tuple[float, float] | None:
        """Mean and standard deviation (n - 1) of the folds' AUC; None below two folds."""
        known = [value for value in self.fold_auc if value is not None]
        return (float(np.mean(known)), float(np.std(known, ddof=1))) if len(known) > 1 else None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        mean = self.mean
        return {
            "changes": self.changes,
            "folds": self.folds,
            "finished": [number + 1 for number in self.finished],
            "n": len(self.table),
            "n_groups": int(self.table["group"].nunique()),
            "fold_auc": list(self.fold_auc),
            "fold_auc_mean": mean[0] if mean else None,
            "fold_auc_sd": mean[1] if mean else None,
            "out_of_fold": {name: metric.to_json() for name, metric in self.figures.items()},
        }


def summary(group: Group) -> pd.DataFrame:
    """A row a run: name, the settings that differ, state, epochs, best validation AUC, final AUC with its interval."""
    table = pd.DataFrame([_row(group, member) for member in group.members])
    return table.astype(dict.fromkeys(_NUMBERS, float))


def cross_validations(group: Group) -> list[CrossValidation]:
    """One for each configuration of the group of which a fold is finished; [] for a group without folds."""
    if not group.base.folds:
        return []
    found: dict[str, list[Member]] = {}
    for member in group.members:
        found.setdefault(label(_without_fold(member.changes)), []).append(member)
    made = (_cross_validation(group, members) for members in found.values())
    return [each for each in made if each is not None]


def write_results(group: Group) -> list[CrossValidation]:
    """Write `summary.csv` and, for cross-validations, `out_of_fold.csv` and `cross_validation.json` to its folder.

    Raises:
        OSError: the folder cannot be written.
    """
    write_text_atomically(group.folder / SUMMARY, summary(group).to_csv(index=False))
    results = cross_validations(group)
    if results:
        tables = [each.table.assign(**each.changes) for each in results]
        write_text_atomically(group.folder / OUT_OF_FOLD, pd.concat(tables).to_csv(index=False))
        write_json_atomically(group.folder / FIGURES, [each.to_json() for each in results])
    return results


def _without_fold(changes: Changes) -> Changes:
    return {name: value for name, value in changes.items() if name != "fold"}


def _row(group: Group, member: Member) -> dict[str, Any]:
    run = group.run(member)
    begun = group.is_begun(member)
    history = read_history(run.folder) if begun else None
    best = history.best("val_auc") if history else None
    part = "test" if "test" in (figures := run.figures()) else "validation"
    final = figures.get(part, {}).get("auc", {})
    low, high = final.get("interval") or (None, None)
    changes = {name: value + 1 if name == "fold" else value for name, value in member.changes.items()}
    return {
        "run": member.name,
        **changes,
        "state": run.status().state if begun else "not begun",
        "epochs": len(history.epochs) if history else 0,
        "best_val_auc": best["val_auc"] if best else None,
        "measured_on": part if final else "",
        "n": final.get("n"),
        "n_groups": final.get("n_groups"),
        "auc": final.get("value"),
        "auc_low": low,
        "auc_high": high,
    }


def _cross_validation(group: Group, members: list[Member]) -> CrossValidation | None:
    finished = [member for member in members if group.run(member).bundle.is_dir()]
    tables = [_held_out(group.run(member), int(member.changes["fold"])) for member in finished]
    if not tables:
        return None
    order = pd.read_csv(group.run(finished[0]).folder / SPLIT, dtype=str, keep_default_na=False)["path"]
    place = {path: number for number, path in enumerate(order)}
    table = pd.concat(tables).sort_values("source", key=lambda paths: paths.map(place), kind="stable")
    table = table.reset_index(drop=True)
    kind = str(group.run(finished[0]).data().get("group_kind", "patient"))
    return CrossValidation(
        changes=_without_fold(finished[0].changes),
        folds=group.base.folds,
        finished=tuple(int(member.changes["fold"]) for member in finished),
        table=table,
        fold_auc=tuple(auc(part["label"], part["logit"]).value for part in tables),
        figures=summarise(
            table["label"].to_numpy(),
            table["probability"].to_numpy(),
            table["group"].to_numpy(dtype=str),
            table["threshold"].to_numpy(),
            group_kind=kind,
        ),
    )


def _held_out(run: Run, fold: int) -> pd.DataFrame:
    """What a fold's network says of the slices held out, by its own calibration and threshold."""
    table = pd.read_csv(run.folder / PREDICTIONS, dtype=_TEXT, keep_default_na=False)
    table = table[table["split"] == "test"]
    card = load_bundle(run.bundle).card
    fitted = card["calibration"]
    calibration = Calibration(float(fitted.get("temperature") or 1.0), float(fitted.get("bias") or 0.0))
    return pd.DataFrame(
        {
            "source": table["source"],
            "slice": table["slice"],
            "group": table["group"],
            "label": table["label"],
            "fold": fold + 1,
            "logit": table["logit"],
            "probability": calibration.apply(table["logit"].to_numpy()),
            "threshold": default_threshold(card),
        }
    )
