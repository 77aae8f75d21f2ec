"""Batches: what they hold follows from (seed, epoch, batch) and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from hemo.data.augment import AS_PUBLISHED, UNCHANGED
from hemo.model.input_pipeline import BatchSource, as_dataset

SIDE = 16


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (23, SIDE, SIDE), dtype=np.uint8)


@pytest.fixture
def labels() -> np.ndarray:
    return np.arange(23) % 3 == 0


def source(images: np.ndarray, labels: np.ndarray, **options: object) -> BatchSource:
    settings = {"batch": 8, "target": "binary", "augment": AS_PUBLISHED, "seed": 4, "rows": np.arange(23)} | options
    return BatchSource(images, labels, **settings)  # type: ignore[arg-type]


def test_a_batch_is_the_same_whatever_was_drawn_before_it(images: np.ndarray, labels: np.ndarray) -> None:
    straight, resumed = source(images, labels), source(images, labels)
    for epoch in range(3):
        straight.set_epoch(epoch)
        every = [straight[index] for index in range(len(straight))]
    resumed.set_epoch(2)
    for index in (2, 0, 1):
        np.testing.assert_array_equal(resumed[index][0], every[index][0])
        np.testing.assert_array_equal(resumed[index][1], every[index][1])


def test_epochs_and_seeds_draw_differently(images: np.ndarray, labels: np.ndarray) -> None:
    first, other = source(images, labels), source(images, labels, seed=5)
    drawn = first[0][0]
    first.set_epoch(1)
    assert not np.array_equal(drawn, first[0][0])
    assert not np.array_equal(drawn, other[0][0])


def test_an_epoch_holds_every_row_once(images: np.ndarray, labels: np.ndarray) -> None:
    rows = np.array([1, 3, 5, 7, 9, 11, 13, 15, 17, 19])
    unwarped = source(images, labels, rows=rows, augment=UNCHANGED, batch=4)
    assert (len(unwarped), [unwarped.size(index) for index in range(3)]) == (3, [4, 4, 2])
    seen = np.concatenate([unwarped[index][0] for index in range(3)])[..., 0]
    expected = images[rows] / np.float32(255)
    np.testing.assert_allclose(np.sort(seen.mean((1, 2))), np.sort(expected.mean((1, 2))), rtol=1e-6)
    assert not np.allclose(seen, expected)  # shuffled


def test_without_augmentation_images_come_in_order_and_unchanged(images: np.ndarray, labels: np.ndarray) -> None:
    plain = source(images, labels, augment=None, rows=np.array([5, 2, 9]))
    plain.set_epoch(3)
    values, targets = plain[0]
    np.testing.assert_array_equal(values[..., 0], images[[5, 2, 9]].astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(targets[:, 0], labels[[5, 2, 9]])
    assert values.dtype == targets.dtype == np.float32


def test_one_hot_puts_hemorrhage_second(images: np.ndarray, labels: np.ndarray) -> None:
    targets = source(images, labels, target="one_hot", augment=None)[0][1]
    np.testing.assert_array_equal(targets[:, 1], labels[:8])
    np.testing.assert_array_equal(targets.sum(axis=1), 1)


def test_augmentation_never_touches_the_images_on_disk(tmp_path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    for index in range(3):
        source(mapped, labels)[index]
    np.testing.assert_array_equal(np.load(tmp_path / "images.npy"), images)


def test_a_batch_number_beyond_the_epoch_is_refused(images: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(IndexError, match="below 3"):
        source(images, labels)[3]


@pytest.mark.slow
def test_a_dataset_gives_each_pass_the_batches_of_the_epoch_that_was_drawn(
    images: np.ndarray, labels: np.ndarray
) -> None:
    batches = source(images, labels)
    dataset = as_dataset(batches)
    assert int(dataset.cardinality()) == 3
    # Keras' own way lets tf.data tune itself, and each epoch then ends with a wait for the tuner.
    assert dataset.options().autotune.enabled is False
    for epoch in (0, 1):
        batches.set_epoch(epoch)
        passed = list(dataset.as_numpy_iterator())
        assert [len(targets) for _, targets in passed] == [8, 8, 7]
        for index, (pictures, targets) in enumerate(passed):
            assert np.array_equal(pictures, batches[index][0]) and np.array_equal(targets, batches[index][1])
