"""Training: what Hemo's events, checkpoints, sample heat maps and TensorBoard files add to a bare `model.fit`."""

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hemo.bench.ratio import Ratio

SLICES = {"seed_cnn": 512, "compact": 1024}
VALIDATION = 128
EPOCHS = 4
_TRACING = 2  # epochs until every graph is traced: the step in the first, the heat maps at the end of it
TURNS = 2
TARGET = 1.05
BASELINE = "model.fit alone on the same batches, with the same validation, optimizer and metrics"


@dataclass
class EpochTimes:
    """Wall and processor seconds from one epoch's end to the next, of all threads of this process."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    _mark: tuple[float, float] = (0.0, 0.0)

    def begin(self) -> None:
        """The first epoch begins."""
        self._mark = (time.perf_counter(), time.process_time())

    def epoch(self) -> None:
        """An epoch has ended, with all that belongs to it."""
        now = (time.perf_counter(), time.process_time())
        self.wall.append(now[0] - self._mark[0])
        self.processor.append(now[1] - self._mark[1])
        self._mark = now


def run() -> list[Ratio]:
    """Time epochs of the published network (189 MB a checkpoint) and of the compact one (a few MB).

    Ours is what a run's worker does: each event into `events.jsonl` and TensorBoard's file, a look for commands after
    each batch, a checkpoint and six heat maps an epoch, exact validation figures. The first two epochs, in which graphs
    are traced, are not counted; of the others the fastest is taken, as in every benchmark. Epochs are short here: what
    comes once an epoch weighs a quarter as much in an epoch of CT-ICH. `scripts/first_curve_point.py` measures what the
    open page costs.
    """
    ratios = []
    for name in SLICES:
        with tempfile.TemporaryDirectory() as folder:
            ratios += _compare(name, Path(folder))
    return ratios


def _compare(name: str, folder: Path) -> list[Ratio]:
    config, data = _material(name, folder)
    times: dict[str, list[EpochTimes]] = {"bare": [], "ours": []}
    for turn in range(TURNS):
        times["bare"].append(_bare(config, data))
        times["ours"].append(_ours(config, data, folder / f"run-{turn}"))

    def fastest(way: str, clock: str) -> float:
        return min(min(getattr(each, clock)[_TRACING:]) for each in times[way])

    return [
        Ratio.at_most(
            f"{name}: an epoch of {SLICES[name]} slices as a run, {words}",
            BASELINE,
            fastest("bare", clock),
            fastest("ours", clock),
            TARGET,
        )
        for clock, words in (("processor", "processor time"), ("wall", "by the clock"))
    ]


def _material(name: str, folder: Path) -> tuple[Any, Any]:
    """The published settings (seed_cnn) or the recommended ones, and random slices in the cache's own form."""
    import pandas as pd

    from hemo.data.manifest import Manifest, build_frame
    from hemo.data.shards import ShardedImages, shard_header
    from hemo.model.training_config import AS_PUBLISHED, RECOMMENDED, EarlyStop
    from hemo.model.training_data import TrainingData, preparation_of

    base = AS_PUBLISHED if name == "seed_cnn" else RECOMMENDED
    config = base.replace(epochs=EPOCHS, early_stop=EarlyStop(monitor=""), deterministic=False, data=str(folder))
    n, side = SLICES[name] + VALIDATION, config.image_size
    rng = np.random.default_rng(0)
    shard = folder / "shard-00000.npy"
    shard.write_bytes(shard_header(n, side) + rng.integers(0, 256, (n, side, side)).astype(np.uint8).tobytes())
    frame: pd.DataFrame = build_frame(
        [
            {"path": f"{row}.png", "label": row % 2, "group": str(row), "group_kind": "file", "slice": str(row)}
            | {"split": "train" if row < SLICES[name] else "validation"}
            for row in range(n)
        ]
    )
    images = ShardedImages((shard,), n, n, side)
    return config, TrainingData(Manifest(frame, folder, "random"), images, preparation_of(config))


def _bare(config: Any, data: Any) -> EpochTimes:
    import keras

    from hemo.data.augment import AugmentSettings
    from hemo.model.input_pipeline import BatchSource, as_dataset
    from hemo.model.training import build_network, compile_network, fit_view, is_softmax
    from hemo.model.training_data import class_weights

    network = fit_view(build_network(config))
    source, held_out = (
        BatchSource(
            data.images,
            data.labels,
            data.rows(part),
            batch=config.batch,
            target="one_hot" if is_softmax(network) else "binary",
            augment=AugmentSettings.from_json(config.augmentation) if part == "train" else None,
            seed=config.seed,
        )
        for part in ("train", "validation")
    )
    compile_network(network, config, len(source))
    times = EpochTimes()
    weights = class_weights(data.labels[data.rows("train")]) if config.class_weight == "balanced" else None
    clock = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: times.begin(), on_epoch_end=lambda epoch, logs: times.epoch()
    )
    network.fit(
        as_dataset(source),
        validation_data=as_dataset(held_out),
        epochs=config.epochs,
        class_weight=weights,
        callbacks=[clock],
        shuffle=False,
        verbose=0,
    )
    return times


def _ours(config: Any, data: Any, folder: Path) -> EpochTimes:
    """`train` as the worker calls it, from one epoch's report to the next; a checkpoint lies between."""
    from hemo.model.training import train
    from hemo.runs.control import ControlReader
    from hemo.runs.events import EVENTS, EventWriter
    from hemo.runs.run import CHECKPOINTS, SAMPLES, TENSORBOARD
    from hemo.runs.tensorboard import TensorBoardWriter

    folder.mkdir()
    events, tensorboard = EventWriter(folder / EVENTS), TensorBoardWriter(folder / TENSORBOARD)
    times = EpochTimes()

    def report(event: dict[str, Any]) -> None:
        events.write(event)
        tensorboard.write(event)
        if event["event"] == "resume":
            times.begin()
        elif event["event"] == "epoch":
            times.epoch()

    commands = ControlReader(folder)
    train(config, data, folder / CHECKPOINTS, report=report, commands=commands, samples=folder / SAMPLES)
    events.close()
    tensorboard.close()
    return times
