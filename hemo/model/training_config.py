"""What a training run is asked to do: one JSON-able object, its presets and what can be said about it beforehand."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hemo.errors import RunError

PROTOCOLS = ("grouped", "published")
OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("constant", "cosine", "exponential")
CLASS_WEIGHTS = ("none", "balanced")
MONITORS = ("loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc")
KEEPS = ("best", "last")
MODES = ("min", "max")
DEVICES = ("auto", "one", "all")


@dataclass(frozen=True)
class EarlyStop:
    """When training ends before its last epoch; `monitor` "" switches it off.

    Args:
        monitor: one of `MONITORS`, or "".
        patience: epochs without improvement that are waited for.
        mode: "min" or "max".
    """

    monitor: str = "val_loss"
    patience: int = 8
    mode: str = "min"


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides what a run computes; the same configuration and data give the same weights.

    Args:
        data: folder or file of the data set, absolute once a run is created.
        layout: importer to use, or "" to let the data set be recognized.
        architecture: a name in `hemo.model.architectures.ARCHITECTURES`.
        protocol: "grouped" validates on other patients, "published" on random slices.
        image_size: pixels a side of the prepared square image.
        batch: slices a step.
        epochs: most epochs.
        optimizer: one of `OPTIMIZERS`.
        learning_rate: at the start of the schedule, after warm-up.
        schedule: one of `SCHEDULES`; cosine ends at zero, exponential at a hundredth, both after `epochs`.
        warmup_epochs: epochs over which the rate climbs linearly from zero.
        weight_decay: of AdamW.
        class_weight: "balanced" weighs each class by its inverse frequency in the training part.
        label_smoothing: share of the label given to the other class.
        early_stop: when to end early.
        keep: "best" keeps the weights of the best epoch by `keep_by`, "last" those of the last one.
        keep_by: one of `MONITORS`; losses count down, the others up.
        validation: share of slices (published) or of groups (grouped) held out for validation.
        test: share of groups held out for the final figures where the data set names no test part.
        folds: parts of a cross-validation, groups whole; 0 for none. Takes the place of `test` and of a given split.
        fold: which of them, from 0, is held out for the final figures; the others train and validate.
        augmentation: settings of `hemo.data.augment.AugmentSettings` by name; {} stands for its defaults.
        seed: of the split, the weights, the order, the augmentation and the dropout.
        deterministic: ask TensorFlow for the same bits each time on one machine.
        devices: "auto" shares each batch among the visible GPUs where there are several, "one" never does, "all" does
            so among GPUs or, without any, among the logical processors that TensorFlow was told to make.
        preset: the preset it was made from, for the reader; "" where edited by hand.
    """

    data: str = ""
    layout: str = ""
    architecture: str = "compact"
    protocol: str = "grouped"
    image_size: int = 192
    batch: int = 32
    epochs: int = 40
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warmup_epochs: int = 1
    weight_decay: float = 1e-4
    class_weight: str = "balanced"
    label_smoothing: float = 0.0
    early_stop: EarlyStop = field(default_factory=EarlyStop)
    keep: str = "best"
    keep_by: str = "val_auc"
    validation: float = 0.15
    test: float = 0.15
    folds: int = 0
    fold: int = 0
    augmentation: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    deterministic: bool = True
    devices: str = "auto"
    preset: str = ""

    def replace(self, **changes: Any) -> "TrainingConfig":
        """A copy with `changes`."""
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """The configuration as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "TrainingConfig":
        """Read what `to_json` wrote.

        Raises:
            RunError: a name is not one of this class.
        """
        values = dict(values)
        known = {item.name for item in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise RunError(f"Expected the settings {', '.join(sorted(known))}. Received: {', '.join(unknown)}")
        if isinstance(values.get("early_stop"), dict):
            values["early_stop"] = EarlyStop(**values["early_stop"])
        return cls(**values)

    def save(self, path: Path) -> None:
        """Write the configuration as JSON."""
        from hemo.atomic import write_json_atomically

        write_json_atomically(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> "TrainingConfig":
        """Read a configuration written by `save`.

        Raises:
            RunError: the file is absent or damaged.
        """
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, json.JSONDecodeError, TypeError) as error:
            raise RunError(f"Expected a training configuration in {path}. Received: {error}") from error

    def check(self) -> None:
        """Refuse what cannot run whatever the data.

        Raises:
            RunError: names the setting, what was expected and what was received.
        """
        _expect_choice("protocol", self.protocol, PROTOCOLS)
        _expect_choice("optimizer", self.optimizer, OPTIMIZERS)
        _expect_choice("schedule", self.schedule, SCHEDULES)
        _expect_choice("class weight", self.class_weight, CLASS_WEIGHTS)
        _expect_choice("keep", self.keep, KEEPS)
        _expect_choice("keep by", self.keep_by, MONITORS)
        if self.early_stop.monitor:
            _expect_choice("early stopping monitor", self.early_stop.monitor, MONITORS)
            _expect_choice("early stopping mode", self.early_stop.mode, MODES)
            _expect_range("early stopping patience", self.early_stop.patience, 0, 10_000)
        _expect_range("image size", self.image_size, 16, 1024)
        _expect_range("batch", self.batch, 1, 4096)
        _expect_range("epochs", self.epochs, 1, 10_000)
        _expect_range("warm-up epochs", self.warmup_epochs, 0, self.epochs)
        if self.schedule == "exponential" and self.warmup_epochs:
            raise RunError(f"Expected no warm-up epochs with the exponential schedule. Received: {self.warmup_epochs}")
        _expect_range("weight decay", self.weight_decay, 0.0, 1.0)
        _expect_range("label smoothing", self.label_smoothing, 0.0, 0.49)
        _expect_range("validation share", self.validation, 0.01, 0.9)
        _expect_range("test share", self.test, 0.0, 0.9)
        _expect_choice("devices", self.devices, DEVICES)
        if self.folds:
            _expect_range("folds", self.folds, 2, 1000)
            _expect_range("fold", self.fold, 0, self.folds - 1)
            if self.protocol != "grouped":
                raise RunError(
                    "Expected the protocol grouped for a cross-validation, whose folds keep patients apart. "
                    f"Received: {self.protocol}"
                )
        if not 0 < self.learning_rate < float("inf"):
            raise RunError(f"Expected a learning rate above 0, such as 0.001. Received: {self.learning_rate}")


def _expect_choice(what: str, received: str, choices: tuple[str, ...]) -> None:
    if received not in choices:
        raise RunError(f"Expected {what} to be one of {', '.join(choices)}. Received: {received!r}")


def _expect_range(what: str, received: float, low: float, high: float) -> None:
    if not low <= received <= high:
        raise RunError(f"Expected {what} between {low} and {high}. Received: {received}")


# The published project's script, setting by setting; Keras' Adam starts at 0.001.
AS_PUBLISHED = TrainingConfig(
    architecture="seed_cnn",
    protocol="published",
    image_size=256,
    batch=32,
    epochs=50,
    optimizer="adam",
    learning_rate=1e-3,
    schedule="constant",
    warmup_epochs=0,
    weight_decay=0.0,
    class_weight="none",
    label_smoothing=0.0,
    early_stop=EarlyStop(monitor="loss", patience=5, mode="min"),
    keep="last",
    keep_by="val_accuracy",
    validation=0.15,
    test=0.0,
    augmentation={},
    preset="as published",
)

RECOMMENDED = TrainingConfig(
    label_smoothing=0.05,
    augmentation={"zoom": 0.15, "shear": 0.05, "rotation": 15.0, "shift": 0.05, "brightness": 0.1, "contrast": 0.2},
    preset="recommended",
)

PRESETS = {"as published": AS_PUBLISHED, "recommended": RECOMMENDED}


def unusual(config: TrainingConfig) -> list[str]:
    """What a reader of the results would ask about, one sentence each; none of it is refused."""
    remarks = []
    if config.protocol == "published":
        remarks.append(
            "Validation slices are drawn at random: neighbors of training slices stand among them, "
            "so validation figures come out too high."
        )
    if config.early_stop.monitor in ("loss", "accuracy", "auc"):
        remarks.append(
            f"Early stopping watches the training {config.early_stop.monitor}: it cannot notice overfitting."
        )
    if config.keep == "last" and config.protocol == "grouped":
        remarks.append("The last epoch is kept, not the best one on held-out patients.")
    limit = 0.1 if config.optimizer == "sgd" else 0.005
    if config.learning_rate > limit:
        remarks.append(f"A rate of {config.learning_rate:g} is high for {config.optimizer}; try {limit / 5:g}.")
    if config.learning_rate < 1e-6:
        remarks.append(f"At a learning rate of {config.learning_rate:g} hardly anything will change.")
    if config.batch < 8:
        remarks.append(f"Batches of {config.batch} make batch normalization noisy; 16 to 32 is usual.")
    if config.image_size < 128:
        remarks.append(f"At {config.image_size} pixels a side thin bleeds vanish; 224 to 256 is usual.")
    if config.early_stop.monitor and config.early_stop.patience >= config.epochs:
        remarks.append("Patience is not shorter than the run: early stopping will never act.")
    if config.class_weight == "none" and config.architecture != "seed_cnn":
        remarks.append("Classes are not weighted: with few bleeds the network may learn to answer Normal.")
    return remarks
