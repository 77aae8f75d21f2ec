"""Trivial baselines: what a rule without any notion of blood scores on the same slices.

Mean grey level, size of the picture, a 16×16 thumbnail and the place in the series, each through a logistic
regression. They are fitted on the training part and judged on the others; where a set has no split, out of fold by
patient. A network that does not beat them has learned what they have.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemo.atomic import write_atomically
from hemo.data.manifest import Manifest
from hemo.errors import HemoError
from hemo.evaluate.intervals import summarise
from hemo.evaluate.metrics import FloatArray, IntArray, Metric, auc, group_codes
from hemo.evaluate.operating_point import fit_threshold

THUMBNAIL = 16
FEATURES_VERSION = 1
BASELINES = {
    "mean grey": "the slice's mean grey level",
    "picture size": "rows and columns of the file",
    "slice position": "place of the slice in its series, from first to last",
    "16×16 thumbnail": "the picture shrunk to 16×16, logistic regression",
}
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Features:
    """What the baselines see of each slice.

    Args:
        mean_grey: float32 (N,), NaN where the slice cannot be read.
        size: float32 (N, 2), rows and columns.
        position: float32 (N,), 0 for the first slice of its group and 1 for the last; 0.5 for a single one.
        thumbnail: float32 (N, 256) in [0, 1].
    """

    mean_grey: NDArray[np.float32]
    size: NDArray[np.float32]
    position: NDArray[np.float32]
    thumbnail: NDArray[np.float32]

    @property
    def readable(self) -> NDArray[np.bool_]:
        """Slices that could be read, bool (N,)."""
        return np.isfinite(self.mean_grey)

    def of(self, name: str) -> FloatArray:
        """Inputs of one baseline, float64 (N, K).

        Raises:
            ValueError: not one of `BASELINES`.
        """
        columns = {
            "mean grey": self.mean_grey[:, None],
            "picture size": self.size,
            "slice position": np.stack([self.position, (self.position - 0.5) ** 2], axis=1),
            "16×16 thumbnail": self.thumbnail,
        }
        if name not in columns:
            raise ValueError(f"expected one of {', '.join(BASELINES)}. Received: {name!r}")
        return columns[name].astype(np.float64)


@dataclass(frozen=True)
class Baseline:
    """One baseline on one part of the set.

    Args:
        name: one of `BASELINES`.
        part: "validation", "test", …, or "out of fold".
        fitted_on: what it learned from.
        metrics: on `part`, at the threshold that is balanced where it was fitted; empty where it cannot be fitted.
        why: why there are no metrics.
    """

    name: str
    part: str
    fitted_on: str
    metrics: dict[str, Metric]
    why: str = ""


def extract_features(manifest: Manifest, cache_dir: Path | None = None, progress: Progress | None = None) -> Features:
    """Read every slice once for the baselines; kept in the cache under the data's fingerprint.

    Args:
        manifest: the data set.
        cache_dir: where to keep the features; None keeps none.
        progress: called with (done, total).
    """
    kept = None if cache_dir is None else cache_dir / f"baseline-{FEATURES_VERSION}-{manifest.fingerprint()[:32]}.npz"
    sources = manifest.frame["path"].to_numpy(dtype=str)
    if kept is not None and kept.is_file():
        stored = np.load(kept)
        order = {source: i for i, source in enumerate(stored["source"])}
        rows = [order[source] for source in sources]
        return Features(*(stored[name][rows] for name in ("mean_grey", "size", "position", "thumbnail")))
    n = len(manifest)
    grey, size = np.full(n, np.nan, np.float32), np.zeros((n, 2), np.float32)
    thumbnail = np.zeros((n, THUMBNAIL * THUMBNAIL), np.float32)

    def one(row: int) -> NDArray[np.uint8] | None:
        try:
            return manifest.read(row).grey()
        except HemoError:
            return None

    with ThreadPoolExecutor(max_workers=2) as pool:
        for row, picture in enumerate(pool.map(one, range(n))):
            if picture is not None:
                grey[row], size[row] = picture.mean(), picture.shape
                small = cv2.resize(picture, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
                thumbnail[row] = small.ravel().astype(np.float32) / 255
            if progress is not None and (row % 32 == 31 or row + 1 == n):
                progress(row + 1, n)
    features = Features(grey, size, positions(manifest.groups), thumbnail)
    if cache_dir is not None and kept is not None:
        cache_dir.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, lambda file: np.savez(file, source=sources, **vars(features)))
    return features


def positions(groups: ArrayLike) -> NDArray[np.float32]:
    """Place of each slice within its group, 0 to 1, in the order of the rows; 0.5 where the group has one slice."""
    codes, n_groups = group_codes(np.asarray(groups))
    counts = np.bincount(codes, minlength=n_groups)
    order = np.argsort(codes, kind="stable")
    rank = np.empty(codes.size, dtype=np.int64)
    rank[order] = np.arange(codes.size) - np.repeat(np.cumsum(counts) - counts, counts)
    last = counts[codes] - 1
    return np.where(last > 0, rank / np.maximum(last, 1), 0.5).astype(np.float32)


def _fit(inputs: FloatArray, labels: IntArray) -> Callable[[FloatArray], FloatArray]:
    """Logistic regression on standardised inputs, bleeds and normals weighted alike."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    strength = 1.0 if inputs.shape[1] < 10 else 0.01  # 256 pixels need holding back, two numbers do not
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000, class_weight="balanced"))
    model.fit(inputs, labels)
    return lambda rows: np.asarray(model.predict_proba(rows)[:, 1])


