"""Reading a slice: one traced pass against `model.predict` and an eager Grad-CAM, and against a bare forward pass."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hemo.bench.ratio import Ratio, interleaved
from hemo.workspace import REPOSITORY

LOOPED = 10
BATCH = 100
EAGER = "model.predict and an eager GradientTape Grad-CAM, slice by slice"


def run() -> list[Ratio]:
    """Time the published network, whose heat map takes a gradient, both networks whose map comes with the pass, and the
    shipped one, which is two of the latter joined.

    The networks of the registry are untrained: what they cost does not depend on what they learned.
    """
    from hemo.model.architectures import ARCHITECTURES
    from hemo.model.bundle import find_bundle

    ratios = []
    for name in ("seed_cnn", "compact", "lite0"):
        architecture = ARCHITECTURES[name]
        model = architecture.build(architecture.preparation.size)
        images = _images(architecture.preparation.size)
        ratios += _against_eager(name, model, images)
        if architecture.heat != "gradcam":
            ratios += _against_forward(name, model, images)
    shipped = find_bundle(REPOSITORY / "models")
    images = _images(shipped.preparation.size)
    return ratios + _against_forward(f"{shipped.name} as shipped", shipped.load_model(), images)


def _images(size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (BATCH, size, size)).astype(np.uint8)


def _against_eager(name: str, model: Any, images: np.ndarray) -> list[Ratio]:
    from hemo.model.predictor import TracedNetwork

    network = TracedNetwork(model)
    eager = eager_reading(model)
    looped = images[:LOOPED]
    seconds = interleaved(
        {
            "eager": lambda: [eager(image) for image in looped],
            "one by one": lambda: [network.run(image[np.newaxis]) for image in looped],
            "batch": lambda: network.run(images),
        },
        repeats=5,
        warm_up=1,
    )
    each = seconds["eager"] / LOOPED
    return [
        Ratio.at_least(f"{name}: one slice with heat map", EAGER, each, seconds["one by one"] / LOOPED, 8),
        Ratio.at_least(f"{name}: {BATCH} slices with heat maps", EAGER, each * BATCH, seconds["batch"], 15),
    ]


def _against_forward(name: str, model: Any, images: np.ndarray) -> list[Ratio]:
    from hemo.model.predictor import TracedNetwork

    network = TracedNetwork(model)
    bare = bare_forward(model)
    one = images[:1]
    seconds = interleaved({"bare": lambda: bare(one), "ours": lambda: network.run(one)}, repeats=60, warm_up=5)
    return [
        Ratio.at_most(
            f"{name}: one slice with heat map",
            "one bare forward pass, traced",
            seconds["bare"],
            seconds["ours"],
            1.5,
        )
    ]


def eager_reading(model: Any) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """The usual way: `model.predict`, then Grad-CAM with a GradientTape, nothing traced by hand.

    Args:
        model: a network of the registry.

    Returns:
        A function from one image, uint8 (S, S), to the network's output and a heat map, float32 (h, w).
    """
    import keras
    import tensorflow as tf

    from hemo.model.heatmap import find_heat_source

    output = model.output["logit"] if isinstance(model.output, dict) else model.output
    layer = model.get_layer(find_heat_source(model).layer)
    # Of a network with an evidence map, the features below the map: the map itself would leave nothing to weigh.
    features = layer.input if find_heat_source(model).kind == "evidence" else layer.output
    both = keras.Model(model.input, [features, output])
    plain = keras.Model(model.input, output)

    def read(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        batch = image[np.newaxis, ..., np.newaxis].astype(np.float32) / 255
        answer = plain.predict(batch, verbose=0)
        with tf.GradientTape() as tape:
            maps, scores = both(batch, training=False)
            target = scores[:, -1]
        weights = tf.reduce_mean(tape.gradient(target, maps), axis=(1, 2), keepdims=True)
        heat = tf.nn.relu(tf.reduce_sum(maps * weights, axis=-1))[0]
        return answer, heat.numpy()

    return read


def bare_forward(model: Any, batch: int | None = 1) -> Callable[[np.ndarray], np.ndarray]:
    """The cheapest way to a score alone: one traced forward pass with a fixed signature, no heat map.

    Args:
        model: a network of the registry.
        batch: images a call; None takes any number.
    """
    import keras
    import tensorflow as tf

    output = model.output["logit"] if isinstance(model.output, dict) else model.output
    plain = keras.Model(model.input, output)
    size = int(model.input.shape[1])

    def score(images: Any) -> Any:
        return plain(tf.cast(images[..., tf.newaxis], tf.float32) / 255.0, training=False)

    traced = tf.function(score, input_signature=[tf.TensorSpec((batch, size, size), tf.uint8)], jit_compile=False)
    return lambda images: traced(images).numpy()
