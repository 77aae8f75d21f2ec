"""Saliency: on networks whose answer is known, maps are what their formulas say."""

import numpy as np
import pytest


def test_attribution_sums_to_the_logit_of_a_linear_network() -> None:
    keras = pytest.importorskip("keras")
    from hemo.model.saliency import integrated_gradients

    inputs = keras.Input((16, 16, 1))
    features = keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", name="features")(inputs)
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    logit = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(pooled)
    model = keras.Model(inputs, logit)
    image = np.zeros((1, 16, 16), np.uint8)
    image[0, 4:8, 10:14] = 255
    maps = integrated_gradients(model, image, steps=4)
    assert maps.shape == (1, 16, 16)
    assert maps.sum() == pytest.approx(16 / 256, rel=1e-3)  # the logit is the mean of the image
    row, column = np.unravel_index(maps[0].argmax(), (16, 16))
    assert 4 <= row < 8
    assert 10 <= column < 14


def features_network():  # type: ignore[no-untyped-def]
    """Two channels, the picture and its negative, pooled; the logit is 3 times the first less the second."""
    keras = pytest.importorskip("keras")
    inputs = keras.Input((16, 16, 1))
    features = keras.layers.Conv2D(2, 1, name="features", activation="relu")(inputs)
    logit = keras.layers.Dense(1, use_bias=False)(keras.layers.GlobalAveragePooling2D()(features))
    model = keras.Model(inputs, logit)
    model.get_layer("features").set_weights([np.array([[[[1.0, -1.0]]]]), np.array([0.0, 1.0])])
    model.layers[-1].set_weights([np.array([[3.0], [-1.0]])])
    return model


def test_grad_cam_weights_a_channel_with_its_mean_gradient() -> None:
    from hemo.model.saliency import GRAD_CAM, gradient_cams

    image = np.random.default_rng(0).integers(0, 255, (2, 16, 16)).astype(np.uint8)
    found = gradient_cams(features_network(), image)[GRAD_CAM]
    first = image / 255
    expected = np.maximum(3 / 256 * first - 1 / 256 * (1 - first), 0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_grad_cam_plus_plus_follows_the_published_formula() -> None:
    from hemo.model.saliency import GRAD_CAM_PLUS, gradient_cams

    image = np.random.default_rng(1).integers(0, 255, (1, 16, 16)).astype(np.uint8)
    found = gradient_cams(features_network(), image)[GRAD_CAM_PLUS][0]
    first = image[0] / 255
    channels, slopes = (first, 1 - first), (3 / 256, -1 / 256)
    weights = []
    for channel, g in zip(channels, slopes, strict=True):  # eq. 19 and 5, a gradient that is the same at every place
        alpha = g**2 / (2 * g**2 + channel.sum() * g**3)
        weights.append(channel.size * alpha * max(g, 0))
    expected = np.maximum(weights[0] * channels[0] + weights[1] * channels[1], 0)
    np.testing.assert_allclose(found, expected, rtol=1e-3)