def out_of_fold(
    inputs: FloatArray, labels: IntArray, groups: NDArray[np.str_], k: int = 5, seed: int = 0
) -> FloatArray:
    """A baseline's scores (N,), each from a fit without the slice's group; NaN where no fit was possible."""
    codes, n_groups = group_codes(groups)
    fold_of = np.random.default_rng(seed).permutation(n_groups) % min(k, n_groups)
    fold = fold_of[codes]
    scores = np.full(labels.size, np.nan)
    for number in range(fold.max() + 1):
        train = fold != number
        if train.any() and labels[train].min() != labels[train].max():
            scores[~train] = _fit(inputs[train], labels[train])(inputs[~train])
    return scores


def random_label_memory(
    features: Features, groups: ArrayLike, most: int = 4000, repeats: int = 3, k: int = 5, seed: int = 0
) -> tuple[float, float] | None:
    """How well labels that mean nothing can be remembered: AUC with a split by slice, and with one by group.

    Every group gets a random label, and the nearest thumbnails of the other folds vote. Nothing can be learned, so what
    a split by slice shows above 0.5 is memory of the group (Yagis et al., Sci Rep 2021, s41598-021-01681-w).

    Args:
        features: of all slices.
        groups: (N,).
        most: slices compared, a sample of more.
        repeats: draws of the labels, averaged.
        k: neighbours that vote, and folds.
        seed: of the draws.

    Returns:
        AUC by slice and by group; None with fewer than ten groups or hardly a slice a group.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(np.flatnonzero(features.readable))[:most]
    codes, n_groups = group_codes(np.asarray(groups, dtype=str)[rows]) if rows.size else (rows, 0)
    if n_groups < 10 or rows.size < 3 * n_groups:
        return None
    thumbs = features.thumbnail[rows] - features.thumbnail[rows].mean(axis=1, keepdims=True)
    thumbs = thumbs / np.maximum(np.linalg.norm(thumbs, axis=1, keepdims=True), 1e-9)
    alike = (thumbs @ thumbs.T).astype(np.float32)
    found: list[tuple[float, float]] = []
    for _ in range(repeats):
        label = (rng.permutation(n_groups) % 2)[codes]
        by_slice, by_group = rng.integers(0, k, rows.size), (rng.permutation(n_groups) % k)[codes]
        values = [auc(label, _votes(alike, label, fold, k)).value for fold in (by_slice, by_group)]
        if None not in values:
            found.append((float(values[0] or 0), float(values[1] or 0)))
    if not found:
        return None
    first, second = np.mean(found, axis=0)
    return float(first), float(second)


def _votes(alike: NDArray[np.float32], label: IntArray, fold: IntArray, k: int) -> FloatArray:
    """Share of the k nearest slices of other folds that carry the label, float64 (N,)."""
    votes = np.empty(label.size)
    for number in np.unique(fold):
        here, others = fold == number, np.flatnonzero(fold != number)
        near = np.argpartition(-alike[np.ix_(here, others)], min(k, others.size - 1), axis=1)[:, :k]
        votes[here] = label[others][near].mean(axis=1)
    return votes


def judge_baselines(
    features: Features,
    labels: ArrayLike,
    groups: ArrayLike,
    split: ArrayLike,
    group_kind: str = "patient",
    resamples: int = 1000,
    seed: int = 0,
) -> list[Baseline]:
    """Every baseline on every part that it was not fitted on.

    Args:
        features: of all slices.
        labels: (N,) of 0 and 1.
        groups: (N,).
        split: (N,) "train", "validation", "test" or ""; without any "train" the baselines are judged out of fold.
        group_kind: what a group is.
        resamples: of the groups, for the intervals.
        seed: of the folds.
    """
    y, group, part = np.asarray(labels, dtype=np.int64), np.asarray(groups, dtype=str), np.asarray(split, dtype=str)
    good = features.readable
    train = good & (part == "train")
    others = [name for name in ("validation", "test") if (good & (part == name)).any()]
    results: list[Baseline] = []
    for name in BASELINES:
        inputs = features.of(name)
        if np.ptp(inputs[good], axis=0).max(initial=0) == 0:
            where = "out of fold" if not others else others[0]
            results.append(Baseline(name, where, "", {}, "it is the same for every slice"))
        elif train.any() and others:
            results += _by_split(name, inputs, y, group, part, good, group_kind, resamples)
        else:
            results.append(_by_fold(name, inputs[good], y[good], group[good], group_kind, resamples, seed))
    return results


def _by_split(
    name: str,
    inputs: FloatArray,
    y: IntArray,
    group: NDArray[np.str_],
    part: NDArray[np.str_],
    good: NDArray[np.bool_],
    kind: str,
    resamples: int,
) -> list[Baseline]:
    train = good & (part == "train")
    fitted_on = f"{int(train.sum()):,} training slices"
    judged = [each for each in ("validation", "test") if (good & (part == each)).any()]
    if y[train].min() == y[train].max():
        return [Baseline(name, each, fitted_on, {}, "the training part holds one class only") for each in judged]
    score = _fit(inputs[train], y[train])
    threshold = fit_threshold(y[train], score(inputs[train]))
    results = []
    for each in judged:
        rows = good & (part == each)
        groups = None if kind == "file" else group[rows]
        metrics = summarise(y[rows], score(inputs[rows]), groups, threshold, kind, resamples)
        results.append(Baseline(name, each, fitted_on, metrics))
    return results


def _by_fold(
    name: str, inputs: FloatArray, y: IntArray, group: NDArray[np.str_], kind: str, resamples: int, seed: int
) -> Baseline:
    fitted_on = f"the other folds, split by {'image' if kind == 'file' else kind}"
    if np.unique(group).size < 2 or y.min() == y.max():
        return Baseline(name, "out of fold", fitted_on, {}, "there are not two groups or not two classes")
    scores = out_of_fold(inputs, y, group, seed=seed)
    if not np.isfinite(scores).all():
        return Baseline(name, "out of fold", fitted_on, {}, "a fold's training part holds one class only")
    metrics = summarise(y, scores, None if kind == "file" else group, fit_threshold(y, scores), kind, resamples)
    return Baseline(name, "out of fold", fitted_on, metrics)
