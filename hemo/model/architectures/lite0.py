"""EfficientNet-Lite0 with an evidence map: Hemo ships two of them, joined.

The trunk is EfficientNet-Lite0 (no squeeze-and-excitation, ReLU6; Tan & Le 2019, and the TPU repository's "lite"
variants), whose ImageNet weights map one to one from the packaged PyTorch file. The head keeps place and call together:
the features of stride 32, 16 and 8 are fused from coarse to fine (Lin et al. 2017, arXiv 1612.03144), a 1×1 convolution
turns each place (28×28 of a 224-pixel image) into an evidence logit; the slice's logit is the log-mean-exp of these
(Pinheiro & Collobert 2015, arXiv 1411.6228). A bleed of three millimetres is then not averaged away by a whole healthy
head, and the heat map is the very thing the call was computed from: it comes out of the same forward pass and needs no
gradient. Places of stride 16 were tried first: of a collection two millimetres thin, the peak often lay beside it.

Several networks trained apart can be joined into one (`join`): they share the blocks that training leaves as ImageNet's
(`SHARED_BLOCKS`), and their evidence maps are averaged place by place before the one pooling, so that the joined
network's map is still what its call was computed from.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from hemo.ct.preparation import Preparation
from hemo.model.architectures.architecture import Architecture
from hemo.model.architectures.imagenet_lite0 import imagenet_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

# expansion, output channels, repeats, stride of the first, kernel (Lite0: width and depth multiplier 1.0)
_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
# expansion, output channels, stride and kernel of each block
_BLOCKS = tuple(
    (expansion, channels, stride if repeat == 0 else 1, kernel)
    for expansion, channels, repeats, stride, kernel in _STAGES
    for repeat in range(repeats)
)
_STRIDE_8_BLOCK, _STRIDE_16_BLOCK = 4, 10
_COARSE_CHANNELS, _FINE_CHANNELS = 128, 64
EVIDENCE_STRIDE = 8
"""Side of one place of the evidence map, in pixels of the input."""
POOLING_SHARPNESS = 4.0
SHARED_BLOCKS = 3
"""The stem and this many blocks keep their ImageNet weights in training, and joined networks have them in common."""
_MIXING = ("evidence", "logit")
"""Layers whose weights a joined network averages over its members."""


def _normalise(x: Any, name: str) -> Any:
    import keras

    # Epsilon of the ImageNet weights; momentum fit for a few thousand steps of fine-tuning, not for ImageNet's many.
    return keras.layers.BatchNormalization(epsilon=1e-3, momentum=0.98, name=name)(x)


def _activate(x: Any, name: str) -> Any:
    import keras

    return keras.layers.ReLU(max_value=6.0, name=name)(x)


def _block(x: Any, index: int, prefix: str = "") -> Any:
    """One inverted residual: expand, depthwise, project, and add where the shape allows."""
    import keras

    expansion, channels, stride, kernel = _BLOCKS[index]
    layers, shortcut, name = keras.layers, x, f"{prefix}block{index}"
    if expansion != 1:
        x = layers.Conv2D(expansion * x.shape[-1], 1, use_bias=False, name=f"{name}_expand")(x)
        x = _activate(_normalise(x, f"{name}_bn0"), f"{name}_relu0")
    x = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = _activate(_normalise(x, f"{name}_bn1"), f"{name}_relu1")
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project")(x)
    x = _normalise(x, f"{name}_bn2")
    if stride == 1 and shortcut.shape[-1] == channels:
        x = layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def _shared(image: Any) -> Any:
    """Stem and first blocks: (N, S/4, S/4, 24)."""
    import keras

    # The ImageNet weights expect (grey level - 127) / 128.
    x = keras.layers.Rescaling(255.0 / 128.0, offset=-127.0 / 128.0, name="normalise")(image)
    x = keras.layers.Conv2D(32, 3, 2, padding="same", use_bias=False, name="stem")(x)
    x = _activate(_normalise(x, "stem_bn"), "stem_relu")
    for index in range(SHARED_BLOCKS):
        x = _block(x, index)
    return x


def _features(x: Any, prefix: str) -> Any:
    """One member's features of the stride-8 grid, fused from its trunk's of stride 32, 16 and 8: (N, h, w, 64)."""
    kept = {}
    for index in range(SHARED_BLOCKS, len(_BLOCKS)):
        x = kept[index] = _block(x, index, prefix)
    coarse = _fused(kept[_STRIDE_16_BLOCK], x, _COARSE_CHANNELS, f"{prefix}coarse")
    coarse = _convolved(coarse, _FINE_CHANNELS, f"{prefix}narrow")
    fine = _fused(kept[_STRIDE_8_BLOCK], coarse, _FINE_CHANNELS, f"{prefix}fine")
    return _convolved(fine, _FINE_CHANNELS, f"{prefix}smooth")


def _evidence(features: Any, dropout: float) -> Any:
    """Evidence logits, one a place of the stride-8 grid: (N, h, w, 1)."""
    import keras

    x = keras.layers.SpatialDropout2D(dropout, name="dropout")(features)
    # A bleed is rare at any one place: a negative start keeps the first steps from shouting everywhere.
    bias = keras.initializers.Constant(-2.0)
    return keras.layers.Conv2D(1, 1, bias_initializer=bias, dtype="float32", name="evidence")(x)


def _fused(lateral: Any, above: Any, channels: int, name: str) -> Any:
    """Features of one stride with those of twice the stride added: (N, h, w, channels)."""
    import keras

    layers = keras.layers
    lateral = _normalise(layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_lateral")(lateral), f"{name}_bn0")
    above = _normalise(layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_above")(above), f"{name}_bn1")
    above = layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_up")(above)
    return _activate(layers.Add(name=f"{name}_fuse")([lateral, above]), f"{name}_relu")


def _convolved(x: Any, channels: int, name: str) -> Any:
    import keras

    x = keras.layers.Conv2D(channels, 3, padding="same", use_bias=False, name=name)(x)
    return _activate(_normalise(x, f"{name}_bn"), f"{name}_relu")


def _pool(evidence: Any) -> Any:
    """Log-mean-exp of the evidence over the slice, sharpness `POOLING_SHARPNESS`, then a learned scale: (N, 1)."""
    import keras

    sharpened = keras.layers.Rescaling(POOLING_SHARPNESS, name="sharpen")(evidence)
    height, width = evidence.shape[1:3]
    flat = keras.layers.Reshape((height * width, 1), name="places")(sharpened)
    # log-sum-exp through layers that need no custom code when a bundle is loaded: shift by the maximum, average, log.
    peak = keras.layers.GlobalMaxPooling1D(keepdims=True, name="peak")(flat)
    shifted = keras.layers.Subtract(name="shift")([flat, peak])
    mean = keras.layers.GlobalAveragePooling1D(keepdims=True, name="mean")(
        keras.layers.Activation("exponential", name="exponential")(shifted)
    )
    pooled = keras.layers.Add(name="log_mean_exp")([keras.ops.log(mean), peak])
    pooled = keras.layers.Flatten(name="pooled")(keras.layers.Rescaling(1.0 / POOLING_SHARPNESS, name="soften")(pooled))
    return keras.layers.Dense(1, kernel_initializer="ones", dtype="float32", name="logit")(pooled)


def build_lite0(
    image_size: int = 224, *, members: int = 1, dropout: float = 0.2, pretrained: bool = False
) -> "keras.Model":
    """Build the network.

    Args:
        image_size: side of the square input in pixels, a multiple of 32.
        members: trunks side by side; `join` fills several.
        dropout: share of the fused channels dropped in training.
        pretrained: start the trunk of a single one from the packaged ImageNet weights.

    Returns:
        A functional model from (N, S, S, 1) float32 in [0, 1] (grey level / 255) to
        `{"logit": (N, 1), "evidence": (N, S/8, S/8, 1)}`, both logits, float32.

    Raises:
        ValueError: the size is not a multiple of 32.
    """
    import keras

    if image_size % 32:
        raise ValueError(f"Expected an image size that is a multiple of 32. Received: {image_size}")
    image = keras.Input((image_size, image_size, 1), name="image")
    shared = _shared(image)
    if members == 1:
        features = _features(shared, "")
    else:
        each = [_features(shared, member_prefix(number)) for number in range(members)]
        features = keras.layers.Concatenate(name="features")(each)
    evidence = _evidence(features, dropout)
    model = keras.Model(image, {"logit": _pool(evidence), "evidence": evidence}, name="lite0")
    if pretrained:
        load_imagenet(model, imagenet_state())
    return model


def member_prefix(number: int) -> str:
    """What the names of a member's own layers begin with, in a joined network."""
    return f"member{number + 1}_"


