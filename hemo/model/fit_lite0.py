"""Train one lite0 network on given slices: the unit of work that the shipped model's recipe repeats.

A plain loop over `train_on_batch`, because batches are drawn, not listed: there are no epochs of the data, only
steps. Every `CHECKPOINT_STEPS` the whole state goes to disk, so that a kill costs at most that many steps, and since a
batch depends on its step alone, an interrupted and a straight run see the same data.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemo.data.bleed_batches import Batch, BatchSettings, BleedBatches
from hemo.data.degrade import DegradeSettings
from hemo.model.architectures.lite0 import SHARED_BLOCKS, build_lite0
from hemo.model.checkpoint import Checkpoints, TrainingState
from hemo.model.fused_normalisation import with_fused_normalisation

if TYPE_CHECKING:
    import keras

CHECKPOINT_STEPS = 80


@dataclass(frozen=True)
class Lite0Settings:
    """How one network is trained.

    Args:
        steps: batches in all.
        learning_rate: peak of the cosine schedule.
        warmup: steps of linear warm-up.
        weight_decay: of AdamW.
        evidence_weight: weight of the evidence map's loss beside the call's.
        dropout: of the fused channels.
        seed: of weights and batches.
        size: side of the square input, pixels.
    """

    steps: int = 1200
    learning_rate: float = 6e-4
    warmup: int = 60
    weight_decay: float = 0.02
    evidence_weight: float = 3.0
    dropout: float = 0.2
    seed: int = 7
    size: int = 224
    batch: BatchSettings = field(default_factory=BatchSettings)
    degradations: DegradeSettings = field(default_factory=DegradeSettings)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a card."""
        return asdict(self)

    def rate(self, step: int) -> float:
        """Learning rate of a step: linear warm-up, then half a cosine to zero."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))


Report = Callable[[int, dict[str, float]], None]


def fit_lite0(
    images: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    settings: Lite0Settings,
    checkpoints: Path,
    report: Report | None = None,
    begin_with: "keras.Model | None" = None,
) -> "keras.Model":
    """Train a network, going on from the checkpoint where there is one.

    Args:
        images: (N, S, S) uint8, prepared, S as the settings say.
        labels: (N,) 0 or 1.
        groups: (N,) patient of each slice.
        settings: of the training.
        checkpoints: folder of this network's state.
        report: called with the step and the mean losses since the last call, at every checkpoint.
        begin_with: a network of any input size whose weights it begins with; None begins with those of ImageNet.

    Returns:
        The trained network.
    """
    import keras

    keras.utils.set_random_seed(settings.seed)
    model = compiled_lite0(settings)
    if begin_with is not None:
        model.set_weights(begin_with.get_weights())
    store = Checkpoints(checkpoints)
    state = store.load(model) or TrainingState()
    start = state.epoch * CHECKPOINT_STEPS
    if start >= settings.steps:
        return model
    batches = BleedBatches(images, labels, groups, settings.seed, settings.batch, settings.degradations)
    losses: list[dict[str, float]] = []
    for step, batch in _ahead(batches, start, settings.steps):
        model.optimizer.learning_rate.assign(settings.rate(step))
        losses.append(model.train_on_batch(batch.images, batch.targets, batch.weights, return_dict=True))
        if (step + 1) % CHECKPOINT_STEPS == 0 or step + 1 == settings.steps:
            means = {name: float(np.mean([float(loss[name]) for loss in losses])) for name in losses[0]}
            state.epoch = math.ceil((step + 1) / CHECKPOINT_STEPS)
            state.history.append({"step": step + 1, **means})
            store.save(model, state)
            losses = []
            model.reset_metrics()
            if report:
                report(step + 1, means)
    return model


def compiled_lite0(settings: Lite0Settings) -> "keras.Model":
    """The network as it begins, ready to train.

    The shared blocks keep their ImageNet weights: they hold the largest maps, cost the most to train, and detect edges
    that a CT shares with any picture.
    """
    import keras

    model = with_fused_normalisation(build_lite0(settings.size, dropout=settings.dropout, pretrained=True))
    frozen = ("stem", *(f"block{index}_" for index in range(SHARED_BLOCKS)))
    for layer in model.layers:
        if layer.name.startswith(frozen):
            layer.trainable = False
    model.compile(
        keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay, clipnorm=5.0),
        loss={name: keras.losses.BinaryCrossentropy(from_logits=True) for name in ("logit", "evidence")},
        loss_weights={"logit": 1.0, "evidence": settings.evidence_weight},
        # TensorFlow's own kernels are many times faster on a CPU than what XLA makes; JAX has nothing but XLA.
        jit_compile=keras.backend.backend() == "jax",
    )
    # The optimizer's variables must exist before a checkpoint is put into them.
    model.optimizer.build(model.trainable_variables)
    return model


def _ahead(batches: BleedBatches, start: int, stop: int) -> Any:
    """(step, batch) in order, the next ones drawn in the background while this one trains."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = [(step, pool.submit(batches.batch, step)) for step in range(start, min(start + 2, stop))]
        while waiting:
            step, future = waiting.pop(0)
            batch: Batch = future.result()
            if step + 2 < stop:
                waiting.append((step + 2, pool.submit(batches.batch, step + 2)))
            yield step, batch
