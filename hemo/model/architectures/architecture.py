"""What a network is to the rest of Hemo: a name, a builder, and how its input is prepared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from hemo.ct.preparation import Preparation


@dataclass(frozen=True)
class Architecture:
    """One network that can be trained and shipped.

    Args:
        name: the registry's key, written in every card.
        build: makes a fresh Functional model for square images of the given side; imports keras when called.
        preparation: from a slice to the network's input, the same in training, evaluation and reading.
        description: one sentence for the Train page.
        heat: "evidence" where the network has two named outputs, `{"logit": (N, 1), "evidence": (N, h, w, 1)}`, and
            the heat map is the sigmoid of the evidence from the same pass; "cam" where it comes out of the forward
            pass too (global average pool and one dense layer); "gradcam" where it takes a gradient.
    """

    name: str
    build: Callable[[int], Any]
    preparation: Preparation
    description: str
    heat: Literal["evidence", "cam", "gradcam"]
