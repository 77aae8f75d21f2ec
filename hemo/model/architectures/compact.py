"""A modern compact network: residual stages, global average pooling, one logit; about half a million parameters.

Plain 3×3 convolutions rather than depthwise ones: they train several times faster on a CPU. The head is global
average pooling and one dense layer, so the class activation map comes out of the forward pass (Zhou et al.,
"Learning Deep Features for Discriminative Localization", CVPR 2016).
"""

from typing import Any

from hemo.ct.preparation import Preparation
from hemo.model.architectures.architecture import Architecture

IMAGE_SIZE = 192
STEM_WIDTH = 16
STAGE_WIDTHS = (32, 64, 128)
# Keras' default of 0.99 needs thousands of steps before the moving statistics fit; small sets give hundreds.
NORM_MOMENTUM = 0.9


def build(image_size: int = IMAGE_SIZE) -> Any:
    """The compact network.

    Args:
        image_size: side of the square input; the last feature map has a sixteenth of it.

    Returns:
        Uncompiled Functional `keras.Model` from (N, S, S, 1) in [0, 1] to one logit of hemorrhage, (N, 1).
    """
    from keras import Input, Model, layers

    image = Input((image_size, image_size, 1), name="image")
    # Centers the grey levels of a brain window around zero, with a spread near one.
    x = layers.Rescaling(4.0, offset=-1.0, name="centre")(image)
    x = _convolution(x, STEM_WIDTH, "stem", kernel=5, strides=2)
    for number, width in enumerate(STAGE_WIDTHS, start=1):
        x = _convolution(x, width, f"stage_{number}_down", strides=2)
        x = _residual(x, width, f"stage_{number}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    logit = layers.Dense(1, name="logit")(x)
    return Model(image, logit, name="compact")


def _convolution(x: Any, width: int, name: str, kernel: int = 3, strides: int = 1, relu: bool = True) -> Any:
    from keras import layers

    x = layers.Conv2D(width, kernel, strides=strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=NORM_MOMENTUM, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _residual(x: Any, width: int, name: str) -> Any:
    from keras import layers

    y = _convolution(x, width, f"{name}_a")
    y = _convolution(y, width, f"{name}_b", relu=False)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))


ARCHITECTURE = Architecture(
    name="compact",
    build=build,
    preparation=Preparation(kind="head", size=IMAGE_SIZE),
    description="Residual network with global average pooling and a logit, 0.5 M parameters, quick on two cores.",
    heat="cam",
)
