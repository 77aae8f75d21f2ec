"""Where jobs run: in this process one after another, or on Ray's workers. The caller sees no difference."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol

from hemo.errors import RunError
from hemo.jobs.job import UNFINISHED, Job, Outcome, Stop, perform

INSTALL_RAY = "pip install -r requirements-ray.txt"


class Pool(AbstractContextManager["Pool"], Protocol):
    """Runs jobs while its `with` block lasts."""

    @property
    def workers(self) -> int:
        """How many jobs it works on at a time."""

    @property
    def is_here(self) -> bool:
        """Whether the work is done on this machine."""

    def run(self, jobs: Iterable[Job], stop: Stop) -> Iterator[Outcome]:
        """Work on jobs and give each one's outcome as it ends.

        Args:
            jobs: taken from as workers become free.
            stop: once it is true no further job begins, and those at work are asked to end early.

        Yields:
            Outcomes in the order in which jobs end.
        """


class LocalPool:
    """Works in this process, on one job after another."""

    workers = 1
    is_here = True

    def __enter__(self) -> "LocalPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left behind."""

    def run(self, jobs: Iterable[Job], stop: Stop) -> Iterator[Outcome]:
        """See `Pool.run`."""
        source, again = iter(jobs), deque[Job]()
        while not stop():
            job = next(source, None) or (again.popleft() if again else None)
            if job is None:
                return
            outcome = perform(job, stop)
            if outcome.result == UNFINISHED:
                again.append(job)
            else:
                yield outcome


def ray_is_installed() -> bool:
    """Whether the optional requirement is there."""
    from importlib.util import find_spec

    return find_spec("ray") is not None


def choose_pool(workers: int | None, address: str | None, gpus_per_job: float | None = None) -> Pool:
    """The pool that the user asked for.

    Args:
        workers: how many jobs at a time; None for one in this process, or as many as a cluster has room for.
        address: of a Ray cluster; None for a Ray of our own on this machine, which ends with the command.
        gpus_per_job: graphics processors of a training job; None for one where there is any.

    Raises:
        RunError: Ray is needed and not installed, or the number of workers is none.
    """
    if workers is not None and workers < 1:
        raise RunError(f"Expected at least one worker. Received: {workers}")
    if workers is None and address is None:
        return LocalPool()
    if not ray_is_installed():
        if workers == 1 and address is None:
            return LocalPool()
        raise RunError(f"Expected Ray for several workers or a cluster: {INSTALL_RAY}. Received: Ray is not installed")
    from hemo.jobs.ray_pool import RayPool

    return RayPool(workers, address, gpus_per_job)
