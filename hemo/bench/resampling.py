"""Patient resampling: Hemo's one sweep against the plain loop over scikit-learn's functions."""

import time

import numpy as np

from hemo.bench.ratio import Ratio, interleaved
from hemo.errors import HemoError
from hemo.evaluate.intervals import bootstrap, draw_counts
from hemo.evaluate.metrics import ECE_BINS, FloatArray

TOLERANCE = 1e-9


def synthetic_table(n: int = 2501, n_groups: int = 82, seed: int = 0) -> tuple[np.ndarray, FloatArray, np.ndarray]:
    """Labels, probabilities and groups shaped like CT-ICH: 82 patients, about one slice in eight with a bleed.

    Probabilities are rounded to three places, so that there are ties.
    """
    rng = np.random.default_rng(seed)
    groups = np.sort(rng.integers(0, n_groups, n))
    has_bleed = rng.random(n_groups) < 0.45
    labels = (has_bleed[groups] & (rng.random(n) < 0.28)).astype(np.int64)
    logits = rng.normal(-2.5, 1.2, n) + 4.0 * labels + rng.normal(0, 0.7, n_groups)[groups]
    return labels, np.round(1 / (1 + np.exp(-logits)), 3), groups


def plain_loop(
    labels: np.ndarray, probabilities: FloatArray, groups: np.ndarray, threshold: float, counts: np.ndarray
) -> dict[str, FloatArray]:
    """The same figures by a loop over resamples and scikit-learn's functions, the way scripts do it."""
    from sklearn import metrics

    members = [np.flatnonzero(groups == group) for group in dict.fromkeys(groups.tolist())]
    rows: list[dict[str, float]] = []
    for draw in counts:
        index = np.concatenate([np.tile(members[g], k) for g, k in enumerate(draw) if k])
        y, p = labels[index], probabilities[index]
        call = (p >= threshold).astype(int)
        bins = np.minimum((p * ECE_BINS).astype(int), ECE_BINS - 1)
        gaps = [abs(y[bins == b].mean() - p[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
        rows.append(
            {
                "auc": metrics.roc_auc_score(y, p),
                "average_precision": metrics.average_precision_score(y, p),
                "accuracy": metrics.accuracy_score(y, call),
                "sensitivity": metrics.recall_score(y, call),
                "specificity": metrics.recall_score(y, call, pos_label=0),
                "ppv": metrics.precision_score(y, call),
                "npv": metrics.precision_score(y, call, pos_label=0),
                "log_loss": metrics.log_loss(y, p, labels=[0, 1]),
                "brier": metrics.brier_score_loss(y, p),
                "ece": float(np.sum(gaps)),
            }
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def run(resamples: int = 2000, loop_resamples: int = 100) -> list[Ratio]:
    """Time both on the same draws.

    Args:
        resamples: of the sweep.
        loop_resamples: of the plain loop, whose time is scaled up to `resamples`; each costs the same.

    Raises:
        HemoError: a figure of a resample differs from scikit-learn's by more than 1e-9.
    """
    labels, probabilities, groups = synthetic_table()
    counts = draw_counts(np.unique(groups).size, resamples)
    sweep = interleaved({"ours": lambda: bootstrap(labels, probabilities, groups, 0.5, counts=counts)}, 5)["ours"]
    plain_loop(labels, probabilities, groups, 0.5, counts[:2])
    start = time.perf_counter()
    theirs = plain_loop(labels, probabilities, groups, 0.5, counts[:loop_resamples])
    loop = (time.perf_counter() - start) * resamples / loop_resamples
    ours = bootstrap(labels, probabilities, groups, 0.5, counts=counts[:loop_resamples])
    difference = max(float(np.abs(ours[name] - theirs[name]).max()) for name in theirs)
    if difference > TOLERANCE:
        raise HemoError(f"Expected scikit-learn's figures to {TOLERANCE}. Received: a difference of {difference}")
    name = f"{resamples:,} resamples of {counts.shape[1]} patients, {len(theirs)} metrics, {labels.size:,} slices"
    return [Ratio.at_least(name, "a loop over scikit-learn's functions", loop, sweep, 50)]
