"""Fit and judge the guard ("is this a head CT?") and write its weights.

    python scripts/train_guard.py ../shared/data/ct-ich [--seed-set ../shared/data/seed] [--features FILE]

Judged first: five folds in which the patients, the phantoms, the families of made pictures and the packages'
pictures of the test part were never seen. Then the shipped weights are fitted on everything and written to
hemo/ct/guard_weights.json with the figures of the folds. The seed set is never fitted on.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hemo.ct.guard import LEVEL_CLASSES, WEIGHTS_FILE
from hemo.ct.guard_features import FEATURES, measure
from hemo.ct.trees import Trees
from hemo.data.guard_material import Example, ct_ich_examples, made_examples, package_examples, phantom_examples

FOLDS = 5
DEPTH = 3
HEAD_TREES, LEVEL_TREES = 200, 60
BRAIN_REFUSED = 0.003
"""Threshold: the share of CT-ICH's brain-level slices (as they are and as foreign pictures) refused out of fold."""


def main() -> None:
    """Collect, judge, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ct_ich", type=Path)
    parser.add_argument("--seed-set", type=Path, help="the published project's folders, for judging only")
    parser.add_argument("--features", type=Path, help="keep the measured features here, to be used again")
    parser.add_argument("--random-seed", type=int, default=11)
    args = parser.parse_args()
    table = _collect(args.ct_ich, args.random_seed, args.features)
    print(table.groupby(["family", "is_head"]).size().to_string())
    table["score"], table["level_call"] = _out_of_fold(table, args.random_seed)
    threshold = _threshold(table)
    figures = _figures(table, threshold)
    print(json.dumps(figures, indent=2))
    weights = {
        "about": "Boosted trees of the head guard; written by scripts/train_guard.py.",
        "features": list(FEATURES),
        "threshold": threshold,
        "head": _trees(_fit_head(table, args.random_seed)).to_json(),
        "level": {name: trees.to_json() for name, trees in _level_trees(_fit_level(table, args.random_seed)).items()},
        "out_of_fold": figures,
    }
    WEIGHTS_FILE.write_text(json.dumps(weights, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{WEIGHTS_FILE.name}: {WEIGHTS_FILE.stat().st_size / 1024:.0f} KiB, threshold {threshold:.3f}")
    if args.seed_set:
        _judge_seed_set(args.seed_set)


def _collect(ct_ich: Path, seed: int, keep: Path | None) -> pd.DataFrame:
    """Measured examples: FEATURES, is_head, level, family, source."""
    if keep and keep.exists():
        return pd.read_pickle(keep)
    with ProcessPoolExecutor(max_workers=2) as pool:
        parts = list(pool.map(_measured_part, range(len(PARTS)), [ct_ich] * len(PARTS), [seed] * len(PARTS)))
    table = pd.concat(parts, ignore_index=True)
    if keep:
        table.to_pickle(keep)
    return table


PARTS: tuple[Callable[[Path, np.random.Generator], Iterator[Example]], ...] = (
    ct_ich_examples,
    lambda _, rng: made_examples(160, rng),
    lambda _, rng: package_examples(30, rng),
    lambda _, rng: phantom_examples(90, rng),
)


def _measured_part(part: int, ct_ich: Path, seed: int) -> pd.DataFrame:
    """Features of one part's examples; each part has a stream of its own, so that they may run side by side."""
    cv2.setNumThreads(1)
    rows = []
    for example in PARTS[part](ct_ich, np.random.default_rng([seed, part])):
        measured = measure(example.grey, example.colorfulness)
        row = dict(zip(FEATURES, measured.features.tolist(), strict=True))
        rows.append(row | {name: getattr(example, name) for name in ("is_head", "level", "family", "source")})
    print(f"part {part + 1} of {len(PARTS)}: {len(rows)} examples measured", flush=True)
    return pd.DataFrame(rows)


def _fold_of(table: pd.DataFrame, seed: int) -> np.ndarray:
    """A fold for every source: all pictures of a patient, phantom, family or file are judged together."""
    sources = sorted(table["source"].unique())
    order = np.random.default_rng(seed).permutation(len(sources))
    fold = {source: int(order[index] % FOLDS) for index, source in enumerate(sources)}
    return table["source"].map(fold).to_numpy()


def _weights(table: pd.DataFrame) -> np.ndarray:
    """Heads and non-heads weigh the same; within each, a real slice twice a phantom, every family the same."""
    size = table.groupby(["is_head", "family"])["source"].transform("size").to_numpy(float)
    share = table["family"].map({"phantom": 0.5, "CT-ICH neck": 1.5, "CT-ICH neck foreign": 1.5}).fillna(1.0).to_numpy()
    weight = np.where(table["is_head"], 1.0, share / size)
    weight = np.where(table["is_head"] & (table["family"] == "phantom"), 0.5, weight)
    for kind in (True, False):
        part = table["is_head"].to_numpy() == kind
        weight[part] *= len(table) / 2 / weight[part].sum()
    return weight


