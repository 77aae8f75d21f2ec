"""The shortcut audit: what could explain the figures without any blood, checked one by one, and a plain verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from hemo.evaluate.baselines import BASELINES, Baseline, Features
from hemo.evaluate.intervals import summarise
from hemo.evaluate.localisation import CENTRE
from hemo.evaluate.map_kinds import OWN, shuffled
from hemo.evaluate.metrics import FloatArray, Metric, auc
from hemo.evaluate.predictions import Predictions
from hemo.evaluate.random_labels import RandomLabels

NEAR = 0.995
"""Correlation of two thumbnails, borders included, above which slices of different groups are near duplicates."""
_MOST_COMPARED = 6000

LEVELS = ("pass", "warn", "fail", "unknown")


@dataclass(frozen=True)
class Check:
    """One check of the audit.

    Args:
        name: a few words.
        level: "pass", "warn", "fail", or "unknown" where it could not be made.
        finding: one sentence with the figures.
        why: why it matters, one sentence.
    """

    name: str
    level: str
    finding: str
    why: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def check_overlap(frame: pd.DataFrame, kind: str) -> Check:
    """Whether a patient or series stands on two sides of the split."""
    why = "Neighbouring slices of one patient are near copies: a model that saw one has nearly seen the other."
    name = "Patients on two sides of the split"
    if "split" not in frame.columns or frame["split"].replace("", np.nan).dropna().nunique() < 2:
        return Check(name, "unknown", "The set has no split to check.", why)
    if kind == "file":
        return Check(name, "unknown", "Patients are unknown, so nobody can tell.", why)
    named = frame[frame["split"] != ""]
    sides = named.groupby("group")["split"].nunique()
    shared = sides[sides > 1].index
    if not len(shared):
        return Check(name, "pass", f"None of {len(sides)} {kind} groups stands on two sides.", why)
    slices = int(named["group"].isin(shared).sum())
    return Check(
        name, "fail", f"{len(shared)} of {len(sides)} {kind} groups, {slices} slices, stand on two sides.", why
    )


def near_duplicates(
    features: Features, groups: ArrayLike, split: ArrayLike, near: float = NEAR, seed: int = 0
) -> pd.DataFrame:
    """Pairs of slices of different groups that look alike.

    Args:
        features: of the slices.
        groups: (N,).
        split: (N,), "" where there is none.
        near: correlation of the 16×16 thumbnails from which a pair counts.
        seed: above 6,000 slices a sample of that size is compared.

    Returns:
        columns first, second (row numbers), correlation, across (whether the pair stands on two sides of the split).
    """
    rows = np.flatnonzero(features.readable)
    if rows.size > _MOST_COMPARED:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:_MOST_COMPARED])
    group, side = np.asarray(groups, dtype=str)[rows], np.asarray(split, dtype=str)[rows]
    thumb = features.thumbnail[rows] - features.thumbnail[rows].mean(axis=1, keepdims=True)
    norm = np.linalg.norm(thumb, axis=1)
    unit = thumb / np.maximum(norm, 1e-9)[:, None]
    found: list[tuple[int, int, float, bool]] = []
    for start in range(0, rows.size, 512):
        alike = unit[start : start + 512] @ unit.T
        first, second = np.nonzero(alike >= near)
        for i, j in zip(first + start, second, strict=True):
            if i < j and group[i] != group[j] and norm[i] > 0.1:
                across = bool(side[i] != side[j] and side[i] and side[j])
                found.append((int(rows[i]), int(rows[j]), float(alike[i - start, j]), across))
    return pd.DataFrame(found, columns=["first", "second", "correlation", "across"])


def check_duplicates(pairs: pd.DataFrame, n: int) -> Check:
    """Whether near copies stand on two sides of the split or under two names."""
    name, why = "Near copies", "A slice that stands on both sides of a split under two names tests memory, not reading."
    across = int(pairs["across"].sum()) if len(pairs) else 0
    if across:
        return Check(name, "fail", f"{across} pairs of near copies stand on two sides of the split.", why)
    if len(pairs):
        touched = len(set(pairs["first"]) | set(pairs["second"]))
        level = "warn" if touched > 0.02 * n else "pass"
        return Check(
            name, level, f"{touched} of {n} slices look like a slice of another group; none across a split.", why
        )
    return Check(name, "pass", f"No two groups share a near copy among {n} slices.", why)


def check_random_labels(
    memory: tuple[float, float] | None, overlap: Check, kind: str, trained: RandomLabels | str = ""
) -> Check:
    """What labels that mean nothing would score on this set, split by slice and split by group.

    Args:
        memory: see `baselines.random_label_memory`.
        overlap: the check of the set's own split: with groups on two sides, memory is what its figures may rest on.
        kind: what a group is.
        trained: what a network trained on such labels reached, or why none was; see `random_labels`.
    """
    name = "Random labels"
    why = "A split by slice rewards memory: whatever it shows above the split by group is no reading."
    if memory is None or kind == "file":
        return Check(name, "unknown", "There are too few groups, or too few slices in each.", why)
    by_slice, by_group = memory
    finding = (
        f"With a random label for each {kind}, the nearest thumbnails reach AUC {by_slice:.2f} split by slice and "
        f"{by_group:.2f} split by {kind}"
    )
    if isinstance(trained, RandomLabels):
        finding += (
            f"; a small network trained on such labels for {trained.epochs} epochs, {trained.by_slice:.2f} and "
            f"{trained.by_group:.2f} on {trained.n[0]} and {trained.n[1]} held-out slices, the latter of "
            f"{trained.n_groups} groups"
        )
    finding += "."
    if overlap.level == "fail":
        return Check(name, "fail", f"{finding} This set's own split is of the first sort.", why)
    return Check(name, "pass", finding, why)


def check_baselines(baselines: Sequence[Baseline], network: Mapping[str, Metric]) -> Check:
    """Whether the network is worth more than rules without any notion of blood.

    Args:
        baselines: judged on parts of the set.
        network: the network's AUC on each of those parts, by the part's name.
    """
    name, why = "Trivial baselines", "What a mean grey level can tell apart was not learned from blood."
    judged = [
        (b, m, network[b.part])
        for b in baselines
        if (m := b.metrics.get("auc")) is not None and m.value is not None and b.part in network
    ]
    pairs = [
        (b, float(m.value), float(own.value)) for b, m, own in judged if m.value is not None and own.value is not None
    ]
    if not pairs:
        return Check(name, "unknown", "No baseline could be judged on a part that the network was judged on.", why)
    baseline, theirs, ours = min(pairs, key=lambda each: each[2] - max(each[1], 1 - each[1]))
    best = max(theirs, 1 - theirs)
    turned = f", as telling as {best:.3f} the other way round," if theirs < 0.5 else ""
    where = _part(baseline.part)
    finding = f"The most telling, {baseline.name}, has AUC {theirs:.3f}{turned} on {where}; the network {ours:.3f}."
    if best >= ours - 0.02:
        return Check(name, "fail", finding, why)
    return Check(name, "warn" if best >= 0.85 else "pass", finding, why)


def _part(part: str) -> str:
    """A part of the set in a sentence."""
    return "slices out of fold" if part == "out of fold" else f"the {part} part"


def check_levels(predictions: Predictions, threshold: float, resamples: int = 500) -> Check:
    """Whether the figure survives on brain-level slices alone, where anatomy no longer tells."""
    name = "Level in the head"
    why = "Bleeds lie mid-head, bleed-free slices include neck and vertex: a model can score by anatomy alone."
    frame = predictions.frame[predictions.accepted]
    if "brain_level" not in frame.columns or not (frame["brain_level"] == "brain").any():
        return Check(name, "unknown", "The set does not say at which level its slices lie.", why)
    part = frame[frame["brain_level"] == "brain"]
    inner, whole = (auc(rows["label"], rows["probability"]) for rows in (part, frame))
    if inner.value is None or whole.value is None:
        return Check(name, "unknown", f"On brain-level slices AUC is {inner.why or whole.why}.", why)
    interval = summarise(
        part["label"], part["probability"], part["group"], threshold, predictions.about.group_kind, resamples
    )["auc"]
    finding = f"AUC {interval.text()} on {len(part)} brain-level slices alone, {whole.value:.3f} on all {len(frame)}."
    fall = whole.value - inner.value
    return Check(name, "fail" if fall > 0.1 else "warn" if fall > 0.04 else "pass", finding, why)


def check_parts(labels: ArrayLike, intact: FloatArray, parts: Mapping[str, FloatArray]) -> list[Check]:
    """What the network still scores with the skull only, the outline only, the brain only.

    Args:
        labels: (n,) of the sample.
        intact: (n,) probabilities as they were.
        parts: probe → (n,) probabilities.
    """
    whole = auc(labels, intact).value
    checks = []
    for part, scores in parts.items():
        value = auc(labels, scores).value
        if whole is None or value is None:
            checks.append(Check(part.capitalize(), "unknown", "The sample holds one class only.", ""))
            continue
        finding = f"AUC {value:.3f} with the {part}, {whole:.3f} on the same {len(scores)} slices intact."
        if part == "brain only":
            level = "pass" if value >= whole - 0.1 else "warn"
            why = "The blood is inside the skull: most of the figure should remain."
        else:
            level = "pass" if value < 0.65 else "warn" if value < whole - 0.1 else "fail"
            why = "There is no blood in what is left: little of the figure should remain."
        checks.append(Check(part.capitalize(), level, finding, why))
    return checks


def check_occlusion(intact: FloatArray, covered: FloatArray, elsewhere: FloatArray) -> Check:
    """Whether covering the lesion costs more than covering an equal area elsewhere; (b,) probabilities each."""
    name = "Lesion covered"
    why = "If the score rests on the bleed, painting the bleed over must cost more than painting over anything else."
    if not len(covered):
        return Check(name, "unknown", "The set marks no lesions.", why)
    fall, other = float(np.mean(intact - covered)), float(np.mean(intact - elsewhere))
    finding = (
        f"On {len(covered)} bleeds the score falls by {fall:.3f} with the lesion covered and by {other:.3f} with as "
        "much covered elsewhere."
    )
    level = "pass" if fall > 2 * max(other, 0.02) else "warn" if fall > max(other, 0.02) else "fail"
    return Check(name, level, finding, why)


def check_heat(rates: Mapping[str, Metric]) -> Check:
    """Whether the heat map finds lesions more often than its controls; rates of the peak in a lesion, by map."""
    name = "Heat map against controls"
    why = "A map that does no better with its weights than with shuffled ones shows the picture, not the network."
    own = rates.get(OWN)
    control_names = (shuffled(OWN), CENTRE)
    controls = {key: metric.value for key, metric in rates.items() if key in control_names and metric.value is not None}
    if own is None or own.value is None or not controls:
        return Check(name, "unknown", "The set marks no lesions.", why)
    best = max(controls, key=lambda key: controls[key])
    gap = own.value - controls[best]
    finding = f"Peak in a lesion on {own.text(2)} of {own.n} bleeds; {best}: {controls[best]:.2f}."
    return Check(name, "pass" if gap > 0.2 else "warn" if gap > 0.05 else "fail", finding, why)


def verdict(checks: Sequence[Check], headline: Metric) -> str:
    """One plain paragraph: what this accuracy rests on."""
    failed = [check for check in checks if check.level == "fail"]
    warned = [check for check in checks if check.level == "warn"]
    known = [check for check in checks if check.level != "unknown"]
    if headline.value is None:
        return f"There is no figure to explain: AUC is {headline.why}."
    if not known:
        return "Nothing could be checked: the set names no patients, no split and no lesions."
    start = f"AUC {headline.text()}: "
    if failed:
        named = "; ".join(check.finding.rstrip(".") for check in failed)
        return start + f"do not take this for reading. {named}."
    if warned:
        named = "; ".join(check.finding.rstrip(".") for check in warned)
        return start + f"no check explains it away, but read it with care. {named}."
    return start + f"none of the {len(known)} checks that could be made explains it without the bleed."


def baseline_table(baselines: Sequence[Baseline], network: Mapping[str, dict[str, Metric]]) -> pd.DataFrame:
    """Baselines and the network, one row a rule and part: rule, part, n, AUC, accuracy, sensitivity, specificity."""
    rows: list[dict[str, Any]] = []
    for part, metrics in network.items():
        rows.append({"rule": "network", "part": part, "what": "the chosen model"} | _shown(metrics))
    for baseline in baselines:
        row = {"rule": baseline.name, "part": baseline.part, "what": BASELINES[baseline.name]}
        rows.append(row | (_shown(baseline.metrics) if baseline.metrics else {"note": f"none: {baseline.why}"}))
    return pd.DataFrame(rows)


def _shown(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    keep = ("auc", "accuracy", "sensitivity", "specificity")
    return {"n": metrics["auc"].n} | {name: metrics[name].value for name in keep} | {"note": metrics["auc"].why}