def join(members: "Sequence[keras.Model]") -> "keras.Model":
    """One network of several: its evidence is the mean of theirs, place by place, its logit pooled from that.

    Args:
        members: of `build_lite0`, one input size, trained with the shared blocks left as they were.

    Returns:
        A network of the same inputs and outputs; of one member, that member.

    Raises:
        ValueError: the shared blocks differ, so that they cannot be shared.
    """
    if len(members) == 1:
        return members[0]
    joined = build_lite0(int(members[0].input.shape[1]), members=len(members))
    for layer in members[0].layers:
        weights = [[np.asarray(value) for value in member.get_layer(layer.name).get_weights()] for member in members]
        if layer.name in _MIXING:
            means = [np.mean(values, axis=0) for values in zip(*weights, strict=True)]
            if layer.name == "evidence":
                means[0] = np.concatenate([kernel / len(members) for kernel, _ in weights], axis=2)
            joined.get_layer(layer.name).set_weights(means)
        elif layer.name in {own.name for own in joined.layers}:
            pairs = [pair for own in weights[1:] for pair in zip(weights[0], own, strict=True)]
            if not all(np.array_equal(one, other) for one, other in pairs):
                raise ValueError(f"Expected members that share {layer.name}. Received: other weights in each")
            joined.get_layer(layer.name).set_weights(weights[0])
        else:
            for number, own in enumerate(weights):
                joined.get_layer(member_prefix(number) + layer.name).set_weights(own)
    return joined


