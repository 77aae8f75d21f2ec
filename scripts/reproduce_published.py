"""Reproduce the published project's run and put its figure beside what it was worth.

    python scripts/reproduce_published.py DATA [--out RUN] [--json docs/reproduction.json]

DATA is the published project's folder: `{Training,Validation,Testing} Data/{With,Without} Hemorrhage/*.jpg`. The
network is trained as published (random slice-level validation within "Training Data"); then the same weights are judged
on the two folders of other series, beside two rules that know nothing of blood. A run that was killed is resumed by the
same command. Prints the README's table; exits with 1 where the published figures were not reached.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hemo.atomic import write_json_atomically
from hemo.bench.machine import machine
from hemo.cli import main as hemo
from hemo.data.importers import import_dataset
from hemo.evaluate.baselines import extract_features, judge_baselines
from hemo.evaluate.metrics import point_metrics
from hemo.runs.history import read_history
from hemo.runs.run import PREDICTIONS, SPLIT, Run
from hemo.workspace import Workspace

LEAST_VALIDATION_ACCURACY = 0.96
MOST_TRAINING_LOSS = 0.1184
RULES = ("mean grey", "16×16 thumbnail")
FIGURES = ("accuracy", "log_loss", "auc", "sensitivity", "specificity")


@dataclass(frozen=True)
class Part:
    """What the network is judged on.

    Args:
        key: name in the JSON.
        title: name in the table.
        split: its name in the run's split.
        source: its name in the data set's own split.
        shared: whether its series also trained.
    """

    key: str
    title: str
    split: str
    source: str
    shared: bool


PARTS = (
    Part("random_slices", 'random 15 % of the slices of "Training Data"', "validation", "train", True),
    Part("validation_data", '"Validation Data", other series', "test", "validation", False),
    Part("testing_data", '"Testing Data", other series', "test", "test", False),
)


def main() -> int:
    """Train, judge, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--out", type=Path, metavar="RUN", help="folder of the run (default: in the workspace)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    workspace = Workspace.from_environment()
    run = Run((args.out or workspace.runs / f"reproduction-{args.seed}").resolve())
    if run.status().state != "finished":
        train = ["train", "--data", str(args.data), "--preset", "as published", "--seed", str(args.seed)]
        if (code := hemo([*train, "--out", str(run.folder), "--resume"])) != 0:
            return code
    result = judge(run, args.data, workspace.cache)
    print(table(result))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        write_json_atomically(args.json, result)
    return 0 if result["reached"] else 1


def judge(run: Run, data: Path, cache: Path) -> dict[str, Any]:
    """Every figure of the table, as plain JSON values."""
    epochs = read_history(run.folder).epochs
    predictions = pd.read_csv(run.folder / PREDICTIONS)
    rules = judge_rules(run, data, cache)
    parts = {}
    for part in PARTS:
        rows = predictions[(predictions["split"] == part.split) & (predictions["source_split"] == part.source)]
        network = point_metrics(rows["label"].to_numpy(), rows["probability"].to_numpy(), 0.5)
        parts[part.key] = {
            "title": part.title,
            "slices": len(rows),
            "series": int(rows["group"].nunique()),
            "series_also_trained": part.shared,
            "network": {name: network[name].value for name in FIGURES},
            "rules": rules[part.key],
        }
    last = epochs[-1]
    return {
        "what": "The published network, trained as published",
        "data": {key: run.data()[key] for key in ("name", "fingerprint", "n", "n_groups")},
        "seed": run.config.seed,
        "epochs": len(epochs),
        "minutes": round(sum(epoch["seconds"] for epoch in epochs) / 60, 1),
        "training_loss": last["loss"],
        "training_accuracy": last["accuracy"],
        "targets": {"validation_accuracy": LEAST_VALIDATION_ACCURACY, "training_loss": MOST_TRAINING_LOSS},
        "reached": parts["random_slices"]["network"]["accuracy"] >= LEAST_VALIDATION_ACCURACY
        and last["loss"] <= MOST_TRAINING_LOSS,
        "parts": parts,
        "machine": machine(),
        "why_no_intervals": "nine series in all, two to four a part: no interval would be honest",
    }


def judge_rules(run: Run, data: Path, cache: Path) -> dict[str, dict[str, dict[str, float | None]]]:
    """Accuracy and AUC of the rules on each part, fitted on the slices that the network was trained on."""
    manifest = import_dataset(data)
    saved = pd.read_csv(run.folder / SPLIT, dtype=str, keep_default_na=False).set_index("path")
    split = saved["split"].reindex(manifest.frame["path"]).to_numpy(dtype=str)
    source = saved["source_split"].reindex(manifest.frame["path"]).to_numpy(dtype=str)
    features = extract_features(manifest, cache)
    result: dict[str, dict[str, dict[str, float | None]]] = {}
    for part in PARTS:
        here = (split == part.split) & (source == part.source)
        judged = np.where(split == "train", "train", np.where(here, "validation", ""))
        found = judge_baselines(features, manifest.labels, manifest.groups, judged, manifest.group_kind, resamples=1)
        result[part.key] = {
            rule.name: {name: rule.metrics[name].value for name in ("accuracy", "auc")}
            for rule in found
            if rule.name in RULES
        }
    return result


def table(result: dict[str, Any]) -> str:
    """The README's table."""
    lines = [
        "| judged on | slices (series) | accuracy | loss | AUC | mean grey: accuracy, AUC | 16×16: accuracy, AUC |",
        "|---|---|---|---|---|---|---|",
    ]
    for part in result["parts"].values():
        network = part["network"]
        rules = [f"{part['rules'][name]['accuracy']:.2f}, {part['rules'][name]['auc']:.2f}" for name in RULES]
        cells = [
            part["title"],
            f"{part['slices']} ({part['series']})",
            f"{network['accuracy']:.3f}",
            f"{network['log_loss']:.3f}",
            f"{network['auc']:.3f}",
            *rules,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    reached = "reached" if result["reached"] else "NOT reached"
    targets = result["targets"]
    lines.append("")
    lines.append(
        f"{result['epochs']} epochs ({result['minutes']:.0f} minutes), seed {result['seed']}: training loss "
        f"{result['training_loss']:.4f}. The published figures (validation accuracy at least "
        f"{targets['validation_accuracy']}, training loss at most {targets['training_loss']}) are {reached}. "
        f"No intervals: {result['why_no_intervals']}."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
