"""From prepared images to scores and heat maps: one traced pass, one lock, one fixed scale.

The scale of the heat is a constant of the bundle, so a weak response looks weak and the slices of a study, and of two
studies, can be compared by eye: `card["heat"]["scale"]`, and 1 where the network gives evidence as a probability.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hemo.ct.preparation import Preparation
from hemo.errors import RefusedInput
from hemo.model.bundle import ModelBundle
from hemo.model.card import DEFAULT_HEAT_SCALE
from hemo.model.heatmap import (
    EVIDENCE_BLUR,
    HeatKind,
    find_heat_source,
    forward_with_embedding,
    forward_with_heat,
    inside_head,
)

BATCH = 32


@dataclass(frozen=True)
class Scores:
    """What a network says about N images.

    Args:
        logit: float32 (N,), the network's own, before calibration.
        probability: float32 (N,), calibrated.
        heat: float32 (N, h, w) in [0, 1], on the bundle's fixed scale.
        embedding: float32 (N, D), see `hemo.model.heatmap.forward_with_embedding`; None where not asked for.
    """

    logit: np.ndarray
    probability: np.ndarray
    heat: np.ndarray
    embedding: np.ndarray | None = None


class TracedNetwork:
    """A network as two traced functions, for one image and for a batch, that give logits and evidence maps.

    Safe to call from several threads: tracing and running are locked, because TensorFlow's tracing is not thread-safe.

    Args:
        model: a Functional `keras.Model`, see `hemo.model.heatmap.find_heat_source`.
        embed: also compute what the network makes of each slice as a whole, see `run_all`.
    """

    def __init__(self, model: Any, embed: bool = False) -> None:
        self.image_size = int(model.input.shape[1])
        self.heat_kind = find_heat_source(model).kind
        self._blur = EVIDENCE_BLUR if self.heat_kind == "evidence" else 0.0
        self.embeds = embed
        self._lock = threading.Lock()
        self._one, self._many = _trace(model, self.image_size, embed)

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score prepared images.

        Args:
            images: uint8 (N, S, S) grey levels.

        Returns:
            Logits, float32 (N,), and evidence maps, float32 (N, h, w), zero outside the head; see
            `hemo.model.heatmap.forward_with_heat` and `inside_head`.

        Raises:
            RefusedInput: the images have another shape or type.
        """
        logit, evidence, *_ = self.run_all(images)
        return logit, evidence

    def run_all(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """As `run`, with the embeddings, float32 (N, D), as a third where the network was made with `embed`."""
        self._check(images)
        parts = [self._run_part(part) for part in _parts(images)]
        return tuple(np.concatenate(each) for each in zip(*parts, strict=True))

    def _run_part(self, part: np.ndarray) -> tuple[np.ndarray, ...]:
        with self._lock:
            logit, evidence, *embedding = (each.numpy() for each in (self._one if len(part) == 1 else self._many)(part))
        return logit, inside_head(evidence, part, self._blur), *embedding

    def _check(self, images: np.ndarray) -> None:
        expected = (self.image_size, self.image_size)
        if images.ndim != 3 or images.shape[1:] != expected or images.dtype != np.uint8 or not len(images):
            raise RefusedInput(
                f"Expected images of uint8 (N, {self.image_size}, {self.image_size}), N ≥ 1. "
                f"Received: {images.dtype} {images.shape}"
            )


class Predictor:
    """Scores prepared images with a bundle's network; loads it once, when made.

    Args:
        bundle: a checked bundle.
        embed: also give embeddings, which evaluations keep and the reading page does not ask for.

    Raises:
        BundleError: the network cannot be loaded or has no heat map.

    Example:
        >>> predictor = Predictor(load_bundle(Path("models/hemo-lite0")))  # doctest: +SKIP
        >>> scores = predictor.predict(prepared_images)  # doctest: +SKIP
    """

    def __init__(self, bundle: ModelBundle, embed: bool = False) -> None:
        self.bundle = bundle
        self.preparation: Preparation = bundle.preparation
        self._network = TracedNetwork(bundle.load_model(), embed)
        self.heat_kind: HeatKind = self._network.heat_kind
        self.heat_scale = _heat_scale(bundle, self.heat_kind)
        self.temperature = float(bundle.card["calibration"].get("temperature") or 1.0)
        self.bias = float(bundle.card["calibration"].get("bias") or 0.0)

    def predict(self, images: np.ndarray) -> Scores:
        """Score prepared images.

        Args:
            images: uint8 (N, S, S), as `preparation` makes them; any N from 1.

        Raises:
            RefusedInput: the images have another shape or type.
        """
        logit, evidence, *embedding = self._network.run_all(images)
        heat = np.minimum(evidence / np.float32(self.heat_scale), np.float32(1.0))
        return Scores(
            logit=logit, probability=self.calibrate(logit), heat=heat, embedding=embedding[0] if embedding else None
        )

    def calibrate(self, logit: np.ndarray) -> np.ndarray:
        """Calibrated probability of logits: sigmoid(logit / temperature + bias), float32.

        Temperature after Guo et al., ICML 2017; the bias (Platt 1999) is for networks trained on batches with more
        bleeds than the world has, 0 where the card gives none.
        """
        scaled = np.asarray(logit, np.float64) / self.temperature + self.bias
        return (0.5 * (1.0 + np.tanh(0.5 * scaled))).astype(np.float32)


def _trace(model: Any, size: int, embed: bool) -> tuple[Callable[..., Any], Callable[..., Any]]:
    import tensorflow as tf

    forward = forward_with_embedding(model) if embed else forward_with_heat(model)

    def score(images: Any) -> Any:
        return forward(tf.cast(images[..., tf.newaxis], tf.float32) / 255.0)

    def traced(batch: int | None) -> Any:
        signature = [tf.TensorSpec((batch, size, size), tf.uint8)]
        # Compiling with XLA made this many times slower on a CPU, hence jit_compile=False.
        return tf.function(score, input_signature=signature, jit_compile=False, autograph=False)

    return traced(1), traced(None)


def _parts(images: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(images), BATCH):
        yield np.ascontiguousarray(images[start : start + BATCH])


def _heat_scale(bundle: ModelBundle, kind: HeatKind) -> float:
    if kind == "evidence":
        return 1.0
    return float((bundle.card.get("heat") or {}).get("scale", DEFAULT_HEAT_SCALE))
