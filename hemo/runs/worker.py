"""The process that trains, independent of app and browser: `python -m hemo.runs.worker RUN HOME`."""

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hemo.errors import HemoError
from hemo.model.callbacks import POLL_SECONDS, Command
from hemo.runs.control import ControlReader
from hemo.runs.lock import trainer_lock
from hemo.runs.process import ProcessId
from hemo.runs.run import Run
from hemo.workspace import Workspace

NICENESS = 5


class Inbox:
    """Commands from the control file and from signals, each given once.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._control = ControlReader(folder)
        self._signal: Command | None = None

    def listen(self) -> None:
        """Take SIGINT and SIGTERM as "stop"; a second SIGINT ends the process at once."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)

    def __call__(self) -> Command | None:
        """A command not given before, else None."""
        if self._signal is not None:
            command, self._signal = self._signal, None
            return command
        return self._control()

    def _stop(self, number: int, frame: object) -> None:
        self._signal = "stop"
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the task that the run's status names; 0 unless it failed."""
    folder, root = sys.argv[1:] if arguments is None else arguments
    run, workspace = Run(Path(folder)), replace(Workspace.from_environment(), root=Path(root))
    with contextlib.suppress(OSError):
        os.nice(NICENESS)  # the app's answers come before the training's
    with trainer_lock(workspace.runs).try_hold({"run": str(run.folder), "since": time.time()}) as held:
        if not held:
            run.write_status(state="queued")
            return 0
        run.write_status(process=ProcessId.current().to_json())
        return _work(run, workspace.cache)


def _work(run: Run, cache: Path) -> int:
    inbox = Inbox(run.folder)
    inbox.listen()
    watch = _StopBeforeTraining(run, inbox)
    watch.start()
    try:
        from hemo.model.quiet import import_tensorflow_quietly
        from hemo.runs.trainer import Trainer

        import_tensorflow_quietly()
        state = Trainer(run, cache, watch.commands).work(run.status().task)
    except HemoError as error:
        print(f"hemo train: {error}", file=sys.stderr)
        return 1
    except BaseException as error:
        traceback.print_exc()
        run.write_status(state="failed", message=f"{type(error).__name__}: {str(error)[:400]}")
        return 1
    print(f"hemo train: {run.name} {state}")
    return 0


class _StopBeforeTraining:
    """Ends the process at once when told to stop while TensorFlow is still being imported: nothing is lost then."""

    def __init__(self, run: Run, inbox: Inbox) -> None:
        self._run = run
        self._inbox = inbox
        self._asked = threading.Event()

    def start(self) -> None:
        """Watch in the background until the trainer asks for commands itself."""
        threading.Thread(target=self._watch, daemon=True).start()

    def commands(self) -> Command | None:
        """The inbox; from the first call on, the caller obeys by itself."""
        self._asked.set()
        return self._inbox()

    def _watch(self) -> None:
        while not self._asked.is_set():
            if self._inbox() in ("stop", "keep_best"):
                self._run.write_status(state="stopped", message="Stopped before training began.")
                os._exit(0)
            time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
