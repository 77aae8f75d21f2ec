"""Training: what reading, shuffling and augmenting batches adds to an epoch over tensors already in memory."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from hemo.bench.ratio import Ratio, interleaved

SLICES = 256
BATCH = 32
TARGET = 1.10


def run() -> list[Ratio]:
    """Time epochs of the published network: batches from disk, shuffled and augmented as published, against the same
    number of float32 tensors in memory, neither read nor shuffled nor augmented.

    The loop over batches is Keras' own `fit` in both.
    """
    from hemo.data.augment import AS_PUBLISHED
    from hemo.model.architectures import seed_cnn
    from hemo.model.input_pipeline import BatchSource, as_dataset

    size = seed_cnn.IMAGE_SIZE
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (SLICES, size, size)).astype(np.uint8)
    labels = rng.integers(0, 2, SLICES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.save(path, images)
        on_disk = np.load(path, mmap_mode="r")
        source = BatchSource(on_disk, labels, np.arange(SLICES), batch=BATCH, target="one_hot", augment=AS_PUBLISHED)
        model = _compiled(seed_cnn.build(size))
        in_memory = _tensors(images, labels)
        seconds = interleaved(
            {
                "memory": lambda: _epoch(model, in_memory),
                "pipeline": lambda: _epoch(model, as_dataset(source)),
            },
            repeats=5,
            warm_up=1,
        )
    name = f"seed_cnn: an epoch of {SLICES} slices with the input pipeline"
    baseline = "the same epoch over float32 tensors in memory"
    return [Ratio.at_most(name, baseline, seconds["memory"], seconds["pipeline"], TARGET)]


def _compiled(model: Any) -> Any:
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    return model


def _tensors(images: np.ndarray, labels: np.ndarray) -> Any:
    import tensorflow as tf

    values = tf.constant(images[..., np.newaxis].astype(np.float32) / 255)
    targets = tf.constant(np.eye(2, dtype=np.float32)[labels])
    return tf.data.Dataset.from_tensor_slices((values, targets)).batch(BATCH).cache().prefetch(1)


def _epoch(model: Any, batches: Any) -> None:
    model.fit(batches, epochs=1, shuffle=False, verbose=0)
