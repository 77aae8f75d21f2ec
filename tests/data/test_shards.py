"""Shards index like the array they hold."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hemo.data.shards import ShardedImages, shard_header, shard_size
from hemo.errors import DatasetError

N, SIDE, PER_SHARD = 11, 6, 4


@pytest.fixture
def array() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (N, SIDE, SIDE)).astype(np.uint8)


@pytest.fixture
def images(array: np.ndarray, tmp_path: Path) -> ShardedImages:
    paths = []
    for start in range(0, N, PER_SHARD):
        part = array[start : start + PER_SHARD]
        paths.append(tmp_path / f"{start}.npy")
        paths[-1].write_bytes(shard_header(len(part), SIDE) + part.tobytes())
        assert paths[-1].stat().st_size == shard_size(len(part), SIDE)
    return ShardedImages(tuple(paths), PER_SHARD, N, SIDE)


KEYS: list[Any] = [
    0,
    -1,
    np.int64(7),
    slice(None),
    slice(2, 9),
    slice(9, 2, -3),
    slice(4, 4),
    [5, 0, 10, 5, -2],
    np.array([3, 4, 5, 6, 7, 8]),
    np.arange(N) % 2 == 0,
    np.array([], dtype=int),
    (slice(1, 9), slice(None), slice(None, None, -1)),
    (3, 2),
    ([1, 8], 0),
    (slice(None), 0, 0),
]


@pytest.mark.parametrize("key", KEYS, ids=[repr(key) for key in KEYS])
def test_an_index_gives_what_the_array_gives(images: ShardedImages, array: np.ndarray, key: Any) -> None:
    found = images[key]
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, array[key])


def test_a_part_indexes_like_the_part_of_the_array(images: ShardedImages, array: np.ndarray) -> None:
    rows = np.array([9, 1, 4])
    part = ShardedImages(images.paths, PER_SHARD, N, SIDE, rows)
    assert (len(part), part.shape) == (3, (3, SIDE, SIDE))
    np.testing.assert_array_equal(part, array[rows])
    np.testing.assert_array_equal(part[[2, 0]], array[rows][[2, 0]])
    np.testing.assert_array_equal(np.stack(list(part)), array[rows])


@pytest.mark.parametrize("key", [N, -N - 1, [0, N], np.ones(N - 1, dtype=bool), np.zeros((2, 2), dtype=int)])
def test_what_is_out_of_range_is_an_index_error(images: ShardedImages, key: Any) -> None:
    with pytest.raises(IndexError, match="Expected"):
        images[key]


def test_it_goes_to_another_process(images: ShardedImages, array: np.ndarray) -> None:
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(images)), array)


@pytest.mark.parametrize(("damage", "text"), [("gone", "made again at the next start"), ("cut", "is cut short")])
def test_a_shard_that_is_gone_or_cut_short_is_told(images: ShardedImages, damage: str, text: str) -> None:
    path = images.paths[1]
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    assert len(images[0:4]) == 4
    with pytest.raises(DatasetError, match=text):
        images[[0, 7]]
