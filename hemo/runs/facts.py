"""What a network costs on this machine: its parameter count and seconds an image, measured once in a process apart.

The Train page shows them without importing TensorFlow: `python -m hemo.runs.facts` writes them to the cache.
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hemo.atomic import write_json_atomically
from hemo.errors import HemoError
from hemo.model.training_config import TrainingConfig
from hemo.runs.lock import FileLock, trainer_lock
from hemo.runs.process import start_detached
from hemo.workspace import Workspace

_STEPS = 3


@dataclass(frozen=True)
class NetworkFacts:
    """What is known about one architecture at one image size and batch.

    Args:
        parameters: trainable and fixed weights.
        seconds_per_image: of a training step, without augmentation, which runs beside it; None while not measured.
        problem: why the network cannot be built, one sentence; "" where it can.
    """

    parameters: int
    seconds_per_image: float | None = None
    problem: str = ""


def known(workspace: Workspace, config: TrainingConfig) -> NetworkFacts | None:
    """The facts of a configuration's network, or None where they were not measured yet."""
    try:
        return NetworkFacts(**json.loads(_path(workspace, config).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def measure_in_background(workspace: Workspace, config: TrainingConfig) -> bool:
    """Start to measure, unless it is known or being measured.

    Returns:
        Whether something is being measured now.
    """
    facts = known(workspace, config)
    if facts is not None and (facts.seconds_per_image is not None or facts.problem or _busy(workspace)):
        return False
    if _lock(workspace).holder() is None:
        config_text = json.dumps(config.to_json())
        start_detached("hemo.runs.facts", str(workspace.root), config_text, log=workspace.cache / "facts" / "log.txt")
    return True


def remember(workspace: Workspace, config: TrainingConfig, facts: NetworkFacts) -> None:
    """Keep what was measured."""
    path = _path(workspace, config)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json_atomically(path, asdict(facts))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one configuration's network; a step is timed only while nobody trains."""
    root, config_text = sys.argv[1:] if arguments is None else arguments
    workspace = Workspace(Path(root), Workspace.from_environment().models)
    config = TrainingConfig.from_json(json.loads(config_text))
    with _lock(workspace).try_hold({"since": time.time()}) as held:
        if held:
            _measure(workspace, config)
    return 0


def _measure(workspace: Workspace, config: TrainingConfig) -> None:
    import numpy as np

    from hemo.model.training import build_network, compile_network, fit_view, is_softmax

    try:
        network = fit_view(build_network(config, pretrained=False))
    except HemoError as error:
        remember(workspace, config, NetworkFacts(0, problem=str(error)))
        return
    parameters = int(network.count_params())
    remember(workspace, config, NetworkFacts(parameters))
    if _busy(workspace):
        return
    compile_network(network, config, steps_per_epoch=_STEPS)
    images = np.random.default_rng(0).random((config.batch, config.image_size, config.image_size, 1), np.float32)
    targets = np.zeros((config.batch, 2 if is_softmax(network) else 1), np.float32)
    targets[:, 0] = 1.0
    network.train_on_batch(images, targets)  # traces
    began = time.monotonic()
    for _ in range(_STEPS):
        network.train_on_batch(images, targets)
    seconds = (time.monotonic() - began) / (_STEPS * config.batch)
    remember(workspace, config, NetworkFacts(parameters, seconds))


def _path(workspace: Workspace, config: TrainingConfig) -> Path:
    return workspace.cache / "facts" / f"{config.architecture}-{config.image_size}-{config.batch}.json"


def _lock(workspace: Workspace) -> FileLock:
    return FileLock(workspace.cache / "facts" / ".lock")


def _busy(workspace: Workspace) -> bool:
    return trainer_lock(workspace.runs).holder() is not None


if __name__ == "__main__":
    sys.exit(main())
