"""What tests of training share: a phantom of a few small slices and a configuration that trains on it in seconds."""

from pathlib import Path
from typing import Any

from hemo.data.phantom import write_phantom
from hemo.model.training_config import EarlyStop, TrainingConfig

SIZE = 32


def write_tiny_phantom(folder: Path) -> Path:
    """Ten studies of six slices of 64 × 64 pixels, every second one with a bleed."""
    write_phantom(folder, studies=10, n_slices=6, size=64, seed=3)
    return folder


def tiny_config(data: Path, **changes: Any) -> TrainingConfig:
    """The compact network at 32 pixels for three epochs, deterministic."""
    config = TrainingConfig(
        data=str(data),
        architecture="compact",
        image_size=SIZE,
        batch=8,
        epochs=3,
        warmup_epochs=0,
        early_stop=EarlyStop(monitor=""),
        validation=0.3,
        test=0.2,
        seed=5,
        deterministic=True,
    )
    return config.replace(**changes)
