"""A second opinion on where a network reacts: integrated gradients, to hold the heat map against.

Sundararajan, Taly & Yan, ICML 2017: the gradient of the logit, averaged along the straight way from a black image to
the slice, times the slice. Black is air, so what is attributed is what the head adds to it.
"""

from typing import Any

import cv2
import numpy as np

from hemo.model.heatmap import forward_with_heat

STEPS = 16
_SMOOTH = 0.02  # of the image's side: single pixels of a gradient are noise to a reader


def integrated_gradients(model: Any, images: np.ndarray, steps: int = STEPS) -> np.ndarray:
    """Attribution of the logit of hemorrhage to each pixel.

    Args:
        model: a Functional `keras.Model`, as for `hemo.model.heatmap.find_heat_source`.
        images: uint8 (N, S, S).
        steps: points of the way from black to the slice.

    Returns:
        float32 (N, S, S), what speaks for hemorrhage, smoothed, not below zero.
    """
    import tensorflow as tf

    forward = forward_with_heat(model)
    size = images.shape[1]

    @tf.function(input_signature=[tf.TensorSpec((None, size, size, 1), tf.float32)], jit_compile=False, autograph=False)
    def gradient(batch: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(batch)
            logit, _ = forward(batch)
        return tape.gradient(logit, batch)

    way = (np.arange(steps, dtype=np.float32) + 0.5) / steps
    maps = []
    for image in images:
        scaled = image.astype(np.float32)[..., np.newaxis] / 255.0
        mean = gradient(tf.constant(way[:, None, None, None] * scaled)).numpy().mean(axis=0)
        attribution = np.maximum(mean * scaled, 0.0)[..., 0]
        maps.append(cv2.GaussianBlur(attribution, (0, 0), sigmaX=_SMOOTH * size))
    return np.stack(maps).astype(np.float32)
