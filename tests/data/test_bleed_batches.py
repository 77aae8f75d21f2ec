"""Batches: what is in them, where the evidence map is taught, and that a step is a step."""

import numpy as np
import pytest

from hemo.data.bleed_batches import BatchSettings, BleedBatches
from hemo.errors import DatasetError
from tests.data.bleed_material import prepared_phantoms


@pytest.fixture(scope="module")
def batches() -> BleedBatches:
    return BleedBatches(*prepared_phantoms(), seed=3)


def test_shapes_and_ranges(batches: BleedBatches) -> None:
    n = batches.settings.size
    batch = batches.batch(0)
    assert batch.images.shape == (n, 224, 224, 1) and batch.images.dtype == np.float32
    assert batch.images.min() >= 0 and batch.images.max() <= 1
    assert batch.targets["logit"].shape == (n, 1) and batch.targets["evidence"].shape == (n, 28, 28, 1)
    assert batch.weights["evidence"].shape == (n, 28, 28)


def test_a_step_is_the_same_whenever_it_is_drawn(batches: BleedBatches) -> None:
    fresh = BleedBatches(*prepared_phantoms(), seed=3)
    batches.batch(0)
    assert np.array_equal(batches.batch(7).images, fresh.batch(7).images)
    assert not np.array_equal(batches.batch(7).images, batches.batch(8).images)


def test_real_bleeds_teach_the_call_only_and_painted_ones_the_place_too(batches: BleedBatches) -> None:
    settings = batches.settings
    batch = batches.batch(1)
    real = slice(0, settings.bleeds)
    clear = slice(settings.bleeds, settings.bleeds + settings.clear)
    painted = slice(settings.bleeds + settings.clear, None)
    assert (batch.targets["logit"][real] > 0.5).all()
    assert (batch.targets["evidence"][real] == 0).all()
    # Inside the skull the place is not known; in the corners' air it is known that there is none.
    assert (batch.weights["evidence"][real][:, 10:18, 10:18] == 0).all()
    assert (batch.weights["evidence"][real][:, 0, 0] == 1).mean() > 0.5
    assert (batch.targets["logit"][clear] < 0.5).all()
    assert (batch.weights["evidence"][clear] == 1).all() and (batch.targets["evidence"][clear] == 0).all()
    called = batch.targets["logit"][painted][:, 0] > 0.5
    placed = batch.targets["evidence"][painted].max(axis=(1, 2, 3)) > 0
    assert called.sum() >= settings.painted - 2
    assert (placed[called]).all()


def test_patients_with_many_bleed_slices_do_not_swamp_the_others() -> None:
    images, labels, groups = prepared_phantoms()
    batches = BleedBatches(images, labels, groups, seed=1)
    chance = {name: batches._bleed_chance[groups[batches._bleeds] == name].sum() for name in set(groups[labels == 1])}
    counts = {name: int((groups[labels == 1] == name).sum()) for name in chance}
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    assert chance[most] / chance[least] == pytest.approx((counts[most] / counts[least]) ** 0.5)


def test_refuses_a_set_without_bleeds() -> None:
    images, labels, groups = prepared_phantoms()
    with pytest.raises(DatasetError, match="Received: 0 and"):
        BleedBatches(images, np.zeros_like(labels), groups, seed=0)


def test_settings_say_how_large_a_batch_is() -> None:
    assert BatchSettings(bleeds=1, clear=2, painted=3, phantoms=4).size == 10


def test_every_second_phantom_bleeds_and_teaches_the_place() -> None:
    images, labels, groups = prepared_phantoms()
    settings = BatchSettings(bleeds=1, clear=1, painted=1, phantoms=4)
    batch = BleedBatches(images, labels, groups, seed=3, settings=settings).batch(0)
    assert batch.images.shape[0] == 7
    assert (batch.targets["logit"][3:, 0] > 0.5).tolist() == [True, False, True, False]
    placed = batch.targets["evidence"][3:].max(axis=(1, 2, 3)) > 0
    assert placed.tolist() == [True, False, True, False]


def test_thin_collections_are_painted_where_asked_for_and_change_nothing_where_not() -> None:
    material = prepared_phantoms()
    thin = BleedBatches(*material, seed=3, settings=BatchSettings(0, 0, 24, thin_share=1.0)).batch(0)
    mixed = BleedBatches(*material, seed=3, settings=BatchSettings(0, 0, 24)).batch(0)
    area = [batch.targets["evidence"].sum(axis=(1, 2, 3)).mean() for batch in (thin, mixed)]
    assert 0 < area[0] < 0.5 * area[1]
