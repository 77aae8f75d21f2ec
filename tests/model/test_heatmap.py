"""Heat maps agree with the definitions they cite, computed here the slow and eager way."""

from typing import Any

import numpy as np
import pytest

from hemo.errors import BundleError
from hemo.model.heatmap import (
    AIR,
    EVIDENCE_BLUR,
    HeatSource,
    find_heat_source,
    fit_heat_scale,
    forward_with_heat,
    heat_of_evidence,
    inside_head,
)

SIZE = 32


def pooled_model(units: int = 1, activation: str | None = None) -> Any:
    import keras

    image = keras.Input((SIZE, SIZE, 1))
    x = keras.layers.Conv2D(6, 3, strides=2, activation="relu", name="features")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.5)(x)
    return keras.Model(image, keras.layers.Dense(units, activation=activation, bias_initializer="ones")(x))


def flat_model() -> Any:
    """The published network's shape in small: pooled after the last convolution, two dense layers, softmax of two."""
    import keras

    image = keras.Input((SIZE, SIZE, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(image)
    x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.Conv2D(6, 3, padding="same", activation="relu", name="last")(x)
    x = keras.layers.Dropout(0.5)(x)
    x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.TimeDistributed(keras.layers.Flatten())(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(8, activation="relu")(x)
    return keras.Model(image, keras.layers.Dense(2, activation="softmax")(x))


def traced(model: Any, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow as tf

    logit, evidence = tf.function(forward_with_heat(model))(tf.constant(images))
    return logit.numpy(), evidence.numpy()


def eager_gradcam(model: Any, layer: str, images: np.ndarray) -> np.ndarray:
    """Grad-CAM with a GradientTape on log-odds, sum over places as the channel weight."""
    import keras
    import tensorflow as tf

    both = keras.Model(model.input, [model.get_layer(layer).output, model.output])
    with tf.GradientTape() as tape:
        features, output = both(images, training=False)
        target = tf.math.log(output[:, 1]) - tf.math.log(output[:, 0]) if output.shape[1] == 2 else output[:, 0]
    weights = tf.reduce_sum(tape.gradient(target, features), axis=[1, 2], keepdims=True)
    return tf.nn.relu(tf.reduce_sum(features * weights, axis=-1)).numpy()


@pytest.fixture(autouse=True)
def same_weights_every_time() -> None:
    import keras

    keras.utils.set_random_seed(7)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(5).random((4, SIZE, SIZE, 1)).astype(np.float32)


def test_cam_equals_gradcam_where_the_head_is_pooled(images: np.ndarray) -> None:
    model = pooled_model()
    assert find_heat_source(model).kind == "cam"
    logit, evidence = traced(model, images)
    np.testing.assert_allclose(logit, model(images).numpy()[:, 0], rtol=1e-5)
    np.testing.assert_allclose(evidence, eager_gradcam(model, "features", images), atol=1e-5)


def test_gradcam_equals_the_eager_one_on_the_log_odds(images: np.ndarray) -> None:
    model = flat_model()
    assert find_heat_source(model) == HeatSource("gradcam", "last")
    logit, evidence = traced(model, images)
    probability = model(images).numpy()
    np.testing.assert_allclose(logit, np.log(probability[:, 1]) - np.log(probability[:, 0]), atol=1e-5)
    expected = eager_gradcam(model, "last", images)
    assert expected.max() > 0
    np.testing.assert_allclose(evidence, expected, atol=1e-5)


def test_a_softmax_head_after_a_pool_uses_the_difference_of_its_columns(images: np.ndarray) -> None:
    model = pooled_model(units=2, activation="softmax")
    logit, evidence = traced(model, images)
    probability = model(images).numpy()
    np.testing.assert_allclose(logit, np.log(probability[:, 1] / probability[:, 0]), atol=1e-5)
    np.testing.assert_allclose(evidence, eager_gradcam(model, "features", images), atol=1e-5)


def test_gradcam_does_not_vanish_where_the_probability_saturates(images: np.ndarray) -> None:
    model = flat_model()
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel, bias + np.array([-60.0, 60.0], np.float32)])
    assert model(images).numpy()[:, 1].min() == 1.0
    assert traced(model, images)[1].max() > 0


def test_an_evidence_output_is_the_heat_map_itself(images: np.ndarray) -> None:
    import keras

    image = keras.Input((SIZE, SIZE, 1))
    evidence = keras.layers.Conv2D(1, 3, strides=4, name="evidence")(image)
    logit = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(evidence))
    model = keras.Model(image, {"logit": logit, "evidence": evidence})
    values, maps = traced(model, images)
    outputs = model(images)
    np.testing.assert_allclose(maps, 1 / (1 + np.exp(-outputs["evidence"].numpy()[..., 0])), atol=1e-6)
    np.testing.assert_allclose(values, outputs["logit"].numpy()[:, 0], atol=1e-6)


def test_a_network_that_ends_in_something_else_is_refused() -> None:
    import keras

    image = keras.Input((SIZE, SIZE, 1))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(3, 3)(image))
    with pytest.raises(BundleError, match="Received: Dense with 3 units"):
        find_heat_source(keras.Model(image, keras.layers.Dense(3)(x)))
    with pytest.raises(BundleError, match="Received: GlobalAveragePooling2D"):
        find_heat_source(keras.Model(image, x))
    with pytest.raises(BundleError, match="Received: one, two"):
        find_heat_source(keras.Model(image, {"one": x, "two": x}))
    flat = keras.layers.Dense(1)(keras.layers.Flatten()(image))
    with pytest.raises(BundleError, match="last Conv2D"):
        find_heat_source(keras.Model(image, flat))


