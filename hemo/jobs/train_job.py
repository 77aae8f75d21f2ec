"""One training run as a job: an ordinary run folder, begun or gone on with by whichever worker has it."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from hemo.errors import RunError
from hemo.jobs.job import UNFINISHED, Stop
from hemo.model.callbacks import Command
from hemo.model.training_config import TrainingConfig
from hemo.runs import control
from hemo.runs.control import ControlReader
from hemo.runs.events import Event
from hemo.runs.lock import FileLock
from hemo.runs.process import ProcessId
from hemo.runs.run import CONFIG, Run, create_run

WORKER_LOCK = ".worker.lock"
LEAST_TURN_SECONDS = 20.0
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class TrainJob:
    """Trains one run.

    Args:
        folder: of the run; on a cluster at the same path everywhere.
        config: what to do.
        cache: folder of prepared images, likewise.
        first_turn: epoch after which the job makes room once and waits for its next turn; 0 for never.
    """

    folder: Path
    config: TrainingConfig
    cache: Path
    first_turn: int = 0

    trains = True

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name

    def ask_to_stop(self) -> None:
        """Leave the command in the run's folder."""
        if self.folder.is_dir():
            control.send(self.folder, "stop")

    def work(self, stop: Stop) -> str:
        """Train from the last finished epoch to the end.

        Returns:
            The run's state, "finished" or "stopped", or `UNFINISHED` where its turn is over.

        Raises:
            HemoError: why it cannot be trained.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        # A worker whose node was lost may live on for a while: two never write one run.
        lock = FileLock(self.folder / WORKER_LOCK)
        with lock.wait_hold(_PATIENCE_SECONDS, ProcessId.current().to_json(), give_up=stop) as held:
            if not held:
                raise RunError(f"Expected a run that nobody works on. Received: {self.name}, which another process has")
            return self._work(stop)

    def _work(self, stop: Stop) -> str:
        run, task = self._claim()
        if run.status().state == "finished":
            return "finished"
        control.clear(self.folder)
        run.write_status(state="starting", task=task, message="", process=ProcessId.current().to_json())
        import keras

        from hemo.runs.trainer import Trainer

        # The local pool trains one network after another in one process: TensorFlow would warn that it traces often.
        keras.backend.clear_session()
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        turn = _Turn(self.first_turn if run.epochs_finished() < self.first_turn else None)
        reader = ControlReader(self.folder)

        def commands() -> Command | None:
            return "stop" if stop() or turn.is_over() else reader()

        state = Trainer(run, self.cache, commands, turn.watch).work(task)
        if state == "stopped" and turn.is_over() and not stop():
            run.write_status(message="Waits for its next turn.")
            return UNFINISHED
        return state

    def _claim(self) -> tuple[Run, str]:
        """The run, made first where it is new, and what is to be done about it."""
        run = Run(self.folder)
        if not (self.folder / CONFIG).is_file():
            here = ProcessId.current().to_json()
            return create_run(self.folder, self.config, state="starting", process=here), "train"
        if run.config != self.config:
            raise RunError(f"Expected a run of the same configuration. Received: {self.name}, begun with another")
        return run, "resume"


class _Turn:
    """Knows when a job has had its turn: not before it was worth the start of another process.

    Args:
        last_epoch: the turn ends with it or a later one; None for a turn that never ends.
    """

    def __init__(self, last_epoch: int | None) -> None:
        self._last_epoch = last_epoch
        self._over = False
        self._began = time.monotonic()

    def watch(self, event: Event) -> None:
        """Take in an event of the run."""
        if event["event"] == "epoch" and self._last_epoch is not None:
            long_enough = time.monotonic() - self._began >= LEAST_TURN_SECONDS
            self._over = long_enough and self._last_epoch <= event["epoch"] < event["epochs"]

    def is_over(self) -> bool:
        """Whether the job should make room."""
        return self._over
