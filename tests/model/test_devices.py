"""Several devices share each batch; shown on two logical processors in a process of its own."""

import math
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from hemo.errors import RunError
from hemo.model import devices as devices_module
from hemo.model.checkpoint import Checkpoints
from hemo.model.devices import EvenBatches, training_scope
from hemo.model.input_pipeline import BatchSource
from hemo.model.training_config import TrainingConfig
from hemo.workspace import REPOSITORY
from tests.training_material import write_tiny_phantom


def test_one_device_is_plain_keras() -> None:
    for devices in ("one", "auto"):
        assert isinstance(training_scope(TrainingConfig(devices=devices)), nullcontext)
    with pytest.raises(RunError, match=r"devices to be one of auto, one, all\. Received: 'gpu'"):
        TrainingConfig(devices="gpu").check()


@pytest.mark.parametrize(("slices", "devices", "expected"), [(33, 2, 4), (34, 2, 5), (32, 2, 4), (3, 2, 1), (36, 4, 5)])
def test_a_last_batch_that_cannot_be_shared_is_left_out(slices: int, devices: int, expected: int) -> None:
    images, labels = np.zeros((slices, 4, 4), np.uint8), np.zeros(slices, np.int64)
    source = BatchSource(images, labels, np.arange(slices), batch=8, target="binary")
    even = EvenBatches(source, devices)
    assert len(even) == expected
    assert len(even[0][0]) == min(8, slices)


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices_module, "shared_devices", lambda config: ["a", "b", "c"])
    with pytest.raises(RunError, match=r"3 devices can share evenly; try 33\. Received: 32"):
        training_scope(TrainingConfig(batch=32))


@pytest.mark.slow
def test_two_devices_train_checkpoint_and_resume_where_they_were(tmp_path: Path) -> None:
    data = write_tiny_phantom(tmp_path / "phantom")
    first = train(data, tmp_path, until=1)
    assert first[:3] == ["devices 2", "rows 33", "resume 0 None None"]
    assert losses(first[3:]) == [1]
    assert Checkpoints(tmp_path / "checkpoints").state().epoch == 1  # type: ignore[union-attr]
    second = train(data, tmp_path, until=2)
    assert second[2].startswith("resume 1")
    assert losses(second[3:]) == [2]
    # What two devices wrote, one reads.
    third = train(data, tmp_path, until=3, devices="one")
    assert third[0] == "devices 0"
    assert losses(third[3:]) == [3]


def train(data: Path, out: Path, until: int, devices: str = "all") -> list[str]:
    threads = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "tests.model.mirrored_run", str(data), str(out), str(until), devices]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | threads, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


def losses(lines: list[str]) -> list[int]:
    """Epochs of the lines, whose losses are all finite."""
    for line in lines:
        assert all(math.isfinite(float(value)) for value in line.split()[2:]), line
    return [int(line.split()[1]) for line in lines]
