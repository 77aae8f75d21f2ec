"""Training one network: `model.fit` with Hemo's callbacks, resumable after a kill at any moment."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from hemo.errors import RunError
from hemo.model.architectures import ARCHITECTURES
from hemo.model.callbacks import (
    Commands,
    DrawEpoch,
    FiniteLoss,
    Interrupted,
    Obey,
    Report,
    ReportProgress,
    SaveCheckpoint,
    TrackState,
    Validate,
    as_keras,
)
from hemo.model.checkpoint import Checkpoints, TrainingState
from hemo.model.checkpoint_writer import CheckpointWriter
from hemo.model.devices import EvenBatches, shared_devices, training_scope
from hemo.model.input_pipeline import BatchSource, as_dataset
from hemo.model.samples import KeepSamples, choose_rows
from hemo.model.training_config import AS_PUBLISHED, RECOMMENDED, TrainingConfig
from hemo.model.training_data import TrainingData, class_weights

if TYPE_CHECKING:
    import keras

    from hemo.data.shards import ShardedImages

__all__ = ["AS_PUBLISHED", "RECOMMENDED", "TrainingConfig", "TrainingOutcome", "build_network", "score", "train"]

_EPSILON = 1e-7
_SCORE_BATCH = 32


@dataclass(frozen=True)
class TrainingOutcome:
    """How training ended.

    Args:
        ended: "finished" after the last epoch or by early stopping; "stopped" and "keep_best" on command.
        state: of the last finished epoch.
    """

    ended: Literal["finished", "stopped", "keep_best"]
    state: TrainingState


def train(
    config: TrainingConfig,
    data: TrainingData,
    checkpoints: Path,
    *,
    report: Report = lambda event: None,
    commands: Commands = lambda: None,
    resume: bool = False,
    samples: Path | None = None,
) -> TrainingOutcome:
    """Train until the last epoch, early stopping or a command.

    Args:
        config: what to do; checked by the caller.
        data: prepared images, split.
        checkpoints: folder of the run's checkpoints.
        report: receives events (`epoch`, `batch`, `state`) as they happen.
        commands: returns a waiting command once; asked after each batch.
        resume: go on from the last finished epoch, if there is one; otherwise former checkpoints are cleared.
        samples: folder for a few validation slices with their heat maps of every epoch; None keeps none.

    Raises:
        RunError: the network cannot be built at this size, the loss is not a number, or a checkpoint cannot be
            written or read.
    """
    _switch_on_determinism(config)
    store = Checkpoints(checkpoints)
    if not resume:
        store.clear()
    with training_scope(config):
        model = build_network(config, pretrained=not (resume and store.state()))
        network = fit_view(model)
        compile_network(network, config, steps_per_epoch=-(-len(data.rows("train")) // config.batch))
    state = store.load(network) if resume else None
    state = state or TrainingState()
    if state.epoch >= config.epochs or state.stop.get("stopped_epoch", 0) > 0:
        return TrainingOutcome("finished", state)
    report({"event": "resume", "epoch": state.epoch})
    try:
        followed = [] if samples is None else [_follow_samples(model, config, data, samples)]
        writer = CheckpointWriter(store)
        try:
            _fit(network, config, data, writer, state, report, commands, followed)
        finally:
            writer.wait()
    except Interrupted as interrupted:
        ended: Literal["stopped", "keep_best"] = "keep_best" if interrupted.command == "keep_best" else "stopped"
        return TrainingOutcome(ended, state)
    return TrainingOutcome("finished", state)


def _fit(
    network: "keras.Model",
    config: TrainingConfig,
    data: TrainingData,
    writer: CheckpointWriter,
    state: TrainingState,
    report: Report,
    commands: Commands,
    followed: list[KeepSamples],
) -> None:
    from hemo.data.augment import AugmentSettings

    target: Literal["one_hot", "binary"] = "one_hot" if is_softmax(network) else "binary"
    validation = data.rows("validation")
    settings = AugmentSettings.from_json(config.augmentation)
    source = BatchSource(
        data.images,
        data.labels,
        data.rows("train"),
        batch=config.batch,
        target=target,
        augment=settings,
        seed=config.seed,
    )
    held_out = BatchSource(data.images, data.labels, validation, batch=_SCORE_BATCH, target=target)
    obey = Obey(commands, report)
    validate = Validate(held_out, data.labels[validation], forward_of(network), obey.look)
    early_stopping = _early_stopping(config)
    watchers = [
        as_keras(DrawEpoch(source)),
        as_keras(FiniteLoss(config.learning_rate)),
        as_keras(validate),
        *([early_stopping] if early_stopping else []),
        as_keras(TrackState(state, config.keep_by, early_stopping)),
        as_keras(ReportProgress(report, source, config.epochs, state, validate, data.labels[validation])),
        *(as_keras(watcher) for watcher in followed),
        as_keras(SaveCheckpoint(writer, state)),
        as_keras(obey),
    ]
    weights = class_weights(data.labels[data.rows("train")]) if config.class_weight == "balanced" else None
    devices = shared_devices(config)
    batches: Any = EvenBatches(source, len(devices)) if devices else source
    network.fit(
        as_dataset(batches),
        epochs=config.epochs,
        initial_epoch=state.epoch,
        callbacks=watchers,
        class_weight=weights,
        shuffle=False,
        verbose=0,
    )


def _follow_samples(model: "keras.Model", config: TrainingConfig, data: TrainingData, folder: Path) -> KeepSamples:
    from hemo.model.predictor import TracedNetwork

    return KeepSamples(TracedNetwork(model), data, choose_rows(data, config.seed), folder)


def build_network(config: TrainingConfig, pretrained: bool = True) -> "keras.Model":
    """A fresh network for the run; its weights follow from the seed.

    Args:
        config: names architecture and image size.
        pretrained: start from ImageNet where the architecture can; False spares it when weights are loaded anyway.

    Raises:
        RunError: the image is too small for the network.
    """
    import inspect

    import keras

    keras.utils.set_random_seed(config.seed)
    build = ARCHITECTURES[config.architecture].build
    extra = {"pretrained": pretrained} if "pretrained" in inspect.signature(build).parameters else {}
    try:
        return build(config.image_size, **extra)
    except ValueError as error:
        raise RunError(
            f"Expected an image size that {config.architecture} can take, such as "
            f"{ARCHITECTURES[config.architecture].preparation.size}. Received: {config.image_size} "
            f"({(str(error).splitlines() or [''])[0][:160]})"
        ) from error


def fit_view(model: "keras.Model") -> "keras.Model":
    """What `fit` trains: the network, or its logit alone where it gives a heat map beside it. Layers are shared."""
    if not isinstance(model.output, dict):
        return model
    import keras

    return keras.Model(model.input, model.output["logit"], name=f"{model.name}_logit")


def is_softmax(model: "keras.Model") -> bool:
    """Whether the network answers with (normal, hemorrhage) probabilities rather than one logit."""
    return int(model.output.shape[-1]) == 2


def compile_network(network: "keras.Model", config: TrainingConfig, steps_per_epoch: int) -> None:
    """Compile for the run: optimizer and schedule, cross-entropy, accuracy and AUC of hemorrhage; no XLA.

    XLA makes a training step many times slower on a CPU.
    """
    import keras

    if is_softmax(network):
        loss: Any = keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)
        accuracy: Any = keras.metrics.CategoricalAccuracy(name="accuracy")
        auc = keras.metrics.AUC(name="auc", multi_label=True, num_labels=2, label_weights=[0.0, 1.0])
    else:
        loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=config.label_smoothing)
        accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
        auc = keras.metrics.AUC(name="auc", from_logits=True)
    network.compile(
        optimizer=_optimizer(config, steps_per_epoch), loss=loss, metrics=[accuracy, auc], jit_compile=False
    )
    network.optimizer.build(network.trainable_variables)


def forward_of(network: "keras.Model") -> Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]:
    """A traced forward pass: images float32 (n, S, S, 1) in [0, 1] → logit of hemorrhage float32 (n,)."""
    import tensorflow as tf

    side = network.input.shape[1]
    softmax = is_softmax(network)

    @tf.function(input_signature=[tf.TensorSpec((None, side, side, 1), tf.float32)], jit_compile=False)
    def forward(images: Any) -> Any:
        output = network(images, training=False)
        if softmax:
            likely = tf.clip_by_value(output, _EPSILON, 1.0 - _EPSILON)
            return tf.math.log(likely[:, 1]) - tf.math.log(likely[:, 0])
        return output[:, 0]

    return lambda images: forward(tf.convert_to_tensor(images)).numpy()


def score(
    network: "keras.Model",
    images: "ShardedImages | npt.NDArray[np.uint8]",
    rows: npt.NDArray[np.int64],
    between: Callable[[int, int], None] = lambda done, total: None,
) -> npt.NDArray[np.float32]:
    """Logits of some rows of the prepared images.

    Args:
        network: built, weights loaded.
        images: uint8 (N, S, S).
        rows: which of them, int64 (n,).
        between: called after each batch with (done, total).

    Returns:
        float32 (n,).
    """
    source = BatchSource(images, np.zeros(len(images), np.int64), rows, batch=_SCORE_BATCH, target="binary")
    forward = forward_of(fit_view(network))
    parts = [np.zeros(0, np.float32)]
    for index in range(len(source)):
        parts.append(forward(source[index][0]))
        between(min((index + 1) * _SCORE_BATCH, len(rows)), len(rows))
    return np.concatenate(parts)


def _optimizer(config: TrainingConfig, steps_per_epoch: int) -> Any:
    import keras

    rate = _schedule(config, steps_per_epoch)
    if config.optimizer == "adam":
        return keras.optimizers.Adam(rate)
    if config.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
    return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)


def _schedule(config: TrainingConfig, steps_per_epoch: int) -> Any:
    """The rate as a function of the step, which the optimizer's checkpoint holds."""
    import keras

    schedules = keras.optimizers.schedules
    steps, warmup = config.epochs * steps_per_epoch, config.warmup_epochs * steps_per_epoch
    if config.schedule == "exponential":
        return schedules.ExponentialDecay(config.learning_rate, steps, decay_rate=0.01)
    if config.schedule == "cosine" and warmup:
        return schedules.CosineDecay(
            0.0, max(steps - warmup, 1), warmup_target=config.learning_rate, warmup_steps=warmup
        )
    if config.schedule == "cosine":
        return schedules.CosineDecay(config.learning_rate, steps)
    if warmup:
        return schedules.PolynomialDecay(config.learning_rate / warmup, warmup, end_learning_rate=config.learning_rate)
    return config.learning_rate


def _early_stopping(config: TrainingConfig) -> Any | None:
    import keras

    stop = config.early_stop
    if not stop.monitor:
        return None
    return keras.callbacks.EarlyStopping(monitor=stop.monitor, patience=stop.patience, mode=stop.mode)


def _switch_on_determinism(config: TrainingConfig) -> None:
    if config.deterministic:
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
