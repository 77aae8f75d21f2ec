"""Which devices of this machine a network trains on: one, or several that share each batch and agree after it."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from hemo.errors import RunError
from hemo.model.input_pipeline import BatchSource
from hemo.model.training_config import TrainingConfig


def training_scope(config: TrainingConfig) -> AbstractContextManager[Any]:
    """The context to build and compile a network in.

    With several devices it is that of `tf.distribute.MirroredStrategy`: each holds the whole network, takes its part of
    every batch, and gradients are summed, so that `config.batch` means the same on any number of them. With one device
    it is empty, and nothing differs from plain Keras.

    `MultiWorkerMirroredStrategy`, for several machines, does not work with Keras 3 (keras#20585).

    Args:
        config: its `devices` says what may be used.

    Raises:
        RunError: the batch cannot be shared evenly.
    """
    devices = shared_devices(config)
    if not devices:
        return nullcontext()
    if config.batch % len(devices):
        even = max(1, round(config.batch / len(devices))) * len(devices)
        raise RunError(
            f"Expected a batch that {len(devices)} devices can share evenly; try {even}. Received: {config.batch}"
        )
    import tensorflow as tf

    scope: AbstractContextManager[Any] = tf.distribute.MirroredStrategy(devices).scope()
    return scope


def shared_devices(config: TrainingConfig) -> list[str]:
    """Names of the devices that share each batch; [] where one does all."""
    if config.devices == "one":
        return []
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU")
    if not devices and config.devices == "all":
        devices = tf.config.list_logical_devices("CPU")
    return [device.name for device in devices] if len(devices) > 1 else []


class EvenBatches:
    """The batches of a source that devices can share evenly.

    A device that gets no slice fails in batch normalization, so the last batch of an epoch is left out where its size
    is no multiple; the order is drawn anew each epoch, and so are the few slices left out.

    Args:
        source: the batches.
        devices: how many share each.
    """

    def __init__(self, source: BatchSource, devices: int) -> None:
        self._source = source
        last = len(source) - 1
        self._length = len(source) if last < 1 or source.size(last) % devices == 0 else last

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        return self._source[index]
