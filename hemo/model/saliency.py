"""Second opinions on where a network reacts, to hold its heat map against: Grad-CAM, Grad-CAM++, integrated gradients.

All on the logit. The first two apply to the last features before any pooling: in lite0 those that the evidence
convolution is applied to.
"""

from typing import Any

import cv2
import numpy as np

from hemo.model.heatmap import features_and_last, forward_with_heat, logit_of

GRAD_CAM, GRAD_CAM_PLUS = "Grad-CAM", "Grad-CAM++"
STEPS = 16
_BATCH = 16
_SMOOTH = 0.02  # of the image's side: single pixels of a gradient are noise to a reader


def gradient_cams(model: Any, images: np.ndarray) -> dict[str, np.ndarray]:
    """Grad-CAM and Grad-CAM++ from the same gradients.

    Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1 and 2) weights each channel with the mean of its gradient g.
    Grad-CAM++ (Chattopadhyay et al., WACV 2018, eq. 19 and 5) weights it with the sum of alpha · relu(g), where
    alpha = g² / (2 g² + sum(A) g³) at each place and A is the channel itself, so that several places, and small ones,
    count as much as one large one. Their score is exp(logit): its positive factor is the same at every place of a
    slice and left out.

    Args:
        model: a Functional `keras.Model`, as for `hemo.model.heatmap.find_heat_source`.
        images: uint8 (N, S, S).

    Returns:
        name → float32 (N, h, w), not below zero, on no common scale.
    """
    import tensorflow as tf

    both, size = features_and_last(model), images.shape[1]

    @tf.function(input_signature=[tf.TensorSpec((None, size, size), tf.uint8)], jit_compile=False, autograph=False)
    def cams(batch: Any) -> tuple[Any, Any]:
        features, last = both(tf.cast(batch[..., tf.newaxis], tf.float32) / 255.0, training=False)
        (gradient,) = tf.gradients(logit_of(model, last), features)
        plain = tf.reduce_mean(gradient, axis=[1, 2])
        square, total = gradient**2, tf.reduce_sum(features, axis=[1, 2], keepdims=True)
        alpha = tf.math.divide_no_nan(square, 2.0 * square + total * gradient**3)
        plus = tf.reduce_sum(alpha * tf.nn.relu(gradient), axis=[1, 2])
        return tuple(tf.nn.relu(tf.einsum("nhwc,nc->nhw", features, weights)) for weights in (plain, plus))

    parts = [cams(tf.constant(images[start : start + _BATCH])) for start in range(0, len(images), _BATCH)]
    return {
        name: np.concatenate([part[i].numpy() for part in parts]).astype(np.float32)
        for i, name in enumerate((GRAD_CAM, GRAD_CAM_PLUS))
    }


def integrated_gradients(model: Any, images: np.ndarray, steps: int = STEPS) -> np.ndarray:
    """Attribution of the logit of hemorrhage to each pixel (Sundararajan, Taly & Yan, ICML 2017).

    The gradient of the logit, averaged along the straight way from a black image to the slice, times the slice. Black
    is air, so what is attributed is what the head adds to it.

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
