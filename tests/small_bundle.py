"""A bundle for tests: a network of a dozen weights that answers at once, with a card that says it was never trained."""

from pathlib import Path
from typing import Any

from hemo.ct.preparation import Preparation
from hemo.model.bundle import ModelBundle, write_bundle

SIZE = 64
# Logit for each unit of mean response, and without any: a bleed of a few square centimetres crosses 0.5.
SLOPE = 4000.0
BIAS = -3.0


def small_card(name: str = "tiny", **changes: Any) -> dict[str, Any]:
    """A complete card; its figures are made up, for layout only."""
    card: dict[str, Any] = {
        "name": name,
        "architecture": "tiny",
        "preparation": Preparation(kind="head", size=SIZE).to_json(),
        "data": {
            "name": "made up",
            "fingerprint": "0" * 64,
            "n": 100,
            "n_patients": 10,
            "licence": "none",
            "citation": "none",
            "split": "no split, for tests only",
        },
        "settings": {},
        "metrics": {
            "auc": {"value": 0.812, "n": 100, "n_groups": 10, "interval": [0.701, 0.903], "why_none": None},
            "sensitivity": {"value": 0.8, "n": 100, "n_groups": 10, "interval": [0.61, 0.92], "why_none": None},
            "specificity": {"value": 0.75, "n": 100, "n_groups": None, "interval": None, "why_none": "too few groups"},
        },
        "calibration": {"temperature": None, "how": "not calibrated"},
        "operating_points": [
            {"name": "rule-out", "threshold": 0.3, "sensitivity": 0.95, "specificity": 0.5, "fitted_on": "made up"},
            {"name": "balanced", "threshold": 0.5, "sensitivity": 0.8, "specificity": 0.75, "fitted_on": "made up"},
        ],
        "uncertain_band": [0.4, 0.6],
        "limits": ["Never trained: for tests only."],
        "heat": {"scale": 1.0},
    }
    return card | changes


def write_small_bundle(folder: Path, name: str = "tiny") -> ModelBundle:
    """Write a bundle whose score grows with the area that is blood-bright and thicker than a skull's edge.

    Args:
        folder: the models folder; the bundle goes to `folder / name`.
        name: of the bundle.

    Two layers make a hat over grey level (zero for brain, highest for blood, zero again for bone), two more an erosion
    by 3 x 3 pixels, which the bright rim inside the skull does not survive.
    """
    import keras
    import numpy as np

    layers = keras.layers
    inputs = keras.Input((SIZE, SIZE, 1))
    response = layers.Conv2D(3, 1, activation="relu", name="steps")(inputs)
    response = layers.Conv2D(1, 1, activation="relu", name="hat")(response)
    response = layers.Conv2D(1, 1, name="negate")(response)
    response = layers.MaxPooling2D(3, strides=1, padding="same")(response)
    response = layers.Conv2D(1, 1, activation="relu", name="eroded")(response)
    logit = layers.Dense(1, name="logit")(layers.GlobalAveragePooling2D()(response))
    model = keras.Model(inputs, logit)
    minus_one, no_bias = np.full((1, 1, 1, 1), -1.0), np.zeros(1)
    model.get_layer("steps").set_weights([np.ones((1, 1, 1, 3)), np.array([-0.55, -0.72, -0.85])])
    model.get_layer("hat").set_weights([np.array([1.0, -2.3, 0.0]).reshape(1, 1, 3, 1), no_bias])
    model.get_layer("negate").set_weights([minus_one, no_bias])
    model.get_layer("eroded").set_weights([minus_one, no_bias])
    model.get_layer("logit").set_weights([np.full((1, 1), SLOPE), np.full(1, BIAS)])
    return write_bundle(folder / name, model, small_card(name))
