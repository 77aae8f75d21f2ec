"""Jobs on Ray: a Ray of our own on this machine, or a cluster. A job whose worker is lost is given to another one."""

import contextlib
import logging
import os
import time
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from hemo.errors import RunError
from hemo.jobs.job import UNFINISHED, Job, Outcome, Stop, perform
from hemo.runs.process import THREAD_VARIABLES
from hemo.workspace import REPOSITORY

if TYPE_CHECKING:
    import ray

RETRIES = 4
_POLL_SECONDS = 0.25
_PATIENCE_SECONDS = 30.0
_OBJECT_STORE_BYTES = 80 * 1024**2  # jobs and their outcomes are small; images are read from disk by whoever needs them
_LOST = "Expected a worker to finish it; {count} were lost one after another. Received: {kind}"


class RayPool:
    """Works on Ray.

    Args:
        workers: jobs at a time; None for as many as there is room for.
        address: of a running cluster, such as "10.0.0.5:6379" or "auto"; None starts a Ray on this machine, bound to
            127.0.0.1, which ends with the pool.
        gpus_per_job: graphics processors of a training job; None for one where there is any.
        threads: of each worker; None for this machine's cores shared among them, and one on a cluster.

    Raises:
        RunError: there is no cluster at the address.
    """

    def __init__(
        self,
        workers: int | None = None,
        address: str | None = None,
        gpus_per_job: float | None = None,
        threads: int | None = None,
    ) -> None:
        self._asked = workers
        self._address = address
        self._gpus_per_job = gpus_per_job
        self._threads = threads
        self._functions: dict[bool, Any] = {}
        self.workers = workers or 1

    @property
    def is_here(self) -> bool:
        """Whether the work is done on this machine."""
        return self._address is None

    def __enter__(self) -> "RayPool":
        self._ray = import_ray(_is_loopback(self._address))
        try:
            self._ray.init(**self._options())
        except (ConnectionError, ValueError, RuntimeError) as error:
            first = (str(error).splitlines() or [""])[0][:160]
            raise RunError(f"Expected a Ray cluster at {self._address or 'this machine'}. Received: {first}") from error
        resources = self._ray.cluster_resources()
        self.workers = self._asked or max(1, int(resources.get("CPU", 1)))
        if self._gpus_per_job is None:
            self._gpus_per_job = 1.0 if resources.get("GPU") else 0.0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the cluster; a Ray of our own ends with all its processes."""
        self._ray.shutdown()

    def run(self, jobs: Iterable[Job], stop: Stop) -> Iterator[Outcome]:
        """See `Pool.run`."""
        source, again = iter(jobs), deque[Job]()
        at_work: dict[ray.ObjectRef, Job] = {}
        while not stop():
            while len(at_work) < self.workers:
                job = next(source, None) or (again.popleft() if again else None)
                if job is None:
                    break
                at_work[self._submit(job)] = job
            if not at_work:
                return
            for outcome in self._ended(at_work):
                if outcome.result == UNFINISHED:
                    again.append(outcome.job)
                else:
                    yield outcome
        yield from self._let_stop(at_work)

    def _let_stop(self, at_work: "dict[ray.ObjectRef, Job]") -> Iterator[Outcome]:
        """Ask what is at work to end early; what does not in good time is ended by Ray."""
        for job in at_work.values():
            job.ask_to_stop()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while at_work and time.monotonic() < deadline:
            yield from (outcome for outcome in self._ended(at_work) if outcome.result != UNFINISHED)
        for reference in at_work:
            self._ray.cancel(reference, force=True)

    def _submit(self, job: Job) -> "ray.ObjectRef":
        if job.trains not in self._functions:
            self._functions[job.trains] = self._ray.remote(**self._task(job.trains))(_perform)
        # Ray's logs name tasks; they name no patient and no file.
        return self._functions[job.trains].options(name=type(job).__name__).remote(job)

    def _task(self, trains: bool) -> dict[str, Any]:
        return {
            "num_cpus": 1,
            "num_gpus": self._gpus_per_job if trains else 0,
            "max_retries": RETRIES,
            "retry_exceptions": False,
            # TensorFlow keeps memory, settings and random state: a network trains in a process of its own.
            "max_calls": 1 if trains else 0,
            "runtime_env": {"env_vars": _environment(str(self._threads or self._share_of_cores()))},
        }

    def _share_of_cores(self) -> int:
        if not self.is_here:
            return 1
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return max(1, cores // self.workers)

    def _ended(self, at_work: "dict[ray.ObjectRef, Job]") -> list[Outcome]:
        """Wait a moment for jobs to end, and take those that did out of `at_work`."""
        done, _ = self._ray.wait(list(at_work), num_returns=len(at_work), timeout=_POLL_SECONDS)
        return [self._outcome(reference, at_work.pop(reference)) for reference in done]

    def _outcome(self, reference: "ray.ObjectRef", job: Job) -> Outcome:
        try:
            outcome: Outcome = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return Outcome(job, error=_LOST.format(count=RETRIES + 1, kind=type(error).__name__))
        return outcome

    def _options(self) -> dict[str, Any]:
        shared = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
        if self._address is not None:
            return shared | {"address": self._address}
        return shared | {
            "address": "local",
            "num_cpus": self._asked,
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
            "_node_ip_address": "127.0.0.1",
        }


def _perform(job: Job) -> Outcome:
    """What a Ray worker does: exactly what this process would do."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with contextlib.suppress(OSError):
        os.nice(5)
    return perform(job)


def _environment(threads: str) -> dict[str, str]:
    """Of the workers: the same package, and only as many threads as a worker has cores."""
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    shared = {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    return shared | dict.fromkeys(THREAD_VARIABLES, threads)


def import_ray(loopback: bool) -> Any:
    """Ray, without usage reports to the internet and without what it says while it is imported.

    Args:
        loopback: use 127.0.0.1 and nothing else; otherwise Ray takes this machine's address in the network, even where
            127.0.0.1 is asked for.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    logging.getLogger("ray").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray
        from ray._private import ray_constants
    # Ray's switch for systems whose firewalls ask about every port that is not on the loopback; its own processes read
    # the variable, this one has read it already.
    ray_constants.ENABLE_RAY_CLUSTER = not loopback
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0" if loopback else "1"
    return ray


def _is_loopback(address: str | None) -> bool:
    return address is None or address.rpartition(":")[0] in ("127.0.0.1", "localhost")
