"""One piece of work as a description, and the one function that does it wherever it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from hemo.errors import HemoError

Stop = Callable[[], bool]


class Job(Protocol):
    """A piece of work that depends on no other and can be done again.

    It is a frozen dataclass of plain values, so that it travels to another process or machine. A job that was cut off
    by the death of its worker is given to another one, and finds in its folder what was done.
    """

    @property
    def name(self) -> str:
        """Tells jobs apart; for people."""

    @property
    def trains(self) -> bool:
        """Whether it wants a process of its own, with the graphics processor where there is one."""

    def work(self, stop: Stop) -> Any:
        """Do it.

        Args:
            stop: says whether the user wants it to end early; asked now and then.

        Returns:
            The result, as plain values or arrays; `UNFINISHED` to be called again later, after other jobs.

        Raises:
            HemoError: it cannot be done, whoever does it.
        """

    def ask_to_stop(self) -> None:
        """Tell the process that works on it, wherever it is, to end early."""


# The job did its turn and has more to do.
UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Args:
        job: the job.
        result: what `work` returned; None where it failed.
        error: why it failed, one sentence; "" where it did not.
    """

    job: Job
    result: Any = None
    error: str = ""


def perform(job: Job, stop: Stop = lambda: False) -> Outcome:
    """Do a job; an error becomes part of the outcome, so that it costs no other job and stands in no worker's log."""
    try:
        return Outcome(job, job.work(stop))
    except HemoError as error:
        return Outcome(job, error=str(error))
    except Exception as error:
        first = (str(error).splitlines() or [""])[0][:300]
        return Outcome(job, error=f"{type(error).__name__}: {first}")
