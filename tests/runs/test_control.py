"""Commands through a file: each is followed once."""

from pathlib import Path

import pytest

from hemo.runs.control import CONTROL, ControlReader, clear, send


def test_a_command_is_given_once(tmp_path: Path) -> None:
    reader = ControlReader(tmp_path)
    assert reader() is None
    send(tmp_path, "pause")
    assert reader() == "pause"
    assert reader() is None


def test_the_same_command_sent_again_counts_again_and_a_later_one_replaces(tmp_path: Path) -> None:
    reader = ControlReader(tmp_path)
    send(tmp_path, "pause")
    assert reader() == "pause"
    send(tmp_path, "pause")
    assert reader() == "pause"
    send(tmp_path, "resume")
    send(tmp_path, "stop")
    assert reader() == "stop"


def test_a_cleared_command_is_gone(tmp_path: Path) -> None:
    send(tmp_path, "stop")
    clear(tmp_path)
    assert ControlReader(tmp_path)() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"command": "rm", "id": 1}', '{"command": "stop", "id": "x"}'])
def test_what_is_no_command_is_passed_over(tmp_path: Path, content: str) -> None:
    (tmp_path / CONTROL).write_text(content)
    assert ControlReader(tmp_path)() is None


def test_an_unknown_command_cannot_be_sent(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Expected a command among stop, keep_best, pause, resume"):
        send(tmp_path, "explode")  # type: ignore[arg-type]
