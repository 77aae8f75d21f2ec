"""Commands to a running trainer through a file: pause, resume, stop, keep best."""

import json
import time
from pathlib import Path
from typing import cast, get_args

from hemo.atomic import write_json_atomically
from hemo.model.callbacks import Command

CONTROL = "control.json"


def send(folder: Path, command: Command) -> None:
    """Leave a command for the process that works on a run; a later command replaces one not yet followed."""
    if command not in get_args(Command):
        raise ValueError(f"Expected a command among {', '.join(get_args(Command))}. Received: {command!r}")
    write_json_atomically(folder / CONTROL, {"command": command, "id": time.time_ns()})


def clear(folder: Path) -> None:
    """Forget a waiting command."""
    (folder / CONTROL).unlink(missing_ok=True)


class ControlReader:
    """Gives each command once.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / CONTROL
        self._seen = 0

    def __call__(self) -> Command | None:
        """A command that was not given before, else None."""
        try:
            message = json.loads(self._path.read_text(encoding="utf-8"))
            command, number = message["command"], int(message["id"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if number == self._seen or command not in get_args(Command):
            return None
        self._seen = number
        return cast(Command, command)