def load_imagenet(model: "keras.Model", state: dict[str, np.ndarray]) -> None:
    """Copy the trunk's ImageNet weights; the stem is summed over RGB, because a grey picture repeats one channel."""

    def set_norm(layer: str, source: str) -> None:
        parts = ("weight", "bias", "running_mean", "running_var")
        model.get_layer(layer).set_weights([state[f"{source}.{part}"] for part in parts])

    def set_conv(layer: str, source: str, axes: tuple[int, ...]) -> None:
        model.get_layer(layer).set_weights([state[f"{source}.weight"].transpose(axes)])

    regular, depthwise = (2, 3, 1, 0), (2, 3, 0, 1)
    stem = state["_conv_stem.weight"].sum(axis=1, keepdims=True)
    model.get_layer("stem").set_weights([stem.transpose(regular)])
    set_norm("stem_bn", "_bn0")
    for index in range(len(_BLOCKS)):
        source = f"_blocks.{index}"
        if f"{source}._expand_conv.weight" in state:
            set_conv(f"block{index}_expand", f"{source}._expand_conv", regular)
            set_norm(f"block{index}_bn0", f"{source}._bn0")
        set_conv(f"block{index}_depthwise", f"{source}._depthwise_conv", depthwise)
        set_norm(f"block{index}_bn1", f"{source}._bn1")
        set_conv(f"block{index}_project", f"{source}._project_conv", regular)
        set_norm(f"block{index}_bn2", f"{source}._bn2")


ARCHITECTURE = Architecture(
    name="lite0",
    build=build_lite0,
    preparation=Preparation(kind="head", size=224),
    description="EfficientNet-Lite0 with an evidence map, 3.2 M parameters: Hemo ships two of them, joined.",
    heat="evidence",
)
