"""Integrated gradients: on a network whose answer is known, attribution is what completeness says it must be."""

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
