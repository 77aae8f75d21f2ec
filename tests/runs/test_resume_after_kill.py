"""Nothing lost: runs killed at random moments and resumed end in the same bits as a straight run."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hemo.model.checkpoint import LAST
from hemo.runs.events import EVENTS
from hemo.runs.history import read_history
from hemo.runs.run import BUNDLE, CHECKPOINTS, PREDICTIONS, Run, create_run
from hemo.workspace import REPOSITORY, Workspace
from tests.training_material import tiny_config

pytestmark = pytest.mark.slow

EPOCHS = 4
PATIENCE_SECONDS = 300


def start(run: Run, workspace: Workspace) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "hemo.runs.worker", str(run.folder), str(workspace.root)]
    with (run.folder / "log.txt").open("ab") as log:
        # One thread: how sums are cut between threads may depend on what else the machine does.
        environment = os.environ | {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}
        return subprocess.Popen(
            command, stdout=log, stderr=log, cwd=REPOSITORY, env=environment, start_new_session=True
        )


def train_killing(run: Run, workspace: Workspace, moments: list[int]) -> None:
    """Train to the end; kill -9 the worker once its event file has grown by each of these numbers of bytes."""
    for grown in [*moments, None]:
        worker = start(run, workspace)
        before = size(run)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while worker.poll() is None and time.monotonic() < deadline:
            if grown is not None and size(run) >= before + grown:
                worker.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
        worker.wait(timeout=10)
        if run.status().state == "finished":
            return
        assert run.status().state == "interrupted", (run.folder / "log.txt").read_text()[-2000:]
        run.write_status(state="queued", task="resume")


def size(run: Run) -> int:
    path = run.folder / EVENTS
    return path.stat().st_size if path.exists() else 0


def final_arrays(run: Run) -> dict[str, np.ndarray]:
    with np.load(run.folder / CHECKPOINTS / LAST) as file:
        return {name: file[name] for name in file.files if name != "state"}


def test_killed_and_resumed_runs_end_in_the_same_bits_as_a_straight_one(phantom: Path, workspace: Workspace) -> None:
    seed = int(os.environ.get("HEMO_KILL_SEED", time.time_ns() % 2**31))
    print(f"HEMO_KILL_SEED={seed} repeats this test")
    draw = random.Random(seed)
    config = tiny_config(phantom, epochs=EPOCHS)
    straight = create_run(workspace.runs / "straight", config)
    train_killing(straight, workspace, [])
    killed = create_run(workspace.runs / "killed", config)
    train_killing(killed, workspace, [draw.randint(1, size(straight)) for _ in range(3)])
    first, second = final_arrays(straight), final_arrays(killed)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=f"{name}, seed {seed}")
    assert (straight.folder / PREDICTIONS).read_bytes() == (killed.folder / PREDICTIONS).read_bytes()
    histories = [read_history(run.folder) for run in (straight, killed)]
    assert [epoch["epoch"] for epoch in histories[1].epochs] == list(range(1, EPOCHS + 1))
    for one, other in zip(histories[0].epochs, histories[1].epochs, strict=True):
        assert (one["loss"], one["val_auc"]) == (other["loss"], other["val_auc"])
    assert (killed.folder / BUNDLE / "card.json").is_file()
