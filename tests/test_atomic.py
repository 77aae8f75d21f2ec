"""Files that are whole or absent."""

import json
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from hemo.atomic import write_atomically, write_json_atomically, write_text_atomically


def test_text_and_json_come_back(tmp_path: Path) -> None:
    write_text_atomically(tmp_path / "a.txt", "grün\n")
    write_json_atomically(tmp_path / "a.json", {"name": "grün", "n": 1})
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "grün\n"
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"name": "grün", "n": 1}


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail(file: BinaryIO) -> None:
        file.write(b"half of the n")
        raise OSError(28, os.strerror(28))

    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_new_file_is_on_disk_before_it_takes_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, steps = tmp_path / "file", []
    synced = os.fsync

    def noted(descriptor: int) -> None:
        steps.append(path.exists())
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    write_text_atomically(path, "new")
    assert steps == [False, True]  # the content before the move, the folder after it
