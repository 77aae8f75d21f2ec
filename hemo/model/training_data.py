"""From a data set and a protocol to the arrays that a run trains and judges on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hemo.ct.preparation import Preparation
from hemo.data.manifest import LABEL_NAMES, Manifest
from hemo.data.prepared import prepared_set
from hemo.data.shards import ShardedImages
from hemo.data.split import check_no_overlap, folds, split_grouped, split_random
from hemo.errors import RunError
from hemo.model.architectures import ARCHITECTURES
from hemo.model.training_config import TrainingConfig

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class TrainingData:
    """Prepared images and who belongs where.

    Args:
        manifest: the set, split under the run's protocol.
        images: uint8 (N, S, S), on disk; row i belongs to the manifest's row i.
        preparation: how they were made.
    """

    manifest: Manifest
    images: ShardedImages | npt.NDArray[np.uint8]
    preparation: Preparation

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Labels, int64 (N,)."""
        return self.manifest.labels

    def rows(self, part: str) -> npt.NDArray[np.int64]:
        """Rows of "train", "validation" or "test", int64 (n,)."""
        return np.flatnonzero(self.manifest.frame["split"].to_numpy(dtype=str) == part)


def preparation_of(config: TrainingConfig) -> Preparation:
    """The architecture's preparation at the run's image size.

    Raises:
        RunError: there is no such architecture.
    """
    if config.architecture not in ARCHITECTURES:
        raise RunError(f"Expected an architecture among {', '.join(ARCHITECTURES)}. Received: {config.architecture!r}")
    return Preparation(kind=ARCHITECTURES[config.architecture].preparation.kind, size=config.image_size)


def split_by_protocol(manifest: Manifest, config: TrainingConfig) -> Manifest:
    """Split under the run's protocol and refuse what could not be trained or judged.

    "grouped" keeps the data set's own split where it names one and otherwise draws patients or series, or holds one
    fold of a cross-validation out as the test part; "published" draws slices.

    Raises:
        SplitOverlapError: under "grouped" a patient or series stands on two sides; names them.
        RunError: a class is missing from training, validation or the fold held out, or the batch is larger than the
            training part.
    """
    if config.protocol == "published":
        result = split_random(manifest, config.validation, config.seed)
    elif config.folds:
        result = _hold_out_fold(manifest, config)
        check_no_overlap(result.frame)
    else:
        shares = {
            "train": 1.0 - config.validation - config.test,
            "validation": config.validation,
            "test": config.test,
        }
        if shares["train"] <= 0:
            raise RunError(
                "Expected something left to train on; lower the shares of validation and test. "
                f"Received: {config.validation:g} and {config.test:g}"
            )
        result = split_grouped(manifest, shares, config.seed)
        check_no_overlap(result.frame)
    check_parts(result, config)
    return result


def _hold_out_fold(manifest: Manifest, config: TrainingConfig) -> Manifest:
    """One fold is the test part, a share of the other groups chooses the epoch, the rest trains.

    The fold chooses nothing, so that its predictions are out of fold in every respect.
    """
    held = folds(manifest, config.folds, config.seed).to_numpy() == config.fold
    for label, count in enumerate(np.bincount(manifest.labels[held], minlength=2)):
        if count == 0:
            raise RunError(
                f"Expected slices of both classes in each of {config.folds} folds; fewer folds or another seed can "
                f"give them. Received: no {LABEL_NAMES[label]} among {int(held.sum())} slices of fold {config.fold + 1}"
            )
    shares = {"train": 1.0 - config.validation, "validation": config.validation}
    others = split_grouped(manifest.subset(~held), shares, config.seed, keep_given=False)
    split = np.full(len(manifest), "test", dtype="<U10")
    split[~held] = others.frame["split"].to_numpy(dtype=str)
    result = manifest.with_split(split)
    result.frame["source_split"] = manifest.frame["split"].to_numpy(dtype=str)
    return result


def assemble(
    manifest: Manifest,
    config: TrainingConfig,
    cache: Path,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingData:
    """Prepare every slice of a split data set, once; later runs read the same files. Unreadable slices are left out.

    Args:
        manifest: split by `split_by_protocol`.
        config: names architecture and image size.
        cache: folder of prepared images.
        progress: called with (done, total).

    Raises:
        RunError: without the unreadable slices a part lacks a class.
    """
    preparation = preparation_of(config)
    prepared = prepared_set(manifest, preparation, cache, progress=progress)
    check_parts(prepared.manifest, config)
    return TrainingData(prepared.manifest, prepared.images, preparation)


def class_weights(labels: npt.NDArray[np.int64]) -> dict[int, float]:
    """Weights inverse to frequency with mean 1 over the slices: n / (2 n_class)."""
    counts = np.bincount(labels, minlength=2)
    return {label: len(labels) / (2.0 * int(count)) for label, count in enumerate(counts)}


def check_parts(manifest: Manifest, config: TrainingConfig) -> None:
    """Refuse a split that cannot be trained on.

    Raises:
        RunError: a class is missing from training or validation, or the batch is larger than the training part.
    """
    labels, split = manifest.labels, manifest.frame["split"].to_numpy(dtype=str)
    for part in ("train", "validation"):
        counts = np.bincount(labels[split == part], minlength=2)
        for label, count in enumerate(counts):
            if count == 0:
                raise RunError(
                    f"Expected slices of both classes in the {part} part; another seed, a larger share or more "
                    f"patients can give them. Received: no {LABEL_NAMES[label]} among {int(counts.sum())} slices"
                )
    n_train = int((split == "train").sum())
    if config.batch > n_train:
        suggestion = max(1, 2 ** int(np.log2(max(n_train // 4, 1))))
        raise RunError(
            f"Expected a batch of at most {n_train}, the number of training slices; try {suggestion}. "
            f"Received: {config.batch}"
        )
