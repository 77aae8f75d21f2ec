"""One network of the recipe, in this process or in one of several: a fold's, or the one of all patients to ship.

Two networks side by side with one thread each train a sixth faster than one after the other with two threads: much of
a step is too small to share. Which process trains a network changes nothing of it: a batch depends on seed and step.

A network is trained in two stages: most steps on small images, then fewer on larger ones, where a bleed two or three
millimetres thin is more than two pixels wide. Training on large images from the start would cost twice as much.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hemo.atomic import write_atomically
from hemo.ct.guard import assess
from hemo.ct.preparation import Preparation
from hemo.ct.slice import CTSlice
from hemo.data.foreign import foreign
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest
from hemo.data.prepared import prepared_images
from hemo.errors import RunError
from hemo.evaluate.metrics import auc
from hemo.model.architectures import architecture_named
from hemo.model.fit_lite0 import Lite0Settings, fit_lite0
from hemo.runs.lock import FileLock
from hemo.runs.process import THREAD_VARIABLES
from hemo.workspace import Workspace

ALL_PATIENTS = -1
"""Number of the network that is trained on every fold."""
_LOCK_PATIENCE_SECONDS = 20.0
_FOREIGN_SEED = 31


@dataclass(frozen=True)
class Network:
    """What to train, complete enough to be sent to another process.

    Args:
        number: the fold that it does not see, or `ALL_PATIENTS`.
        data: the data set's folder.
        out: the run's folder, holding folds.csv.
        coarse: settings of the first stage, steps and seed included.
        fine: settings of the second.
    """

    number: int
    data: Path
    out: Path
    coarse: Lite0Settings
    fine: Lite0Settings

    @property
    def name(self) -> str:
        """Of its folder."""
        return "final" if self.number == ALL_PATIENTS else f"fold{self.number}"

    @property
    def result(self) -> Path:
        """What stands when it is finished: the shipped network, or the held-out fold's predictions."""
        return self.out / ("final.keras" if self.number == ALL_PATIENTS else f"{self.name}.npz")


def train_networks(networks: list[Network], fold: np.ndarray, workers: int, say: Callable[[str], None]) -> None:
    """Train what is not finished yet, several at a time.

    Args:
        networks: in the order in which they are begun.
        fold: (N,) fold of each slice, in the manifest's order.
        workers: processes; with one, everything happens in this process with all its threads.
        say: receives lines of progress; from other processes they are printed.

    Raises:
        RunError: a network is being trained by another process.
    """
    waiting = [network for network in networks if not network.result.exists()]
    if workers == 1:
        for network in waiting:
            train_network(network, fold, say)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread, initargs=(os.getpid(),)) as pool:
        pending = [pool.submit(train_network, network, fold, _print) for network in waiting]
        try:
            for future in as_completed(pending):
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def train_network(network: Network, fold: np.ndarray, say: Callable[[str], None]) -> None:
    """Train one network, going on from its checkpoint, and write its result."""
    folder = network.out / network.name
    with FileLock(folder / ".lock").wait_hold(_LOCK_PATIENCE_SECONDS, {"pid": os.getpid()}) as held:
        if not held:
            raise RunError(f"Expected {network.name} to be free. Received: another process that trains it")
        manifest = import_dataset(network.data)
        model, images = _trained(network, manifest, np.flatnonzero(fold != network.number), say)
        if network.number == ALL_PATIENTS:
            _save(model, network.result)
            return
        held_out = np.flatnonzero(fold == network.number)
        logit, evidence = predict_lite0(model, np.asarray(images[held_out]))
        foreign_logit = _of_foreign_pictures(model, preparation_at(network.fine.size), manifest, held_out)
    maps = evidence.astype(np.float16)
    write_atomically(
        network.result,
        lambda file: np.savez(file, rows=held_out, logit=logit, evidence=maps, foreign_logit=foreign_logit),
    )
    score = auc(manifest.labels[held_out], logit).value
    patients = len(set(manifest.groups[held_out]))
    said = "not defined" if score is None else f"{score:.3f}"
    say(f"{network.name}: {len(held_out)} slices of {patients} patients predicted, AUC {said}")


def preparation_at(size: int) -> Preparation:
    """From a slice to the input, `size` pixels a side, of a lite0 network."""
    return replace(architecture_named("lite0").preparation, size=size)


def _trained(
    network: Network, manifest: Manifest, rows: np.ndarray, say: Callable[[str], None]
) -> tuple[Any, np.ndarray]:
    """The network after both stages, each going on from its checkpoint; and all images as it sees them."""
    model, images = None, np.empty(0)
    for stage, settings in (("coarse", network.coarse), ("fine", network.fine)):
        images = prepared_images(manifest, preparation_at(settings.size), Workspace.from_environment().cache)
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
    import tensorflow as tf

    forward = tf.function(lambda x: model(x, training=False), jit_compile=False)
    logits, maps = [], []
    for start in range(0, len(images), batch):
        part = images[start : start + batch].astype(np.float32)[..., None] / 255.0
        output = forward(tf.constant(part))
        logits.append(output["logit"].numpy()[:, 0])
        maps.append(output["evidence"].numpy()[..., 0])
    return np.concatenate(logits), np.concatenate(maps)


def _of_foreign_pictures(model: Any, preparation: Preparation, manifest: Manifest, rows: np.ndarray) -> np.ndarray:
    """Logits (N,) of the slices as another hospital's pictures, NaN where the guard refuses slice or picture.

    A slice's picture depends on its place in the manifest alone, so that folds and resumed runs see the same one.
    """
    logits = np.full(len(rows), np.nan, np.float32)
    kept, pictures = [], []
    for place, row in enumerate(rows):
        ct_slice = manifest.read(int(row))
        grey, tint = foreign(ct_slice.grey(), np.random.default_rng([_FOREIGN_SEED, int(row)]))
        picture = CTSlice(grey.astype(np.float32), "grey", ct_slice.name, colorfulness=tint)
        verdict = assess(picture)
        if verdict.is_head and assess(ct_slice).is_head:
            kept.append(place)
            pictures.append(preparation.apply(picture, verdict.head).image)
    if kept:
        logits[kept], _ = predict_lite0(model, np.stack(pictures))
    return logits


def recipe_networks(data: Path, out: Path, coarse: Lite0Settings, fine: Lite0Settings, folds: int) -> list[Network]:
    """The folds' networks and the one of all patients, each with a seed of its own.

    Args:
        data: the data set's folder.
        out: the run's folder.
        coarse, fine: settings of the two stages of each.
        folds: number of folds.
    """
    return [
        Network(number, data, out, replace(coarse, seed=coarse.seed + index), replace(fine, seed=fine.seed + index))
        for index, number in enumerate([*range(folds), ALL_PATIENTS])
    ]


def _one_thread(parent: int) -> None:
    """Prepare a worker: one thread of arithmetic, and no life after the parent's, even where that is killed."""
    import cv2

    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    cv2.setNumThreads(1)
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(2.0)
    # The checkpoint on disk is whole at any moment; an orphan would train on beside the run that goes on.
    os._exit(1)


def _print(line: str) -> None:
    print(line, flush=True)


def _save(model: Any, path: Path) -> None:
    partial = path.with_name(".part.keras")
    model.save(partial, include_optimizer=False)
    partial.replace(path)


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
