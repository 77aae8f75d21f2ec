"""The whole shortcut audit of one table, run once and kept beside it."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemo.atomic import write_json_atomically
from hemo.data.manifest import Manifest
from hemo.evaluate.baselines import extract_features, judge_baselines
from hemo.evaluate.intervals import summarise
from hemo.evaluate.localisation import Localisation, centre_guess, enlarged, localise
from hemo.evaluate.metrics import Metric
from hemo.evaluate.predictions import Predictions
from hemo.evaluate.probes import Probes, maps_at, run_probes
from hemo.evaluate.shortcuts import (
    Check,
    baseline_table,
    check_baselines,
    check_duplicates,
    check_heat,
    check_levels,
    check_occlusion,
    check_overlap,
    check_parts,
    near_duplicates,
    verdict,
)

if TYPE_CHECKING:
    from hemo.model.predictor import Predictor

FILE = "audit.json"
Stage = Callable[[str], None]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Audit:
    """What the audit found.

    Args:
        checks: one a question.
        verdict: what the figures rest on, one plain paragraph.
        baselines: rows of rule, part, what, n, auc, accuracy, sensitivity, specificity, note; the network among them.
        localisation: rows of name, peak_in_box, mass_in_box, iou, each a metric as JSON.
    """

    checks: tuple[Check, ...]
    verdict: str
    baselines: tuple[dict[str, Any], ...]
    localisation: tuple[dict[str, Any], ...]

    def save(self, folder: Path) -> None:
        """Keep it beside its table."""
        write_json_atomically(folder / FILE, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> "Audit | None":
        """The audit kept in `folder`, or None."""
        try:
            values = json.loads((folder / FILE).read_text("utf-8"))
            checks = tuple(Check(**check) for check in values["checks"])
            return cls(checks, values["verdict"], tuple(values["baselines"]), tuple(values["localisation"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def run_audit(
    predictions: Predictions,
    manifest: Manifest,
    predictor: "Predictor | None",
    cache_dir: Path,
    stage: Stage = lambda name: None,
    progress: Progress | None = None,
) -> Audit:
    """Make every check that these data allow.

    Args:
        predictions: the table, rows as in `manifest`.
        manifest: the data set.
        predictor: the network that made the table; None leaves out the checks that ask it again, as for an
            out-of-fold table, whose networks are not at hand.
        cache_dir: where the baselines' features are kept.
        stage: told what is being done.
        progress: called with (done, total) within a stage.
    """
    about = predictions.about
    labels, probabilities = predictions.labels, predictions.probabilities
    groups = None if about.group_kind == "file" else predictions.groups
    headline = summarise(labels, probabilities, groups, about.threshold, about.group_kind)["auc"]
    stage("baselines")
    features = extract_features(manifest, cache_dir, progress)
    frame = manifest.frame
    split = frame["split"].to_numpy(dtype=str)
    baselines = judge_baselines(features, manifest.labels, manifest.groups, split, about.group_kind)
    network = _network(predictions, [baseline.part for baseline in baselines])
    stage("near copies")
    checks = [
        check_overlap(frame, about.group_kind),
        check_duplicates(near_duplicates(features, manifest.groups, split), len(frame)),
        check_baselines(baselines, {part: metrics["auc"] for part, metrics in network.items()}),
        check_levels(predictions, about.threshold),
    ]
    rows: tuple[Localisation, ...] = ()
    if predictor is not None and predictions.heat is not None and labels.size:
        stage("asking the network about changed slices")
        probes, lesions, exact = run_probes(predictor, manifest, predictions, progress)
        stage("heat maps against lesions")
        rows = _localisation(predictions, probes, lesions, exact)
        sampled = predictions.frame["label"].to_numpy()[probes.rows]
        checks += check_parts(sampled, probes.intact, probes.parts)
        checks.append(check_occlusion(probes.intact[probes.boxed], probes.covered, probes.elsewhere))
        checks.append(check_heat({row.name: row.peak_in_box for row in rows}))
    table = baseline_table(baselines, network).astype(object)
    table = table.where(table.notna(), None)
    return Audit(
        tuple(checks),
        verdict(checks, headline),
        tuple({str(key): value for key, value in row.items()} for row in table.to_dict("records")),
        tuple(_row_json(row) for row in rows),
    )


def _network(predictions: Predictions, parts: list[str]) -> dict[str, dict[str, Metric]]:
    """The network's metrics on every part a baseline was judged on; "out of fold" stands for all slices."""
    frame, about = predictions.frame[predictions.accepted], predictions.about
    split = frame["split"].to_numpy(dtype=str) if "split" in frame.columns else np.full(len(frame), "")
    result = {}
    for part in dict.fromkeys(parts):
        rows = frame if part == "out of fold" else frame[split == part]
        groups = None if about.group_kind == "file" else rows["group"]
        result[part] = summarise(
            rows["label"], rows["probability"], groups, about.threshold, about.group_kind, resamples=1000
        )
    return result


def _localisation(
    predictions: Predictions, probes: Probes, lesions: dict[int, Any], exact: bool
) -> tuple[Localisation, ...]:
    """Each kind of map on the same bleeds; occlusion on the first of them only, and beside it the map on those."""
    if predictions.heat is None or not probes.boxed.size:
        return ()
    size = int(predictions.about.preparation["size"])
    rows = probes.rows[probes.boxed]
    lesion = [lesions[int(row)] for row in rows]
    groups = predictions.frame["group"].to_numpy(dtype=str)[rows]
    kind = predictions.about.group_kind
    kinds: list[tuple[str, list[Any]]] = [
        ("heat map", [enlarged(predictions.heat[row], size) for row in rows]),
        ("same map, weights shuffled", maps_at(probes.random_heat, size)),
        ("guess at the centre of the head", [centre_guess(size)] * len(rows)),
    ]
    found = [localise(name, maps, lesion, groups, kind, exact) for name, maps in kinds]
    n = len(probes.occlusion_heat)
    if n and probes.occlusion_heat.shape[1] > 1:
        maps = maps_at(probes.occlusion_heat, size)
        found.append(localise(f"occlusion ({n} bleeds)", maps, lesion[:n], groups[:n], kind, exact))
        found.append(localise(f"heat map, on those {n}", kinds[0][1][:n], lesion[:n], groups[:n], kind, exact))
    called = predictions.frame["probability"].to_numpy()[rows] >= predictions.about.threshold
    if called.any():
        keep = np.flatnonzero(called)
        found.insert(
            1,
            localise(
                "heat map, bleeds it calls",
                [kinds[0][1][i] for i in keep],
                [lesion[i] for i in keep],
                groups[keep],
                kind,
                exact,
            ),
        )
    return tuple(found)


def _row_json(row: Localisation) -> dict[str, Any]:
    return {
        "name": row.name,
        "peak_in_box": row.peak_in_box.to_json(),
        "mass_in_box": row.mass_in_box.to_json(),
        "iou": row.iou.to_json(),
    }
