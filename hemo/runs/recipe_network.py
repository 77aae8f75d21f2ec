"""One network of the recipe, in this process or in one of several: a member for a fold, or for all patients.

Two networks side by side with one thread each train a sixth faster than one after the other with two threads: much of
a step is too small to share. Which process trains a network changes nothing of it: a batch depends on seed and step.

A network is trained in two stages: most steps on small images, then fewer on larger ones, where a bleed two or three
millimetres thin is more than two pixels wide. Training on large images from the start would cost twice as much.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hemo.atomic import write_atomically
from hemo.ct.preparation import Preparation
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest
from hemo.data.prepared import prepared_images
from hemo.errors import RunError
from hemo.model.architectures import architecture_named
from hemo.model.architectures.lite0 import build_lite0
from hemo.model.fit_lite0 import Lite0Settings, fit_lite0
from hemo.model.precision import rounded
from hemo.runs.lock import FileLock
from hemo.workspace import Workspace

ALL_PATIENTS = -1
"""Number of the networks that are trained on every fold."""
_LOCK_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Network:
    """What to train, complete enough to be sent to another process.

    Args:
        number: the fold that it does not see, or `ALL_PATIENTS`.
        member: from 0; the members of one fold differ in their seeds.
        data: the data set's folder.
        out: the run's folder, holding folds.csv.
        coarse: settings of the first stage, steps and seed included.
        fine: settings of the second.
    """

    number: int
    member: int
    data: Path
    out: Path
    coarse: Lite0Settings
    fine: Lite0Settings

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{fold_name(self.number)}-{self.member + 1}"

    @property
    def result(self) -> Path:
        """Its weights, and what it alone says of the slices held out; there once it is trained."""
        return self.out / f"{self.name}.npz"

    def load(self) -> Any:
        """The trained network."""
        model = build_lite0(self.fine.size)
        with np.load(self.result) as file:
            model.set_weights([file[f"weight_{index}"] for index in range(len(model.weights))])
        return model


def fold_name(number: int) -> str:
    """Of a fold's files."""
    return "final" if number == ALL_PATIENTS else f"fold{number}"


def train_network(network: Network, fold: np.ndarray, say: Callable[[str], None]) -> None:
    """Train one network, going on from its checkpoint, and write its result.

    Raises:
        RunError: it is being trained by another process.
    """
    folder = network.out / network.name
    with FileLock(folder / ".lock").wait_hold(_LOCK_PATIENCE_SECONDS, {"pid": os.getpid()}) as held:
        if not held:
            raise RunError(f"Expected {network.name} to be free. Received: another process that trains it")
        manifest = import_dataset(network.data)
        model, images = _trained(network, manifest, np.flatnonzero(fold != network.number), say)
        # Rounded before anything is said of them: figures are those of weights as they are shipped.
        model.set_weights([rounded(np.asarray(value)) for value in model.get_weights()])
        held_out = np.asarray(images[np.flatnonzero(fold == network.number)])
        logit = predict_lite0(model, held_out)[0] if len(held_out) else np.empty(0, np.float32)
    weights = {f"weight_{index}": np.asarray(value) for index, value in enumerate(model.get_weights())}
    write_atomically(network.result, lambda file: np.savez(file, logit=logit, **weights))  # type: ignore[arg-type]


def preparation_at(size: int) -> Preparation:
    """From a slice to the input, `size` pixels a side, of a lite0 network."""
    return replace(architecture_named("lite0").preparation, size=size)


def prepared_at(manifest: Manifest, size: int) -> Any:
    """Every slice as a network of this size sees it: uint8 (N, size, size), read from disk where it is used."""
    return prepared_images(manifest, preparation_at(size), Workspace.from_environment().cache)


def _trained(
    network: Network, manifest: Manifest, rows: np.ndarray, say: Callable[[str], None]
) -> tuple[Any, np.ndarray]:
    """The network after both stages, each going on from its checkpoint; and all images as it sees them."""
    model, images = None, np.empty(0)
    for stage, settings in (("coarse", network.coarse), ("fine", network.fine)):
        images = prepared_at(manifest, settings.size)
        model = fit_lite0(
            np.asarray(images[rows]),
            manifest.labels[rows],
            manifest.groups[rows],
            settings,
            network.out / network.name / stage,
            _reporter(f"{network.name} {stage}", settings.steps, say),
            begin_with=model,
        )
    return model, images


def predict_lite0(model: Any, images: np.ndarray, batch: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N,) and evidence maps (N, h, w), float32, of prepared uint8 images (N, S, S)."""
    forward = _forward(model)
    logits, maps = [], []
    for part in _batches(images, batch):
        output = forward(part.astype(np.float32)[..., None] / 255.0)
        logits.append(np.asarray(output["logit"])[:, 0])
        maps.append(np.asarray(output["evidence"])[..., 0])
    return np.concatenate(logits)[: len(images)], np.concatenate(maps)[: len(images)]


def _forward(model: Any) -> Callable[[np.ndarray], Any]:
    import keras

    if keras.backend.backend() != "tensorflow":
        return model.predict_on_batch  # type: ignore[no-any-return]
    import tensorflow as tf

    # Compiling with XLA made this many times slower on a CPU, hence jit_compile=False.
    return tf.function(lambda x: model(x, training=False), jit_compile=False)  # type: ignore[no-any-return]


def _batches(images: np.ndarray, batch: int) -> Iterator[np.ndarray]:
    """Of one size all: the last is filled up, because each other size would be traced or compiled anew."""
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        missing = min(batch, len(images)) - len(part)
        yield np.concatenate([part, images[:missing]]) if missing else part


def recipe_networks(
    data: Path, out: Path, coarse: Lite0Settings, fine: Lite0Settings, folds: int, members: Sequence[float]
) -> list[Network]:
    """The members for each fold and those for all patients, each with a seed of its own.

    Args:
        data: the data set's folder.
        out: the run's folder.
        coarse, fine: settings of the two stages of each.
        folds: number of folds.
        members: of each network of a fold, its share of the stages' steps.
    """

    def stage(settings: Lite0Settings, index: int, share: float) -> Lite0Settings:
        return replace(settings, seed=settings.seed + index, steps=round(settings.steps * share))

    each = [(share, number) for share in members for number in [*range(folds), ALL_PATIENTS]]
    return [
        Network(number, index // (folds + 1), data, out, stage(coarse, index, share), stage(fine, index, share))
        for index, (share, number) in enumerate(each)
    ]


def _reporter(name: str, steps: int, say: Callable[[str], None]) -> Callable[[int, dict[str, float]], None]:
    begun: list[tuple[int, float]] = []

    def report(step: int, means: dict[str, float]) -> None:
        begun.append((step, time.monotonic()))
        first, start = begun[0]
        losses = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
        # The first report holds start-up and tracing: the pace is known from the second one on.
        left = f", {(steps - step) * (begun[-1][1] - start) / (step - first) / 60:.0f} min left" if step > first else ""
        say(f"{name}: step {step}/{steps}, {losses}{left}")

    return report
