"""Where the network reacted: the evidence map behind a logit, traced once and computed with the call.

Three kinds of network:

- a network with an "evidence" output, one logit a place, gives its own map: the sigmoid of it, already in [0, 1];
- a global average pool followed by one dense layer gives the class activation map in the same pass, because
  logit = mean over places of (features · weights) + bias (Zhou et al., CVPR 2016);
- any other network gives Grad-CAM (Selvaraju et al., ICCV 2017) on the logit, never on the saturated probability. The
  channel weights are the gradients *summed* over places rather than averaged, so that on a network of the second kind
  Grad-CAM equals the class activation map.

A map is evidence for the call, not a segmentation: it says where the network reacted, not where the bleed is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np

from hemo.errors import BundleError

HeatKind = Literal["evidence", "cam", "gradcam"]
# Share of called images whose peak fits under the top of the scale; the rest are clipped there.
SCALE_QUANTILE = 0.99
SMALLEST_SCALE = 1e-3
# Grey level up to which a pixel counts as air, compression noise included, and the share of a map's cell that must be
# head for the cell to count.
AIR = 8
SMALLEST_COVER = 0.05
EVIDENCE_BLUR = 0.8
"""Standard deviation, in places, of the blur of an evidence output's map. A place sees far more than its own few
pixels, so its neighbours answer for the same bleed; a peak that stands in one place alone is mostly noise."""
_PASSED_OVER = ("Dropout", "Flatten", "Identity")


@dataclass(frozen=True)
class HeatSource:
    """Which tensor of a network the heat map is read from.

    Args:
        kind: how the map is computed.
        layer: name of the layer whose output it is read from.
    """

    kind: HeatKind
    layer: str


def find_heat_source(model: Any) -> HeatSource:
    """Find how this network's heat map is computed.

    Args:
        model: a Functional `keras.Model` that ends in `{"logit", "evidence"}`, in a dense logit or in a softmax of two.

    Raises:
        BundleError: the network ends in something else.
    """
    if isinstance(model.output, dict):
        if {"logit", "evidence"} <= set(model.output):
            return HeatSource("evidence", _producer(model.output["evidence"]).name)
        raise BundleError(f"Expected outputs named logit and evidence. Received: {', '.join(model.output)}")
    below = _producer(_head(model).input)
    while type(below).__name__ in _PASSED_OVER:
        below = _producer(below.input)
    if type(below).__name__ == "GlobalAveragePooling2D":
        return HeatSource("cam", _producer(below.input).name)
    while type(below).__name__ != "Conv2D":
        if type(below).__name__ == "InputLayer" or isinstance(below.input, list):
            raise BundleError(
                "Expected a chain of layers from the last Conv2D to the head. Received: a branched network"
            )
        below = _producer(below.input)
    return HeatSource("gradcam", below.name)


def feature_layer(model: Any) -> str:
    """Name of the layer whose features, float (N, h, w, C), the call is made from: the last before any pooling.

    For a network with an evidence output it is the layer below the evidence convolution ("smooth_relu" in one lite0,
    "features" in several joined), for any other the one that its heat map is read from. Gradient methods and embeddings
    apply to it.

    Raises:
        BundleError: as `find_heat_source`.
    """
    source = find_heat_source(model)
    if source.kind != "evidence":
        return source.layer
    below = _producer(model.get_layer(source.layer).input)
    while "Dropout" in type(below).__name__:
        below = _producer(below.input)
    return str(below.name)


def features_and_last(model: Any) -> Any:
    """A `keras.Model` from images to [features of `feature_layer`, what `logit_of` makes the logit from]."""
    import keras

    last = model.output["logit"] if isinstance(model.output, dict) else _head(model).input
    return keras.Model(model.input, [model.get_layer(feature_layer(model)).output, last])


def logit_of(model: Any, last: Any) -> Any:
    """Logit of hemorrhage, float32 (N,), from the second output of `features_and_last`."""
    import tensorflow as tf

    if isinstance(model.output, dict):
        return tf.cast(tf.reshape(last, [-1]), tf.float32)
    kernel, bias = _logit_weights(_head(model))
    return tf.linalg.matvec(tf.cast(last, tf.float32), kernel) + bias


def forward_with_heat(model: Any) -> Callable[[Any], tuple[Any, Any]]:
    """The function that computes a batch's logits and evidence maps; call it inside a `tf.function`.

    Args:
        model: as for `find_heat_source`.

    Returns:
        A function from images, float32 (N, S, S, 1) in [0, 1], to the logits of hemorrhage, float32 (N,), and their
        evidence maps, float32 (N, h, w): the sigmoid of an evidence output, else in units of logit, not below zero.
    """
    forward = forward_with_embedding(model)

    def without(images: Any) -> tuple[Any, Any]:
        return forward(images)[:2]  # the traced graph drops what is not returned

    return without


def forward_with_embedding(model: Any) -> Callable[[Any], tuple[Any, Any, Any]]:
    """Like `forward_with_heat`, and in the same pass what the network makes of each slice as a whole.

    Returns:
        A function from images to logits, evidence maps and embeddings, float32 (N, D): the global average of the
        fused features where the network ends in an evidence map, else the input of the dense layer of the call.
    """
    import keras
    import tensorflow as tf

    kind = find_heat_source(model).kind
    if kind == "evidence":
        features = model.get_layer(feature_layer(model)).output
        every = keras.Model(model.input, dict(model.output) | {"features": features})

        def evidence(images: Any) -> tuple[Any, Any, Any]:
            outputs = every(images, training=False)
            logit = tf.cast(tf.reshape(outputs["logit"], [-1]), tf.float32)
            embedding = tf.reduce_mean(tf.cast(outputs["features"], tf.float32), axis=[1, 2])
            return logit, tf.sigmoid(tf.cast(outputs["evidence"][..., 0], tf.float32)), embedding

        return evidence

    both = features_and_last(model)

    def cam(images: Any) -> tuple[Any, Any, Any]:
        features, pooled = both(images, training=False)
        kernel, _ = _logit_weights(_head(model))
        heat = tf.nn.relu(tf.linalg.matvec(tf.cast(features, tf.float32), kernel))
        return logit_of(model, pooled), heat, tf.cast(pooled, tf.float32)

    def gradcam(images: Any) -> tuple[Any, Any, Any]:
        features, pooled = both(images, training=False)
        logit = logit_of(model, pooled)
        (gradient,) = tf.gradients(logit, features)
        weights = tf.reduce_sum(gradient, axis=[1, 2])
        heat = tf.nn.relu(tf.einsum("nhwc,nc->nhw", features, weights))
        return logit, heat, tf.cast(pooled, tf.float32)

    return cam if kind == "cam" else gradcam


def fit_heat_scale(logit: np.ndarray, evidence: np.ndarray) -> float:
    """The constant that heat maps of one bundle are divided by.

    One constant a bundle, not one an image: a weak response then looks weak, and the slices of a study can be compared.
    It is the 99th percentile of the peaks of the images called hemorrhage (logit above zero), or of all images where
    none is. A network with an evidence output needs none.

    Args:
        logit: float (N,).
        evidence: float (N, h, w), not below zero.
    """
    peaks = evidence.reshape(len(evidence), -1).max(axis=1) if len(evidence) else np.zeros(0)
    called = peaks[logit > 0]
    chosen = called if len(called) else peaks
    return max(float(np.quantile(chosen, SCALE_QUANTILE)), SMALLEST_SCALE) if len(chosen) else 1.0


def inside_head(maps: np.ndarray, images: np.ndarray, blur: float = 0.0) -> np.ndarray:
    """Maps that are zero where the prepared image shows nothing: outside the head.

    There is nothing to point at, and yet networks react there: they keep a summary of the whole slice in an empty
    corner (Darcet et al., "Vision Transformers Need Registers", ICLR 2024, describe the same). The score keeps that
    reaction; the map, which is read as a place, does not.

    Args:
        maps: float (N, h, w), each covering its image evenly.
        images: uint8 (N, S, S) grey levels.
        blur: standard deviation of a Gaussian blur of what lies inside, in places; 0 blurs nothing.

    Returns:
        float32 (N, h, w).
    """
    size = (maps.shape[2], maps.shape[1])
    inside = np.stack([cv2.resize(_outline(image), size, interpolation=cv2.INTER_AREA) for image in images])
    kept = np.where(inside >= SMALLEST_COVER, maps, 0).astype(np.float32)
    if blur:
        kept = np.stack([cv2.GaussianBlur(each, (0, 0), blur) for each in kept])
        kept[inside < SMALLEST_COVER] = 0
    return kept


def heat_of_evidence(logits: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Heat maps in [0, 1] of an evidence output, float32 (N, h, w), from its logits (N, h, w) and images (N, S, S)."""
    return inside_head(1.0 / (1.0 + np.exp(-logits.astype(np.float32))), images, EVIDENCE_BLUR)


