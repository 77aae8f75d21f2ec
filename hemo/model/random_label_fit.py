"""A small network really trained on labels that mean nothing, for the shortcut audit; capped in epochs and time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

SIZE = 64
"""Side of the images: enough to tell patients apart, small enough for two cores."""
EPOCHS, SECONDS = 15, 75.0
_BATCH = 32
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Fitted:
    """What the network says of slices held out.

    Args:
        logit: float32 (N,) of the held-out images.
        epochs: whole passes that were made before `EPOCHS` or the time was up.
    """

    logit: np.ndarray
    epochs: int


def fit_and_score(
    images: np.ndarray,
    labels: np.ndarray,
    held_out: np.ndarray,
    progress: Progress | None = None,
    epochs: int = EPOCHS,
    seconds: float = SECONDS,
    seed: int = 0,
) -> Fitted:
    """Train the compact architecture from scratch and score other images.

    Args:
        images: uint8 (N, S, S) to train on.
        labels: (N,) of 0 and 1.
        held_out: uint8 (M, S, S).
        progress: called with (seconds gone, `seconds`) after each batch, both whole numbers.
        epochs: passes at most.
        seconds: of training at most; a pass that has begun is cut off.
        seed: of the weights and the order of the images.
    """
    import keras
    import tensorflow as tf

    from hemo.model.architectures import compact

    keras.utils.set_random_seed(seed)
    model = compact.build(images.shape[1])
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True), jit_compile=False)
    rng, start = np.random.default_rng(seed), time.monotonic()
    done = 0
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for first in range(0, len(order) - len(order) % _BATCH or len(order), _BATCH):
            rows = order[first : first + _BATCH]
            model.train_on_batch(_scaled(images[rows]), labels[rows].astype(np.float32)[:, np.newaxis])
            gone = time.monotonic() - start
            if progress is not None:
                progress(min(int(gone), int(seconds)), int(seconds))
            if gone > seconds:
                break
        else:
            done += 1
            continue
        break
    call: Any = tf.function(lambda batch: model(batch, training=False), jit_compile=False, autograph=False)
    parts = [call(_scaled(held_out[i : i + _BATCH])).numpy() for i in range(0, len(held_out), _BATCH)]
    return Fitted(np.concatenate(parts)[:, 0].astype(np.float32), done)


def _scaled(images: np.ndarray) -> np.ndarray:
    return images[..., np.newaxis].astype(np.float32) / 255.0
