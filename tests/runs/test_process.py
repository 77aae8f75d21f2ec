"""A process is its number and its start time."""

import subprocess
import sys
from pathlib import Path

from hemo.runs.process import ProcessId, collect_ended_children, start_detached


def test_this_process_is_alive_and_one_of_another_start_time_is_not() -> None:
    here = ProcessId.current()
    assert here.is_alive()
    assert not ProcessId(here.pid, here.started + "1").is_alive()
    assert not ProcessId(0, "").is_alive()


def test_an_ended_child_that_nobody_collected_counts_as_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = ProcessId.of(child.pid)
    assert process.is_alive()
    child.kill()
    for _ in range(500):
        if not process.is_alive():
            break
        subprocess.run(["sleep", "0.01"], check=True)
    assert not process.is_alive()  # still in the process table, as a zombie
    child.communicate()


def test_a_detached_process_has_a_session_of_its_own_and_logs_to_a_file(tmp_path: Path) -> None:
    log = tmp_path / "folder" / "log.txt"
    process = start_detached("this", log=log)
    for _ in range(500):
        collect_ended_children()
        if not process.is_alive():
            break
        subprocess.run(["sleep", "0.01"], check=True)
    assert "Beautiful is better than ugly" in log.read_text()