def test_outside_the_head_a_map_is_zero_and_within_it_nothing_changes() -> None:
    image = np.zeros((64, 64), np.uint8)
    image[:8, 56:] = AIR  # compression noise in the corner
    rows, columns = np.mgrid[:64, :64]
    radius = np.hypot(rows - 32, columns - 32)
    image[radius < 24] = 90
    image[radius < 6] = 0  # air within the head stays part of it
    maps = np.random.default_rng(0).random((1, 16, 16)).astype(np.float32) + 0.1
    kept = inside_head(maps, image[np.newaxis])[0]
    np.testing.assert_array_equal(kept[5:11, 5:11], maps[0, 5:11, 5:11])
    np.testing.assert_array_equal(kept[[0, 0, -1, -1], [0, -1, 0, -1]], 0)
    assert set(np.unique(kept[kept > 0])) <= set(np.unique(maps))
    whole = np.full((1, 64, 64), 90, np.uint8)
    np.testing.assert_array_equal(inside_head(maps, whole), maps)


def test_one_place_alone_does_not_outshine_a_patch() -> None:
    images = np.zeros((1, 128, 128), np.uint8)
    images[0, 16:112, 16:112] = 90
    logits = np.full((1, 16, 16), -6.0, np.float32)
    logits[0, 4, 4] = 3.0  # alone
    logits[0, 9:12, 9:12] = 2.0
    logits[0, 0, 0] = 9.0  # in the air
    heat = heat_of_evidence(logits, images)[0]
    assert np.unravel_index(heat.argmax(), heat.shape) == (10, 10)
    assert heat[4, 4] > 5 * heat[4, 8] and heat[:2].max() == 0 and heat.max() <= 1
    np.testing.assert_array_equal(inside_head(1 / (1 + np.exp(-logits)), images, EVIDENCE_BLUR)[0], heat)


def test_the_scale_is_the_high_end_of_the_called_images_peaks() -> None:
    evidence = np.zeros((101, 2, 2), np.float32)
    evidence[:, 0, 0] = np.arange(101)
    logit = np.ones(101)
    assert fit_heat_scale(logit, evidence) == pytest.approx(99.0)
    logit[51:] = -1
    assert fit_heat_scale(logit, evidence) == pytest.approx(49.5)
    assert fit_heat_scale(-np.ones(101), evidence) == pytest.approx(99.0)
    assert fit_heat_scale(logit, np.zeros_like(evidence)) > 0
