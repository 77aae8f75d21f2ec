"""What a network learns when there is nothing to learn: a random label for each patient, two ways to split.

Zhang et al., ICLR 2017, trained on random labels to show what a network can memorise; Yagis et al., Sci Rep 2021
(s41598-021-01681-w), that a split by slice passes such memory for skill: 96 % on labels that meant nothing. Here a
small network is trained twice on the same slices with the same random labels. What it reaches on held-out slices of
patients that it has seen, above what it reaches on patients that it has not, is memory.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemo.ct.preparation import Preparation
from hemo.data.manifest import Manifest
from hemo.errors import HemoError
from hemo.evaluate.metrics import auc, group_codes
from hemo.model.random_label_fit import EPOCHS, SECONDS, SIZE, fit_and_score

Progress = Callable[[int, int], None]
MIN_GROUPS, A_GROUP, MOST_GROUPS = 10, 16, 100
HELD_OUT = 0.25


@dataclass(frozen=True)
class RandomLabels:
    """AUC against labels that mean nothing, on slices held out of training.

    Args:
        by_slice: split by slice: the patients of the held-out slices were seen in training.
        by_group: split by patient: they were not.
        n: slices held out, in each split.
        n_groups: patients or series held out in the split by group.
        epochs: passes over the training slices, the fewer of the two.
    """

    by_slice: float
    by_group: float
    n: tuple[int, int]
    n_groups: int
    epochs: int


def train_on_random_labels(
    manifest: Manifest,
    progress: Progress | None = None,
    epochs: int = EPOCHS,
    seconds: float = SECONDS,
    seed: int = 0,
) -> RandomLabels | str:
    """Train twice and judge.

    Args:
        manifest: the data set; up to 16 slices of up to 100 patients or series are taken.
        progress: called with (seconds gone, seconds at most).
        epochs: of each training, at most.
        seconds: of each training, at most.
        seed: of the sample, the labels and the splits.

    Returns:
        the figures, or the sentence why there are none.
    """
    rng = np.random.default_rng(seed)
    if manifest.group_kind == "file":
        return "Patients are unknown: a random label for each patient cannot be drawn."
    rows = _sample(manifest.groups, rng)
    images, good = _images(manifest, rows)
    codes, n_groups = group_codes(manifest.groups[rows[good]]) if good.any() else (rows, 0)
    if n_groups < MIN_GROUPS or len(images) < 3 * n_groups:
        return f"There are too few groups ({n_groups}), or too few slices in each."
    drawn = rng.permutation(n_groups) % 2
    labels = drawn[codes]
    group_held = np.zeros(n_groups, dtype=bool)
    for label in (0, 1):
        members = rng.permutation(np.flatnonzero(drawn == label))
        group_held[members[: max(1, round(HELD_OUT * members.size))]] = True
    ways = (rng.random(len(images)) < HELD_OUT, group_held[codes])
    values, passes = [], []
    for number, held in enumerate(ways):

        def step(done: int, total: int, before: int = number) -> None:
            if progress is not None:
                progress(before * total + done, 2 * total)

        fitted = fit_and_score(images[~held], labels[~held], images[held], step, epochs, seconds, seed)
        found = auc(labels[held], fitted.logit).value
        if found is None:
            return "The held-out slices carry one random label only."
        values.append(found)
        passes.append(fitted.epochs)
    return RandomLabels(
        values[0], values[1], (int(ways[0].sum()), int(ways[1].sum())), int(group_held.sum()), min(passes)
    )


def _sample(groups: NDArray[np.str_], rng: np.random.Generator) -> NDArray[np.int64]:
    """At most `A_GROUP` slices of each of at most `MOST_GROUPS` groups."""
    names = rng.permutation(np.unique(groups))[:MOST_GROUPS]
    parts = [rng.permutation(np.flatnonzero(groups == name))[:A_GROUP] for name in names]
    return np.sort(np.concatenate(parts)).astype(np.int64)


def _images(manifest: Manifest, rows: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The slices of these rows, prepared small, and which of them could be read."""
    preparation = Preparation("head", SIZE)

    def one(row: int) -> NDArray[np.uint8] | None:
        try:
            return preparation.apply(manifest.read(int(row))).image
        except HemoError:
            return None

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        found = list(pool.map(one, rows))
    good = np.array([image is not None for image in found], dtype=bool)
    kept = [image for image in found if image is not None]
    return (np.stack(kept) if kept else np.zeros((0, SIZE, SIZE), np.uint8)), good
