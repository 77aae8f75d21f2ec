"""Checks a .keras file before Keras opens it.

A .keras file is code: its config.json names classes that loading will instantiate. This module reads the zip's
directory and that JSON, and accepts only what Hemo's own networks are made of: three members with honest sizes, layers
and functions of a short list, and weights that fit the file that holds them. It never imports Keras.
"""

import json
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hemo.errors import BundleError

MEMBERS = frozenset({"metadata.json", "config.json", "model.weights.h5"})
MAX_FILE_BYTES = 256 * 2**20
MAX_CONFIG_BYTES = 4 * 2**20
# Keras stores its members without compression; weights barely compress.
MAX_EXPANSION = 50
MAX_LAYERS = 2_000
MAX_INPUT_SIDE = 1_024
MAX_WIDTH = 8_192
MAX_DEPTH = 64

LAYERS = frozenset(
    {
        "Activation",
        "Add",
        "Average",
        "AveragePooling2D",
        "BatchNormalization",
        "Concatenate",
        "Conv2D",
        "Dense",
        "DepthwiseConv2D",
        "Dropout",
        "Flatten",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "InputLayer",
        "MaxPooling2D",
        "Multiply",
        "ReLU",
        "Rescaling",
        "Reshape",
        "Softmax",
        "SpatialDropout2D",
        "Subtract",
        "TimeDistributed",
        "UpSampling2D",
        "ZeroPadding2D",
    }
)
MODELS = frozenset({("keras.src.models.functional", "Functional"), ("keras", "Functional"), ("keras.models", "Model")})
OPERATIONS = frozenset({("keras.src.ops.numpy", "Log")})
INITIALIZERS = frozenset(
    {"Zeros", "Ones", "Constant", "GlorotUniform", "GlorotNormal", "HeNormal", "HeUniform", "TruncatedNormal"}
)
REGULARIZERS = frozenset({"L1", "L2", "L1L2"})
ACTIVATIONS = frozenset(
    {
        "linear",
        "relu",
        "relu6",
        "sigmoid",
        "softmax",
        "tanh",
        "exponential",
        "silu",
        "swish",
        "hard_swish",
        "gelu",
        "elu",
    }
)


def check_archive(path: Path) -> dict[str, Any]:
    """Check a .keras file without loading it.

    Args:
        path: the file.

    Returns:
        The network's parsed config.json.

    Raises:
        BundleError: names the first thing that a Hemo network would not have.
    """
    if path.suffix.lower() in (".h5", ".hdf5") or path.read_bytes()[:8] == b"\x89HDF\r\n\x1a\n":
        raise BundleError("Expected a .keras archive. Received: an HDF5 file, which may carry code and is refused")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise BundleError(f"Expected a model file of at most {MAX_FILE_BYTES} bytes. Received: {path.stat().st_size}")
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: member for member in _checked_members(archive)}
            config_text = archive.read(members["config.json"])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
        raise BundleError("Expected a .keras archive (a zip). Received: a file that is not a readable zip") from None
    try:
        config = json.loads(config_text)
    except (ValueError, RecursionError):
        raise BundleError("Expected config.json in the model file to be JSON. Received: something else") from None
    check_config(config, weight_bytes=members["model.weights.h5"].file_size)
    return dict(config)


def check_config(config: object, weight_bytes: int) -> None:
    """Check that a network's config names only what Hemo's networks are made of.

    Args:
        config: the parsed config.json.
        weight_bytes: size of the weights member; the declared layers must not need more than it holds.

    Raises:
        BundleError: names the first class, function or size that is not allowed.
    """
    if not isinstance(config, dict) or config.get("class_name") != "Functional":
        found = config.get("class_name") if isinstance(config, dict) else type(config).__name__
        raise BundleError(f"Expected a Functional model. Received: {found!r}")
    objects = list(_objects(config))
    if len(objects) > 100 * MAX_LAYERS or sum("inbound_nodes" in entry for entry in objects) > MAX_LAYERS:
        raise BundleError(f"Expected at most {MAX_LAYERS} layers. Received: more")
    for entry in objects:
        _check_object(entry)
    needed = 4 * sum(_parameters(entry) for entry in objects)
    # Half a megabyte of grace: HDF5 adds its own structure and the smallest layers are not counted.
    if needed > weight_bytes + 2**19:
        raise BundleError(
            f"Expected weights for the declared layers, {needed} bytes. Received: a weights file of {weight_bytes}"
        )


