"""A few validation slices, scored with their heat maps after every epoch: how a network learns where to look."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from hemo.atomic import write_atomically
from hemo.model.callbacks import Watcher
from hemo.model.card import DEFAULT_HEAT_SCALE

if TYPE_CHECKING:
    from hemo.model.predictor import TracedNetwork
    from hemo.model.training_data import TrainingData

SAMPLES_PER_CLASS = 3
_IMAGES = "slices.npz"


@dataclass(frozen=True)
class Samples:
    """The chosen slices as one epoch saw them.

    Args:
        epoch: from 1.
        names: of the slices.
        labels: int (n,), 0 normal, 1 hemorrhage.
        images: uint8 (n, S, S), prepared.
        probability: float32 (n,), uncalibrated.
        heat: float32 (n, h, w) in [0, 1], on one scale over all epochs.
    """

    epoch: int
    names: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    images: npt.NDArray[np.uint8]
    probability: npt.NDArray[np.float32]
    heat: npt.NDArray[np.float32]


class KeepSamples(Watcher):
    """Writes what the network says of the samples after each epoch.

    Args:
        network: the network in training, traced with its heat map.
        data: prepared and split.
        rows: which slices, see `choose_rows`.
        folder: where to; made if absent.
    """

    def __init__(
        self, network: "TracedNetwork", data: "TrainingData", rows: npt.NDArray[np.int64], folder: Path
    ) -> None:
        self._network = network
        self._images = np.ascontiguousarray(data.images[rows])
        self._labels = data.labels[rows]
        self._names = [str(name) for name in data.manifest.frame["path"].iloc[rows]]
        self._folder = folder

    def on_epoch_end(self, model: Any, epoch: int, logs: dict[str, float]) -> None:
        """Score the samples and keep scores and heat maps.

        Raises:
            OSError: they cannot be written.
        """
        if not len(self._images):
            return
        logit, evidence = self._network.run(self._images)
        scale = 1.0 if self._network.heat_kind == "evidence" else DEFAULT_HEAT_SCALE
        heat = np.round(255 * np.minimum(evidence / np.float32(scale), 1.0)).astype(np.uint8)
        probability = (0.5 * (1.0 + np.tanh(0.5 * logit.astype(np.float64)))).astype(np.float32)
        self._folder.mkdir(parents=True, exist_ok=True)
        if not (self._folder / _IMAGES).exists():
            names = np.frombuffer(json.dumps(self._names).encode(), np.uint8)
            _write(self._folder / _IMAGES, images=self._images, labels=self._labels, names=names)
        _write(self._folder / f"epoch-{epoch + 1:04d}.npz", heat=heat, probability=probability)


def choose_rows(data: "TrainingData", seed: int) -> npt.NDArray[np.int64]:
    """Validation slices to follow: up to `SAMPLES_PER_CLASS` bleeds, then as many normals, of different groups."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(data.rows("validation"))
    groups = data.manifest.groups
    chosen: list[int] = []
    for label in (1, 0):
        candidates = rows[data.labels[rows] == label]
        _, first = np.unique(groups[candidates], return_index=True)
        others = np.setdiff1d(np.arange(len(candidates)), first)
        chosen += candidates[np.concatenate([first, others])][:SAMPLES_PER_CLASS].tolist()
    return np.array(chosen, dtype=np.int64)


def sample_epochs(folder: Path) -> list[int]:
    """Epochs of which samples were kept, ascending."""
    return sorted(int(path.stem.removeprefix("epoch-")) for path in folder.glob("epoch-*.npz"))


def load_samples(folder: Path, epoch: int) -> Samples | None:
    """The samples of one epoch; None where they are absent or damaged. Needs no TensorFlow."""
    try:
        with np.load(folder / _IMAGES) as fixed, np.load(folder / f"epoch-{epoch:04d}.npz") as seen:
            return Samples(
                epoch=epoch,
                names=tuple(json.loads(fixed["names"].tobytes())),
                labels=fixed["labels"],
                images=fixed["images"],
                probability=seen["probability"],
                heat=seen["heat"].astype(np.float32) / 255,
            )
    except (OSError, EOFError, ValueError, KeyError):
        return None


def _write(path: Path, **arrays: npt.NDArray[Any]) -> None:
    def fill(file: BinaryIO) -> None:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    write_atomically(path, fill)
