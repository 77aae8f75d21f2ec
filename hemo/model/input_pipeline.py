"""Batches for training, drawn from prepared images on disk: shuffled and augmented, the same at every repetition.

What a batch holds depends on (seed, epoch, batch number) and nothing else, so that a run that was killed and resumed
draws what it would have drawn.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import tensorflow as tf

    from hemo.data.augment import AugmentSettings
    from hemo.data.shards import ShardedImages

# Keep the order's draws apart from the augmentation's, which share seed and epoch.
_ORDER_STREAM = 1
_AUGMENT_STREAM = 2
_BATCHES_AHEAD = 2


class BatchSource:
    """Numbered batches of one part of a data set.

    Args:
        images: uint8 (N, S, S), typically on disk; only the rows of a batch are read at a time.
        labels: int (N,), 0 normal, 1 hemorrhage.
        rows: which rows of `images` belong to this part.
        batch: rows a batch; the last batch of an epoch may be smaller.
        target: "one_hot" for a softmax over (normal, hemorrhage), "binary" for one logit.
        augment: settings, or None for the images as they are, in their order.
        seed: of order and augmentation.
    """

    def __init__(
        self,
        images: "ShardedImages | npt.NDArray[np.uint8]",
        labels: npt.NDArray[np.integer[Any]],
        rows: Sequence[int] | npt.NDArray[np.integer[Any]],
        *,
        batch: int,
        target: Literal["one_hot", "binary"],
        augment: "AugmentSettings | None" = None,
        seed: int = 0,
    ) -> None:
        self._images = images
        self._labels = np.asarray(labels, dtype=np.int64)
        self._rows = np.asarray(rows, dtype=np.int64)
        self._batch = batch
        self._target = target
        self._augment = augment
        self._seed = seed
        self._epoch = 0
        self._order = self._rows
        self.set_epoch(0)

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch)

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Rows of this part, int64 (n,), unshuffled."""
        return self._rows

    def size(self, index: int) -> int:
        """How many slices batch `index` holds."""
        return min(self._batch, len(self._rows) - index * self._batch)

    def set_epoch(self, epoch: int) -> None:
        """Draw the order of one epoch; without augmentation the order never changes."""
        self._epoch = epoch
        if self._augment is not None:
            self._order = self._rng(_ORDER_STREAM, 0).permutation(self._rows)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Batch `index` of the current epoch.

        Returns:
            images float32 (n, S, S, 1) in [0, 1]; targets float32 (n, 2) or (n, 1).
        """
        if not 0 <= index < len(self):
            raise IndexError(f"Expected a batch number below {len(self)}. Received: {index}")
        rows = self._order[index * self._batch : (index + 1) * self._batch]
        images = np.asarray(self._images[rows])
        if self._augment is None:
            values = images.astype(np.float32) / np.float32(255.0)
        else:
            from hemo.data.augment import augment_batch

            values = augment_batch(images, self._augment, self._rng(_AUGMENT_STREAM, index))
        return values[..., np.newaxis], self._targets(rows)

    def _targets(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        labels = self._labels[rows]
        if self._target == "one_hot":
            return np.eye(2, dtype=np.float32)[labels]
        return labels.astype(np.float32)[:, np.newaxis]

    def _rng(self, stream: int, index: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, stream, self._epoch, index])


class Batches(Protocol):
    """Numbered batches, such as a `BatchSource`."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]: ...


def as_dataset(source: Batches) -> "tf.data.Dataset":
    """The source as `fit` takes it, one pass an epoch; a thread prepares the next batches while the network computes.

    Not a `keras.utils.PyDataset`: Keras lets tf.data tune that by itself, and the end of each epoch then waits until
    the tuner wakes from its sleep, up to 0.3 s.
    """
    import tensorflow as tf

    def batches() -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
        for index in range(len(source)):
            yield source[index]

    signature = tuple(tf.TensorSpec((None, *array.shape[1:]), tf.float32) for array in source[0])
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    return (
        dataset.apply(tf.data.experimental.assert_cardinality(len(source)))
        .prefetch(_BATCHES_AHEAD)
        .with_options(options)
    )
