"""The published network, layer by layer, so that its figures can be reproduced.

15.8 M parameters at 256×256, nearly all of them between the last feature map and the dense layer.
"""

from typing import Any

from hemo.ct.preparation import Preparation
from hemo.model.architectures.architecture import Architecture

IMAGE_SIZE = 256


def build(image_size: int = IMAGE_SIZE) -> Any:
    """The published network as a Functional model (the published code is Sequential; the layers are the same).

    Args:
        image_size: side of the square input; 256 as published.

    Returns:
        Uncompiled `keras.Model` from (N, S, S, 1) in [0, 1] to a softmax over (normal, hemorrhage).
    """
    from keras import Input, Model, layers

    image = Input((image_size, image_size, 1), name="image")
    x = layers.Conv2D(12, 3, activation="relu", name="conv_1")(image)  # no padding, as published
    x = layers.BatchNormalization(name="norm_1")(x)
    x = layers.MaxPooling2D(2, name="pool_1")(x)
    x = layers.Conv2D(24, 3, padding="same", activation="relu", name="conv_2")(x)
    x = layers.Dropout(0.2, name="dropout_2")(x)
    x = layers.MaxPooling2D(2, name="pool_2")(x)
    x = layers.Conv2D(64, 3, padding="same", activation="relu", name="conv_3")(x)
    x = layers.Dropout(0.5, name="dropout_3")(x)
    x = layers.MaxPooling2D(2, name="pool_3")(x)
    x = layers.TimeDistributed(layers.Flatten(), name="flatten_rows")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(256, activation="relu", name="dense")(x)
    x = layers.Dropout(0.5, name="dropout_4")(x)
    probabilities = layers.Dense(2, activation="softmax", name="probabilities")(x)
    return Model(image, probabilities, name="seed_cnn")


ARCHITECTURE = Architecture(
    name="seed_cnn",
    build=build,
    preparation=Preparation(kind="whole", size=IMAGE_SIZE),
    description="The published network: three convolutions and a large dense layer, 15.8 M parameters.",
    heat="gradcam",
)
