"""Cross-validation: five folds on two Ray workers against the same five on one."""

import os
import tempfile
import time
from pathlib import Path

from hemo.bench.ratio import Ratio
from hemo.errors import RunError

FOLDS = 5
STUDIES = 40
SLICES = 12
SIZE = 128
EPOCHS = 40
BATCH = 16
TARGET = 1.6
BASELINE = "the same on one worker, each worker one core and one thread"


def run() -> list[Ratio]:
    """Time a whole five-fold cross-validation of the compact network on phantoms, from the first job to the last.

    Each worker is one process with one TensorFlow thread in both, so that what is compared is one worker with two, not
    one that has both cores with two that share them. Ray is started and the slices are prepared before the clock runs;
    the start of each job's process, its import of TensorFlow and its bundle are within. Whole folds would reach 5/3 at
    best, so one fold is cut in two, see `hemo.jobs.training.first_turns`. Measured once each: it takes minutes.

    Raises:
        RunError: Ray is not installed, or this machine has one core.
    """
    from hemo.jobs.pool import INSTALL_RAY, ray_is_installed

    if not ray_is_installed():
        raise RunError(f"Expected Ray for two workers: {INSTALL_RAY}. Received: Ray is not installed")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores < 2:
        raise RunError(f"Expected at least two cores for two workers. Received: {cores}")
    with tempfile.TemporaryDirectory() as folder:
        seconds = {workers: _seconds(Path(folder), workers) for workers in (1, 2)}
    name = f"compact: {FOLDS}-fold cross-validation on two Ray workers"
    return [Ratio.at_least(name, BASELINE, seconds[1], seconds[2], TARGET)]


def _seconds(folder: Path, workers: int) -> float:
    from hemo.data.phantom import write_phantom
    from hemo.jobs.ray_pool import RayPool
    from hemo.jobs.training import prepare, train_group
    from hemo.model.training_config import RECOMMENDED, EarlyStop
    from hemo.runs.group import create_group, plan

    data, cache = folder / "phantom", folder / "cache"
    if not data.is_dir():
        write_phantom(data, studies=STUDIES, n_slices=SLICES, size=SIZE, seed=1)
    config = RECOMMENDED.replace(
        data=str(data), image_size=SIZE, batch=BATCH, epochs=EPOCHS, early_stop=EarlyStop(monitor=""), seed=1
    )
    base, changes = plan(config, folds=FOLDS)
    group = create_group(folder / f"on-{workers}", base, changes)
    prepare([base], ["all folds"], cache, _quiet)
    with RayPool(workers, threads=1) as pool:
        began = time.perf_counter()
        ended = train_group(group, cache, pool, say=_quiet)
        took = time.perf_counter() - began
    if len(ended.finished) != FOLDS:
        raise RunError(
            f"Expected {FOLDS} finished folds. Received: {len(ended.finished)} {list(ended.failed.values())}"
        )
    return took


def _quiet(line: str) -> None:
    """A benchmark prints its figures only."""
