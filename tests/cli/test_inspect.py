"""`python -m hemo inspect`: counts, problems on stderr, JSON, and one sentence for what it cannot use."""

import json
from pathlib import Path

import pytest

from hemo.cli import main
from tests.data.pictures import write_class_folders, write_picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_class_folders(tmp_path / "set", {"train/Normal/p1": 2, "train/Hemorrhage/p2": 3, "test/Normal/p3": 1})


def test_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("set: 6 slices of 3 patients; Hemorrhage on 3 slices of 1 patients")
    assert [line.split() for line in out.splitlines() if line.startswith(("train", "test"))] == [
        ["train", "Hemorrhage", "3", "1"],
        ["train", "Normal", "2", "1"],
        ["test", "Normal", "1", "1"],
    ]


def test_json_holds_counts_and_problems(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "test/Normal/p3/x.png").write_text("no picture")
    assert main(["inspect", str(folder), "--json", str(tmp_path / "out.json")]) == 0
    summary = json.loads((tmp_path / "out.json").read_text())
    assert (summary["n"], summary["n_positive"], summary["n_groups"]) == (6, 3, 3)
    assert [problem["path"] for problem in summary["problems"]] == ["test/Normal/p3/x.png"]
    assert "unreadable: test/Normal/p3/x.png: Expected" in capsys.readouterr().err


def test_files_are_looked_at_on_request(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_picture(folder / "test/Normal/p3/9.png", 0)
    assert main(["inspect", str(folder), "--files"]) == 0
    assert "duplicate: " in capsys.readouterr().err


def test_what_cannot_be_used_is_one_line_and_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("hemo inspect: Expected ")
    assert error.count("\n") == 1
