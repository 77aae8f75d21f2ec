"""Fused batch normalisation: the numbers of the plain one, in outputs, gradients and moving statistics."""

from typing import Any

import numpy as np
import pytest

from hemo.model.fused_normalisation import with_fused_normalisation


@pytest.fixture
def network() -> Any:
    import keras

    image = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(8, 3, name="first")(image)
    x = keras.layers.BatchNormalization(momentum=0.5, name="first_bn")(x)
    x = keras.layers.Conv2D(4, 3, name="second")(x)
    x = keras.layers.BatchNormalization(epsilon=0.1, name="second_bn")(x)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x)))
    generator = np.random.default_rng(3)
    model.set_weights([generator.uniform(0.5, 1.5, value.shape) for value in model.get_weights()])
    model.get_layer("first").trainable = False
    return model


def test_a_step_of_training_is_that_of_the_plain_network(network: Any) -> None:
    import tensorflow as tf

    fused = with_fused_normalisation(network)
    images = np.random.default_rng(4).random((5, 12, 12, 3), np.float32)
    outputs, gradients = [], []
    for model in (network, fused):
        with tf.GradientTape() as tape:
            outputs.append(model(images, training=True))
            loss = tf.reduce_sum(outputs[-1] ** 2)
        gradients.append(tape.gradient(loss, [value.value for value in model.trainable_variables]))
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-4)
    assert [value.path for value in fused.weights] == [value.path for value in network.weights]
    assert len(gradients[0]) == len(gradients[1]) == 6, "what is not trained of the plain network is not in the fused"
    for plain, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(other, plain, rtol=1e-3, atol=1e-4)
    moved = [np.abs(np.asarray(value) - 1.0).max() for value in fused.get_layer("first_bn").non_trainable_variables]
    assert min(moved) > 0.01
    for plain, other in zip(network.get_weights(), fused.get_weights(), strict=True):
        np.testing.assert_allclose(other, plain, rtol=1e-5, atol=1e-6)


def test_frozen_and_predicting_it_uses_the_moving_statistics(network: Any) -> None:
    fused = with_fused_normalisation(network)
    images = np.random.default_rng(5).random((2, 12, 12, 3), np.float32)
    expected = np.asarray(network(images, training=False))
    assert np.array_equal(fused(images, training=False), expected)
    fused.trainable = False
    assert np.array_equal(fused(images, training=True), expected)


def test_the_plain_networks_own_layers_are_left_alone(network: Any) -> None:
    import keras

    fused = with_fused_normalisation(network)
    assert type(network.get_layer("first_bn")) is keras.layers.BatchNormalization
    assert type(fused.get_layer("first_bn")) is not keras.layers.BatchNormalization
    assert fused.get_layer("second_bn").epsilon == 0.1