def _fit_head(table: pd.DataFrame, seed: int) -> GradientBoostingClassifier:
    model = GradientBoostingClassifier(
        n_estimators=HEAD_TREES,
        max_depth=DEPTH,
        learning_rate=0.1,
        subsample=0.5,
        max_features=10,
        min_samples_leaf=8,
        random_state=seed,
    )
    return model.fit(table[list(FEATURES)].to_numpy(np.float32), table["is_head"], sample_weight=_weights(table))


def _fit_level(table: pd.DataFrame, seed: int) -> GradientBoostingClassifier:
    part = table[table["level"] != ""]
    model = GradientBoostingClassifier(
        n_estimators=LEVEL_TREES,
        max_depth=DEPTH,
        learning_rate=0.15,
        subsample=0.5,
        max_features=10,
        min_samples_leaf=8,
        random_state=seed,
    )
    weight = np.where(part["family"] == "phantom", 0.3, 1.0)
    return model.fit(part[list(FEATURES)].to_numpy(np.float32), part["level"], sample_weight=weight)


def _out_of_fold(table: pd.DataFrame, seed: int) -> tuple[np.ndarray, np.ndarray]:
    fold = _fold_of(table, seed)
    score, level = np.empty(len(table)), np.empty(len(table), object)
    for index in range(FOLDS):
        train, test = table[fold != index], fold == index
        features = table.loc[test, list(FEATURES)].to_numpy(np.float32)
        score[test] = _fit_head(train, seed).decision_function(features)
        level[test] = _fit_level(train, seed).predict(features)
        print(f"fold {index + 1} of {FOLDS}", flush=True)
    return score, level


def _threshold(table: pd.DataFrame) -> float:
    brain = table[(table["level"] == "brain") & table["family"].str.startswith("CT-ICH")]
    return round(float(np.quantile(brain["score"], BRAIN_REFUSED)), 3)


def _figures(table: pd.DataFrame, threshold: float) -> dict[str, object]:
    """Counts out of fold: {refused, n} by family, and by level for the heads; agreement of the level."""

    def count(part: pd.DataFrame) -> dict[str, int]:
        return {"refused": int((part["score"] < threshold).sum()), "n": len(part)}

    heads, others = table[table["is_head"]], table[~table["is_head"]]
    slices = table[table["family"].isin(("CT-ICH", "CT-ICH neck"))]
    confusion = pd.crosstab(slices["level"], slices["level_call"])
    return {
        "heads": {f"{family}, {level}": count(part) for (family, level), part in heads.groupby(["family", "level"])},
        "no_heads": {family: count(part) for family, part in others.groupby("family")},
        "no_heads_without_neck": count(others[others["level"] == ""]),
        "level": {str(name): {str(k): int(v) for k, v in row.items()} for name, row in confusion.iterrows()},
    }


def _trees(model: GradientBoostingClassifier, column: int = 0) -> Trees:
    """scikit-learn's trees as complete trees; where a branch ends early its leaf is repeated below."""
    nodes, leaves = 2**DEPTH - 1, 2**DEPTH
    count = len(model.estimators_)
    feature = np.zeros((count, nodes), np.int64)
    threshold = np.full((count, nodes), np.inf)
    leaf = np.zeros((count, leaves))
    for index, estimator in enumerate(model.estimators_[:, column]):
        tree = estimator.tree_
        stack = [(0, 0)]
        while stack:
            place, node = stack.pop()
            if place >= nodes:
                leaf[index, place - nodes] = tree.value[node, 0, 0] * model.learning_rate
                continue
            inner = tree.children_left[node] >= 0
            if inner:
                feature[index, place], threshold[index, place] = tree.feature[node], tree.threshold[node]
            stack += [
                (2 * place + 1, tree.children_left[node] if inner else node),
                (2 * place + 2, tree.children_right[node] if inner else node),
            ]
    # JSON has no infinity; no feature reaches this.
    threshold[np.isinf(threshold)] = 1e9
    zeros = np.zeros((1, len(FEATURES)), np.float32)
    trees = Trees(feature, threshold, leaf, 0.0)
    decision = np.atleast_2d(model.decision_function(zeros))
    start = float(decision[0, column] - trees.score(zeros)[0])
    return Trees(feature, threshold, leaf, start)


def _level_trees(model: GradientBoostingClassifier) -> dict[str, Trees]:
    assert set(model.classes_) == set(LEVEL_CLASSES)
    return {str(name): _trees(model, column) for column, name in enumerate(model.classes_)}


def _judge_seed_set(root: Path) -> None:
    """Calls on the published project's slices, which no one fitted on."""
    from hemo.ct.guard import assess
    from hemo.ct.read import read_path

    verdicts = [(file, assess(read_path(file))) for file in sorted(root.glob("*/*/*.jpg"))]
    refused = [file for file, verdict in verdicts if not verdict.is_head]
    print(f"seed set: {len(refused)} of {len(verdicts)} refused")
    print(pd.Series([verdict.level for _, verdict in verdicts]).value_counts().to_string())
    for file in refused:
        print("  ", file.name)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
