"""The lock: one holder, a note for the others, and free when the holder is killed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from hemo.runs.lock import FileLock
from hemo.workspace import REPOSITORY

HOLD = """
import sys, time
from pathlib import Path
from hemo.runs.lock import FileLock
with FileLock(Path(sys.argv[1])).try_hold({"run": "other"}) as held:
    print(held, flush=True)
    time.sleep(60)
"""


def test_a_free_lock_has_no_holder(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    assert lock.holder() is None
    with lock.try_hold({"run": "mine"}) as held:
        assert held
    assert lock.holder() is None


def test_another_process_holds_it_until_it_is_killed(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    command = [sys.executable, "-c", HOLD, str(lock.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert lock.holder() == {"run": "other"}
        with lock.try_hold({"run": "mine"}) as held:
            assert not held
        assert lock.holder() == {"run": "other"}
        other.send_signal(signal.SIGKILL)
        other.wait()
    deadline = time.monotonic() + 5
    while lock.holder() is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    with lock.try_hold({"run": "mine"}) as held:
        assert held
