"""Trains on two logical processors; a script, because TensorFlow takes its devices once a process.

python -m tests.model.mirrored_run DATA OUT EPOCHS DEVICES
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from hemo.model.callbacks import Event
from hemo.model.training import train
from hemo.model.training_data import assemble, split_by_protocol
from tests.training_material import tiny_config


def main() -> None:
    """Train, resuming what is there, and print the name of the devices and a line an epoch."""
    from hemo.data.importers import import_dataset
    from hemo.model.devices import shared_devices

    data, out, epochs, devices = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    (processor,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    config = tiny_config(data, epochs=3, batch=8, devices=devices)
    print("devices", len(shared_devices(config)))
    manifest = split_by_protocol(import_dataset(config.data), config)
    # The last batch of an epoch holds one slice, too few for two devices.
    trained = np.flatnonzero(manifest.frame["split"] == "train")
    beyond = trained[len(trained) - (len(trained) - 1) % config.batch :]
    manifest = manifest.subset(~np.isin(np.arange(len(manifest)), beyond))
    prepared = assemble(manifest, config, out / "cache")
    print("rows", len(prepared.rows("train")))

    def report(event: Event) -> None:
        if event["event"] in ("epoch", "resume"):
            print(event["event"], event["epoch"], event.get("loss"), event.get("val_loss"), flush=True)

    done = [0]

    def commands() -> str | None:
        return "stop" if done[0] >= epochs else None

    def watch(event: Event) -> None:
        report(event)
        if event["event"] == "epoch":
            done[0] = event["epoch"]

    train(config, prepared, out / "checkpoints", report=watch, commands=commands, resume=True)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
