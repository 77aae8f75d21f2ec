"""A run's events as JSON lines: one process appends, any number read, and a line cut short by a kill is passed over."""

import json
import math
import time
from pathlib import Path
from typing import Any, BinaryIO

Event = dict[str, Any]

EVENTS = "events.jsonl"


class EventWriter:
    """Appends events, each flushed to the system at once.

    Args:
        path: the file; made if absent.
    """

    def __init__(self, path: Path) -> None:
        cut_short = path.is_file() and path.stat().st_size > 0 and not _ends_in_newline(path)
        self._file: BinaryIO = path.open("ab", buffering=0)
        if cut_short:
            self._file.write(b"\n")

    def write(self, event: Event) -> None:
        """Append one event with the time of now (seconds since 1970).

        Raises:
            OSError: the disk is full.
        """
        line = json.dumps({"time": round(time.time(), 3), **_finite(event)}, ensure_ascii=False, allow_nan=False)
        self._file.write(line.encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class EventReader:
    """Reads events as they come, each once.

    Args:
        path: the file; may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def new(self) -> list[Event]:
        """Events that were completed since the last call."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        end = data.rfind(b"\n") + 1
        self._offset += end
        return [event for line in data[:end].splitlines() if (event := _parse(line)) is not None]


def read_events(path: Path) -> list[Event]:
    """Every whole event of a file."""
    return EventReader(path).new()


def _parse(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _finite(event: Event) -> Event:
    """JSON has no NaN: such a figure is written as null."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in event.items()
    }


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