def _checked_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = archive.infolist()
    names = [member.filename for member in members]
    if sorted(names) != sorted(MEMBERS):
        shown = ", ".join(repr(name[:40]) for name in names[:5]) or "nothing"
        raise BundleError(f"Expected the members {', '.join(sorted(MEMBERS))} in the model file. Received: {shown}")
    for member in members:
        if member.flag_bits & 0x1:
            raise BundleError(f"Expected a model file without encryption. Received: {member.filename!r} encrypted")
        if member.file_size > MAX_EXPANSION * max(member.compress_size, 1) or member.file_size > 2 * MAX_FILE_BYTES:
            raise BundleError(
                f"Expected {member.filename!r} to expand at most {MAX_EXPANSION} times. "
                f"Received: {member.compress_size} bytes that claim to be {member.file_size}"
            )
        if member.filename.endswith(".json") and member.file_size > MAX_CONFIG_BYTES:
            raise BundleError(
                f"Expected {member.filename!r} of at most {MAX_CONFIG_BYTES} bytes. Received: {member.file_size}"
            )
    return members


def _objects(node: object, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every JSON object below `node` that names a class, however nested."""
    if depth > MAX_DEPTH:
        raise BundleError(f"Expected a model configuration at most {MAX_DEPTH} levels deep. Received: a deeper one")
    if isinstance(node, dict):
        if "class_name" in node:
            yield node
        for key, value in node.items():
            _check_pair(key, value)
            yield from _objects(value, depth + 1)
    elif isinstance(node, list):
        for value in node:
            yield from _objects(value, depth + 1)


def _check_pair(key: str, value: object) -> None:
    if key.endswith("activation") and value is not None and not (isinstance(value, str) and value in ACTIVATIONS):
        raise BundleError(
            f"Expected an activation among {', '.join(sorted(ACTIVATIONS))}. Received: {str(value)[:60]!r}"
        )
    if key == "compile_config" and value:
        raise BundleError("Expected a model without an optimizer. Received: one with a compile_config")
    if key in ("units", "filters", "depth_multiplier") and not (isinstance(value, int) and 0 < value <= MAX_WIDTH):
        raise BundleError(f"Expected {key!r} between 1 and {MAX_WIDTH}. Received: {str(value)[:40]}")


def _check_object(entry: dict[str, Any]) -> None:
    name, module = entry["class_name"], entry.get("module")
    if name == "__keras_tensor__" and module is None:
        return
    if entry.get("registered_name") not in (None, name):
        raise BundleError(f"Expected only Keras' own classes. Received: {str(entry['registered_name'])[:60]!r}")
    allowed = (
        (module == "keras.layers" and name in LAYERS)
        or (module, name) in MODELS
        or (module, name) in OPERATIONS
        or (module == "keras.initializers" and name in INITIALIZERS)
        or (module == "keras.regularizers" and name in REGULARIZERS)
        or (module, name) == ("keras", "DTypePolicy")
    )
    if not allowed:
        raise BundleError(
            f"Expected only layers that Hemo's networks use. Received: {str(module)[:60]}.{str(name)[:60]}"
        )
    inner = entry.get("config")
    if name == "TimeDistributed" and isinstance(inner, dict) and inner.get("layer", {}).get("class_name") != "Flatten":
        raise BundleError("Expected TimeDistributed around Flatten only. Received: another layer in it")
    if name == "InputLayer" and isinstance(inner, dict):
        _check_input(inner.get("batch_shape"))


def _check_input(shape: object) -> None:
    if not (
        isinstance(shape, list)
        and len(shape) == 4
        and shape[0] is None
        and all(isinstance(side, int) and 0 < side <= MAX_INPUT_SIDE for side in shape[1:])
        and shape[3] == 1
    ):
        raise BundleError(
            f"Expected an input of shape (null, side, side, 1), side ≤ {MAX_INPUT_SIDE}. Received: {shape}"
        )


def _parameters(entry: dict[str, Any]) -> int:
    """How many parameters a convolution or dense layer will allocate, from its config and its build shape."""
    name, inner = entry["class_name"], entry.get("config")
    if name not in ("Dense", "Conv2D", "DepthwiseConv2D") or not isinstance(inner, dict):
        return 0
    build = entry.get("build_config")
    shape = build.get("input_shape") if isinstance(build, dict) else None
    if not (isinstance(shape, list) and shape and isinstance(shape[-1], int)):
        raise BundleError(f"Expected the build shape of every {name} layer. Received: {str(shape)[:60]}")
    channels = shape[-1]
    if name == "Dense":
        return channels * int(inner.get("units", 0))
    kernel = inner.get("kernel_size")
    if not (isinstance(kernel, list) and len(kernel) == 2 and all(isinstance(k, int) and 0 < k <= 64 for k in kernel)):
        raise BundleError(f"Expected a kernel of two sides from 1 to 64. Received: {str(kernel)[:60]}")
    if name == "DepthwiseConv2D":
        return math.prod(kernel) * channels * int(inner.get("depth_multiplier", 1))
    return math.prod(kernel) * channels * int(inner.get("filters", 0)) // max(int(inner.get("groups") or 1), 1)