def _outline(image: np.ndarray) -> np.ndarray:
    """1 inside the outlines of what is brighter than air, air within the head included; float32 (S, S)."""
    contours, _ = cv2.findContours((image > AIR).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = np.zeros(image.shape, np.uint8)
    cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
    return filled.astype(np.float32)


def _producer(tensor: Any) -> Any:
    return tensor._keras_history.operation


def _head(model: Any) -> Any:
    """The dense layer that the call comes from."""
    if isinstance(model.output, list | tuple | dict):
        raise BundleError("Expected one output, a logit or a softmax of two. Received: several outputs")
    head = _producer(model.output)
    name, units = type(head).__name__, getattr(head, "units", None)
    activation = getattr(getattr(head, "activation", None), "__name__", None)
    if name == "Dense" and (units, activation) in ((1, "linear"), (1, "sigmoid"), (2, "softmax")):
        return head
    raise BundleError(
        "Expected a network that ends in a dense layer with one logit or a softmax of two. "
        f"Received: {name} with {units} units and activation {activation}"
    )


def _logit_weights(head: Any) -> tuple[Any, Any]:
    """The head's weights of the logit of hemorrhage: for a softmax of two, the difference of its two columns."""
    import tensorflow as tf

    kernel = tf.cast(tf.convert_to_tensor(head.kernel), tf.float32)
    bias = (
        tf.cast(tf.convert_to_tensor(head.bias), tf.float32) if head.bias is not None else tf.zeros([kernel.shape[1]])
    )
    if kernel.shape[1] == 1:
        return kernel[:, 0], bias[0]
    return kernel[:, 1] - kernel[:, 0], bias[1] - bias[0]
