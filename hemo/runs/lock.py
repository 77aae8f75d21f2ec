"""One at a time: a lock file that the system itself frees when its holder dies, however it dies."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TRAINER_LOCK = ".trainer.lock"


class FileLock:
    """An exclusive lock with a note of who holds it.

    Args:
        path: the lock file; made if absent, never removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def try_hold(self, note: dict[str, Any]) -> Iterator[bool]:
        """Hold the lock inside the `with` block if nobody else does.

        Args:
            note: what others read through `holder`.

        Yields:
            Whether the lock is held.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if not _lock(descriptor):
                yield False
                return
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(note).encode(), 0)
            yield True
            os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)

    @contextmanager
    def wait_hold(
        self, seconds: float, note: dict[str, Any], give_up: Callable[[], bool] = lambda: False
    ) -> Iterator[bool]:
        """Hold the lock inside the `with` block, waiting a while for whoever is about to let go of it.

        Args:
            seconds: to wait at most.
            note: what others read through `holder`.
            give_up: ends the wait early once it is true.

        Yields:
            Whether the lock is held.
        """
        until = time.monotonic() + seconds
        while True:
            with self.try_hold(note) as held:
                if held or give_up() or time.monotonic() >= until:
                    yield held
                    return
            time.sleep(0.2)

    def holder(self) -> dict[str, Any] | None:
        """The note of the present holder, or None where the lock is free."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _parse(os.pread(descriptor, 65536, 0))
        finally:
            os.close(descriptor)
        return None


def trainer_lock(runs: Path) -> FileLock:
    """Held by whoever trains on this machine, worker or command line; its note names the run's folder.

    Args:
        runs: the workspace's folder of runs.
    """
    return FileLock(runs / TRAINER_LOCK)


def _lock(descriptor: int) -> bool:
    """Take the lock; tried a few times, because `holder` takes it for a moment to see whether it is free."""
    for _ in range(5):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def _parse(data: bytes) -> dict[str, Any]:
    try:
        note = json.loads(data)
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}
