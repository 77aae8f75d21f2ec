"""The networks are what they are said to be: layer by layer where published, by size and head elsewhere."""

import subprocess
import sys

import numpy as np
import pytest

from hemo.errors import RunError
from hemo.model.architectures import ARCHITECTURES, architecture_named, compact, seed_cnn

PUBLISHED = [
    ("Conv2D", (254, 254, 12)),
    ("BatchNormalization", (254, 254, 12)),
    ("MaxPooling2D", (127, 127, 12)),
    ("Conv2D", (127, 127, 24)),
    ("Dropout", (127, 127, 24)),
    ("MaxPooling2D", (63, 63, 24)),
    ("Conv2D", (63, 63, 64)),
    ("Dropout", (63, 63, 64)),
    ("MaxPooling2D", (31, 31, 64)),
    ("TimeDistributed", (31, 31 * 64)),
    ("Flatten", (31 * 31 * 64,)),
    ("Dense", (256,)),
    ("Dropout", (256,)),
    ("Dense", (2,)),
]


def test_seed_cnn_is_the_published_network_layer_by_layer() -> None:
    model = seed_cnn.build()
    layers = [(type(layer).__name__, tuple(layer.output.shape[1:])) for layer in model.layers[1:]]
    assert layers == PUBLISHED
    assert model.count_params() == 15_762_466
    assert [model.get_layer(f"dropout_{n}").rate for n in (2, 3, 4)] == [0.2, 0.5, 0.5]
    activations = [layer.activation.__name__ for layer in model.layers if hasattr(layer, "activation")]
    assert activations == ["relu", "relu", "relu", "relu", "softmax"]


def test_compact_has_at_most_a_million_parameters_and_one_linear_logit() -> None:
    model = compact.build()
    assert model.count_params() <= 1_000_000
    assert model.output.shape == (None, 1)
    assert model.layers[-1].activation.__name__ == "linear"
    assert type(model.layers[-3]).__name__ == "GlobalAveragePooling2D"


@pytest.mark.parametrize("name", ["seed_cnn", "compact", "lite0"])
def test_a_fresh_network_scores_an_image_of_its_own_preparation(name: str) -> None:
    architecture = ARCHITECTURES[name]
    size = architecture.preparation.size
    model = architecture.build(size)
    output = model(np.full((1, size, size, 1), 0.4, np.float32), training=False)
    values = output["logit"] if isinstance(output, dict) else output
    assert np.isfinite(values.numpy()).all()


def test_an_unknown_name_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(RunError, match=r"seed_cnn, compact, lite0\. Received: 'resnet'"):
        architecture_named("resnet")


def test_listing_the_architectures_does_not_import_tensorflow() -> None:
    code = "import sys, hemo.model.architectures; assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
