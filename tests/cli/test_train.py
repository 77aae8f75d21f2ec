"""`python -m hemo train` in a process of its own: it trains, Ctrl-C keeps what is finished, --resume goes on."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hemo.cli import main
from hemo.model.training_config import RECOMMENDED
from hemo.runs import control
from hemo.runs.history import read_history
from hemo.runs.run import Run, create_run
from hemo.workspace import REPOSITORY
from tests.training_material import write_tiny_phantom


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_phantom(tmp_path_factory.mktemp("data") / "phantom")


def command(phantom: Path, out: Path, *more: str) -> list[str]:
    settings = ["--architecture", "compact", "--image-size", "32", "--batch", "8", "--epochs", "2000"]
    return [sys.executable, "-m", "hemo", "train", "--data", str(phantom), "--out", str(out), *settings, *more]


@pytest.mark.slow
def test_control_c_keeps_every_finished_epoch_and_resume_goes_on(
    phantom: Path, tmp_path: Path, hemo_home: Path
) -> None:
    out = tmp_path / "run"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}
    first = subprocess.Popen(command(phantom, out), cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True)
    wait_for_epochs(out, 2)
    first.send_signal(signal.SIGINT)
    _, errors = first.communicate(timeout=60)
    assert first.returncode == 130
    finished = Run(out).epochs_finished()
    assert finished >= 2
    assert f"Stopped after {finished} finished epochs; --resume goes on." in errors
    assert "Traceback" not in errors
    second = subprocess.Popen(command(phantom, out, "--resume"), cwd=REPOSITORY, env=environment)
    wait_for_epochs(out, finished + 1)
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=60)
    assert Run(out).epochs_finished() > finished


def wait_for_epochs(out: Path, number: int) -> None:
    deadline = time.monotonic() + 240
    while len(read_history(out).epochs) < number:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "/no/such/folder"], "/no/such/folder, which is not there"),
        ([], "Expected --data"),
        (["--data", "/tmp", "--batch", "0"], "Expected batch between 1 and 4096. Received: 0"),
        (["--data", "/tmp", "--learning-rate", "-1"], "Expected a learning rate above 0"),
    ],
)
def test_what_cannot_run_is_one_line_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["train", *arguments, "--out", str(tmp_path / "run")]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert message in errors[-1]
    assert errors[-1].startswith("hemo train: ")


def test_a_read_only_run_is_one_line_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    create_run(tmp_path / "run", RECOMMENDED.replace(data="/data"))
    monkeypatch.setattr(control, "clear", refuse)
    assert main(["train", "--out", str(tmp_path / "run"), "--resume"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("hemo train: Expected a run's folder that can be written.")
    assert line.endswith("Read-only file system")


def test_a_run_is_not_trained_over_without_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    assert main(["train", "--data", "/tmp", "--out", str(tmp_path / "run")]) == 1
    assert "--resume goes on with a run" in capsys.readouterr().err
