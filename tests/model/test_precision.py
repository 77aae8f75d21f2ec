"""Rounded weights: near the ones they were, fewer bytes in the file, the same network when loaded."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from hemo.model.precision import KEPT_BITS, pack, rounded


def test_rounding_goes_to_the_nearest_and_keeps_so_many_bits() -> None:
    values = np.random.default_rng(0).normal(0, 3, (50, 4)).astype(np.float32)
    near = rounded(values)
    assert near.dtype == np.float32 and near.shape == values.shape
    assert np.abs(near / values - 1).max() <= 2.0 ** -(KEPT_BITS + 1)
    assert (near.view(np.uint32) & np.uint32(2 ** (23 - KEPT_BITS) - 1)).max() == 0
    assert np.array_equal(rounded(near), near)


def test_small_numbers_and_zero_stay_exact() -> None:
    values = np.array([0.0, 1.0, -2.5, 0.125], np.float32)
    assert np.array_equal(rounded(values), values)
    assert rounded(np.float32(3.0)).shape == ()


def test_a_number_of_bits_that_float32_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match=r"from 1 to 22 bits\. Received: 23"):
        rounded(np.ones(2), 23)


@pytest.mark.slow
def test_a_packed_network_is_smaller_and_says_the_same(tmp_path: Path) -> None:
    import keras

    from hemo.model.architectures.compact import ARCHITECTURE
    from hemo.model.archive import check_archive

    model, path = ARCHITECTURE.build(64), tmp_path / "model.keras"
    model.set_weights([rounded(np.asarray(value)) for value in model.get_weights()])
    model.save(path)
    before = path.stat().st_size
    pack(path)
    assert path.stat().st_size < 0.7 * before
    with zipfile.ZipFile(path) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_DEFLATED}
    check_archive(path)
    again = keras.saving.load_model(path, compile=False)
    images = np.random.default_rng(1).random((2, 64, 64, 1), dtype=np.float32)
    np.testing.assert_array_equal(again(images, training=False), model(images, training=False))
