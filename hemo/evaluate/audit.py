"""The whole shortcut audit of one table, run once and kept beside it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemo.atomic import write_json_atomically
from hemo.data.manifest import Manifest
from hemo.evaluate.baselines import extract_features, judge_baselines, random_label_memory
from hemo.evaluate.intervals import summarise
from hemo.evaluate.localisation import CENTRE, Localisation, centre_guess, enlarged, localise
from hemo.evaluate.map_kinds import OWN
from hemo.evaluate.metrics import IntArray, Metric
from hemo.evaluate.predictions import Predictions
from hemo.evaluate.probes import lesion_masks, maps_at, run_probes
from hemo.evaluate.random_labels import train_on_random_labels
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
    check_random_labels,
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
        curves: rows of name, erased, revealed: mean scores along the deletion and insertion curves.
        heat_kind: what the network's own heat map is, see `map_kinds.OWN_KINDS`; "" where it is not known.
    """

    checks: tuple[Check, ...]
    verdict: str
    baselines: tuple[dict[str, Any], ...]
    localisation: tuple[dict[str, Any], ...]
    curves: tuple[dict[str, Any], ...] = ()
    heat_kind: str = ""

    def save(self, folder: Path) -> None:
        """Keep it beside its table."""
        write_json_atomically(folder / FILE, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> "Audit | None":
        """The audit kept in `folder`, or None."""
        try:
            values = json.loads((folder / FILE).read_text("utf-8"))
            checks = tuple(Check(**check) for check in values["checks"])
            rows = {name: tuple(values.get(name, ())) for name in ("baselines", "localisation", "curves")}
            return cls(checks, values["verdict"], **rows, heat_kind=str(values.get("heat_kind", "")))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def run_audit(
    predictions: Predictions,
    manifest: Manifest,
    predictor: "Predictor | None",
    cache_dir: Path,
    stage: Stage = lambda name: None,
    progress: Progress | None = None,
    train: bool = True,
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
        train: also train a small network on random labels, which takes up to two and a half minutes.
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
    stage("training on random labels")
    trained = train_on_random_labels(manifest, progress) if train else "not asked for"
    stage("near copies")
    overlap = check_overlap(frame, about.group_kind)
    checks = [
        overlap,
        check_random_labels(random_label_memory(features, manifest.groups), overlap, about.group_kind, trained),
        check_duplicates(near_duplicates(features, manifest.groups, split), len(frame)),
        check_baselines(baselines, {part: metrics["auc"] for part, metrics in network.items()}),
        check_levels(predictions, about.threshold),
    ]
    rows: tuple[Localisation, ...] = ()
    curves: tuple[dict[str, Any], ...] = ()
    if predictor is None and predictions.heat is not None and labels.size:
        stage("heat maps against lesions")
        bleeds = np.flatnonzero(predictions.accepted & (predictions.frame["label"] == 1).to_numpy(dtype=bool))
        lesions, exact = lesion_masks(predictions, manifest, [int(row) for row in bleeds])
        marked = np.array([row for row in bleeds if int(row) in lesions and lesions[int(row)].any()], np.int64)
        rows = _localisation(predictions, marked, lesions, exact, {})
        checks.append(check_heat({row.name: row.peak_in_box for row in rows}))
    elif predictor is not None and predictions.heat is not None and labels.size:
        stage("asking the network about changed slices")
        probes, lesions, exact = run_probes(predictor, manifest, predictions, progress)
        stage("heat maps against lesions")
        rows = _localisation(predictions, probes.rows[probes.boxed], lesions, exact, probes.maps)
        curves = tuple(
            {"name": name, "erased": list(probes.erased[name]), "revealed": list(probes.revealed[name])}
            for name in probes.erased
        )
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
        curves,
        "" if predictor is None else predictor.heat_kind,
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
    predictions: Predictions, rows: IntArray, lesions: dict[int, Any], exact: bool, others: Mapping[str, Any]
) -> tuple[Localisation, ...]:
    """Each kind of map on the same bleeds.

    Args:
        predictions: the table, with maps.
        rows: positions of the bleeds with a lesion marked.
        lesions: by position, in the prepared image.
        exact: lesions are masks.
        others: name → maps of further kinds, of the first of `rows`; a kind that covers fewer bleeds is named so, and
            the table's own map stands beside it on those alone.
    """
    if predictions.heat is None or not rows.size:
        return ()
    size = int(predictions.about.preparation["size"])
    lesion = [lesions[int(row)] for row in rows]
    groups = predictions.frame["group"].to_numpy(dtype=str)[rows]
    own = [enlarged(predictions.heat[row], size) for row in rows]

    def judge(name: str, maps: Sequence[Any], keep: Sequence[int]) -> Localisation:
        chosen = [lesion[i] for i in keep]
        return localise(name, maps, chosen, groups[list(keep)], predictions.about.group_kind, exact)

    everything = range(len(rows))
    found = [judge(OWN, own, everything)]
    called = predictions.frame["probability"].to_numpy()[rows] >= predictions.about.threshold
    if called.any():
        keep = [int(i) for i in np.flatnonzero(called)]
        found.append(judge("heat map, bleeds it calls", [own[i] for i in keep], keep))
    found.append(judge(CENTRE, [centre_guess(size)] * len(rows), everything))
    for name, heat in others.items():
        n = len(heat)
        if not n or heat.shape[1] < 2:
            continue
        covers = n == len(rows)
        found.append(judge(name if covers else f"{name} ({n} bleeds)", maps_at(heat, size), range(n)))
        if not covers and f"heat map, on those {n}" not in {each.name for each in found}:
            found.append(judge(f"heat map, on those {n}", own[:n], range(n)))
    return tuple(found)


def _row_json(row: Localisation) -> dict[str, Any]:
    return {
        "name": row.name,
        "peak_in_box": row.peak_in_box.to_json(),
        "mass_in_box": row.mass_in_box.to_json(),
        "iou": row.iou.to_json(),
    }
