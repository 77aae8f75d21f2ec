"""Whether a process is still the one that was meant: a number alone is used again by the next process."""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemo.workspace import REPOSITORY

THREAD_VARIABLES = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
"""Variables of the environment that say how many threads NumPy's libraries and TensorFlow take."""


@dataclass(frozen=True)
class ProcessId:
    """A process by number, start time and machine.

    Args:
        pid: number.
        started: start time as the system writes it, compared as text only.
        host: mark of the machine, which does not name it; "" for this one.
    """

    pid: int
    started: str
    host: str = ""

    @classmethod
    def current(cls) -> "ProcessId":
        """This process."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """The process that has the number now."""
        return cls(pid, _start_time(pid) or "", _this_host())

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ProcessId":
        """Read what `to_json` wrote; {} gives a process that is not alive."""
        return cls(int(values.get("pid", 0)), str(values.get("started", "")), str(values.get("host", "")))

    def is_elsewhere(self) -> bool:
        """Whether it runs, or ran, on another machine, where this one cannot look."""
        return self.host not in ("", _this_host())

    def is_alive(self) -> bool:
        """Whether that very process still runs; one that ended and was not collected yet counts as dead."""
        return self.pid > 0 and bool(self.started) and _start_time(self.pid) == self.started

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"pid": self.pid, "started": self.started, "host": self.host}


def start_detached(module: str, *arguments: str, log: Path, environment: Mapping[str, str] | None = None) -> ProcessId:
    """Start `python -m module` so that it outlives this process, the terminal and the browser.

    Args:
        module: to run.
        arguments: its command line.
        log: file that its output is appended to.
        environment: variables beyond those of this process.
    """
    variables = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=REPOSITORY,
            env=variables,
            start_new_session=True,
        )
    started = ProcessId.of(process.pid)
    _children.append(process)
    return started


# Ended children stay in the process table until they are asked for; each start collects those of before.
_children: list[subprocess.Popen[bytes]] = []


def collect_ended_children() -> None:
    """Let the system forget detached children that have ended."""
    _children[:] = [child for child in _children if child.poll() is None]


def _this_host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:12]


def _start_time(pid: int) -> str | None:
    """Start time of a living process; None where there is none of that number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None if Path("/proc/self/stat").exists() else _start_time_by_ps(pid)
    # The command, in parentheses, may itself hold spaces and parentheses: count from the last one. See proc(5).
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else fields[19]


def _start_time_by_ps(pid: int) -> str | None:
    result = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = result.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()
