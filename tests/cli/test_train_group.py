"""`hemo train --folds`: what is refused before anything begins, and a sweep from the first epoch to its table."""

import re
from pathlib import Path

import pytest

from hemo.cli import main
from hemo.jobs import pool
from tests.training_material import write_tiny_phantom


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_phantom(tmp_path_factory.mktemp("data") / "phantom")


def train(phantom: Path, out: Path, *more: str) -> int:
    settings = ["--architecture", "compact", "--image-size", "32", "--batch", "8", "--epochs", "1", "--seed", "1"]
    return main(["train", "--data", str(phantom), "--out", str(out), *settings, *more])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "2"], "Expected --folds, --seeds or --sweep beside --workers"),
        (["--folds", "1"], "Expected folds between 2 and 1000. Received: 1"),
        (["--sweep", "batch_size=4,many"], "Expected a whole number for batch. Received: many"),
        (["--folds", "5", "--protocol", "published"], "Expected the protocol grouped"),
        (["--folds", "2", "--workers", "0"], "Expected at least one worker. Received: 0"),
    ],
)
def test_what_cannot_run_is_one_line_and_leaves_nothing(
    phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert train(phantom, tmp_path / "out", *options) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"hemo train: {message}")
    assert not (tmp_path / "out").exists()


def test_without_ray_several_workers_say_what_to_install(
    phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "ray_is_installed", lambda: False)
    assert train(phantom, tmp_path / "out", "--folds", "2", "--workers", "2") == 1
    assert "pip install -r requirements-ray.txt" in capsys.readouterr().err


@pytest.mark.slow
def test_a_sweep_trains_here_and_prints_its_table(
    phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(phantom, tmp_path / "sweep", "--sweep", "batch_size=8,16") == 0
    captured = capsys.readouterr()
    assert re.search(r"sweep-batch-8 +8 +finished +1", captured.out)
    assert re.search(r"sweep-batch-16 +16 +finished +1", captured.out)
    assert "sweep-batch-16: finished, 2 of 2" in captured.err
    assert train(phantom, tmp_path / "sweep", "--sweep", "batch_size=8,32") == 1
    assert "begun with others" in capsys.readouterr().err
