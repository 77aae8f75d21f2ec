"""A group of runs from its first epoch to its results, on whatever pool of workers."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from hemo.data.importers import import_dataset
from hemo.data.prepared import prepared_set
from hemo.errors import HemoError, RunError
from hemo.jobs.job import Stop
from hemo.jobs.pool import Pool
from hemo.jobs.progress import ProgressLines, Say
from hemo.jobs.train_job import TrainJob
from hemo.model.training_config import TrainingConfig
from hemo.model.training_data import preparation_of, split_by_protocol
from hemo.runs.group import Group, label
from hemo.runs.group_results import write_results
from hemo.runs.run import Run

_WORTH_A_TURN = 0.95


@dataclass(frozen=True)
class Ended:
    """How a group's work ended.

    Args:
        finished: names of the runs that are finished, now or before.
        failed: name → why.
        stopped: whether the user stopped it.
    """

    finished: tuple[str, ...]
    failed: dict[str, str]
    stopped: bool


def train_group(group: Group, cache: Path, pool: Pool, stop: Stop = lambda: False, say: Say = print) -> Ended:
    """Train every run of a group that is not finished, then write its results.

    Args:
        group: its runs.
        cache: folder of prepared images.
        pool: entered.
        stop: ends it early; what is finished stays, and the same call goes on.
        say: receives a line at each step worth telling.

    Raises:
        HemoError: the data cannot be read, or one of the configurations cannot run on them; nothing was begun then.
    """
    waiting = [member for member in group.members if group.run(member).status().state != "finished"]
    if waiting:
        prepare([group.config(member) for member in waiting], [label(member.changes) for member in waiting], cache, say)
    turns = first_turns(group.base.epochs, len(waiting), pool.workers)
    jobs = [
        TrainJob(group.run(member).folder, group.config(member), cache, turn)
        for member, turn in zip(waiting, turns, strict=True)
    ]
    before = len(group.members) - len(waiting)
    earlier = f", {before} finished before" if before else ""
    say(f"{group.name}: {len(jobs)} runs on {pool.workers} {'worker' if pool.workers == 1 else 'workers'}{earlier}")
    ended = train_jobs(jobs, pool, stop, say)
    write_results(group)
    done = {member.name for member in group.members if member not in waiting} | set(ended.finished)
    return Ended(tuple(member.name for member in group.members if member.name in done), ended.failed, ended.stopped)


def train_jobs(jobs: Sequence[TrainJob], pool: Pool, stop: Stop, say: Say) -> Ended:
    """Work on runs, saying a line an epoch and a line for each run that ends."""
    finished, failed = list[str](), dict[str, str]()
    folders = {job.name: job.folder for job in jobs}
    with ProgressLines([job.folder for job in jobs], say):
        for outcome in pool.run(jobs, stop):
            name = outcome.job.name
            if outcome.error:
                failed[name] = outcome.error
                _mark_lost(Run(folders[name]), outcome.error)
                say(f"{name}: failed. {outcome.error}")
            elif outcome.result == "finished":
                finished.append(name)
                say(f"{name}: finished, {len(finished)} of {len(jobs)}")
    stopped = stop() and len(finished) + len(failed) < len(jobs)
    return Ended(tuple(finished), failed, stopped)


def prepare(configs: Sequence[TrainingConfig], names: Sequence[str], cache: Path, say: Say) -> None:
    """Refuse what cannot run before anything begins, and prepare every slice once, before workers ask for it.

    Raises:
        HemoError: the data cannot be read, or a configuration cannot run on them; says which.
    """
    first = configs[0]
    say("Reading the data set")
    manifest = import_dataset(first.data, first.layout or None)
    for config, name in zip(configs, names, strict=True):
        try:
            preparation_of(config)
            split_by_protocol(manifest, config)
        except HemoError as error:
            raise RunError(f"{error} ({name})") from error
    preparations = {preparation_of(config) for config in configs}
    for preparation in sorted(preparations, key=str):
        say(f"Preparing {len(manifest):,} slices at {preparation.size} pixels, where that was not done before")
        prepared_set(manifest, preparation, cache)


def first_turns(epochs: int, jobs: int, workers: int) -> list[int]:
    """After which epoch each job makes room once, so that no worker idles while another has most of a job left.

    Five jobs on two workers take the time of three, one job each. With the first one cut in halves, its second half
    done last, they take that of two and a half. In general at most one job fewer than there are workers is cut
    (McNaughton's wrap-around rule, Management Science 6, 1959); a turn ends at a checkpoint, from which any worker
    goes on. Jobs that are cut come first.

    Args:
        epochs: of every job.
        jobs: how many.
        workers: how many jobs are done at a time.

    Returns:
        One number a job; 0 for a job that is done in one go.
    """
    each = Fraction(jobs, workers)
    starts = [each * worker for worker in range(1, workers)] if jobs > workers else []
    shares = [1 - start % 1 for start in starts if start % 1]
    cuts = [cut for share in shares if 0 < (cut := round(share * epochs)) < epochs]
    rounds = -(-jobs // workers)
    return [*cuts, *[0] * (jobs - len(cuts))] if cuts and each < _WORTH_A_TURN * rounds else [0] * jobs


def _mark_lost(run: Run, why: str) -> None:
    """A run whose last worker was lost says so; one that failed by itself has said why."""
    if run.folder.is_dir() and run.status().state not in ("failed", "finished"):
        run.write_status(state="failed", message=why)
