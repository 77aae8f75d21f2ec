"""The pool of this process, and which pool is chosen."""

from itertools import count
from pathlib import Path

import pytest

from hemo.errors import RunError
from hemo.jobs import pool
from hemo.jobs.job import perform
from hemo.jobs.pool import LocalPool, choose_pool
from tests.jobs.small_jobs import SmallJob


def test_jobs_run_in_their_order_and_a_failing_one_costs_no_other(tmp_path: Path) -> None:
    jobs = [SmallJob("a", tmp_path), SmallJob("b", tmp_path, error="Expected b"), SmallJob("c", tmp_path)]
    with LocalPool() as local:
        ended = list(local.run(jobs, lambda: False))
    assert [(outcome.job.name, outcome.result, outcome.error) for outcome in ended] == [
        ("a", "a", ""),
        ("b", None, "Expected b"),
        ("c", "c", ""),
    ]


def test_an_error_of_the_program_is_named_and_costs_no_other(tmp_path: Path) -> None:
    assert perform(SmallJob("a", tmp_path, error="bug")).error == "ZeroDivisionError: made up"


def test_a_job_that_is_not_finished_waits_for_the_others(tmp_path: Path) -> None:
    jobs = [SmallJob("a", tmp_path, turns=3), SmallJob("b", tmp_path)]
    ended = [outcome.job.name for outcome in LocalPool().run(jobs, lambda: False)]
    assert ended == ["b", "a"]
    assert (tmp_path / "a").read_text().count("worked") == 3


def test_jobs_are_taken_only_as_they_are_begun_and_none_after_a_stop(tmp_path: Path) -> None:
    endless = (SmallJob(f"job {number}", tmp_path) for number in count())
    ended: list[str] = []
    for outcome in LocalPool().run(endless, lambda: len(ended) >= 2):
        ended.append(outcome.job.name)
    assert ended == ["job 0", "job 1"]


def test_this_process_is_the_default_and_ray_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose_pool(None, None), LocalPool)
    monkeypatch.setattr(pool, "ray_is_installed", lambda: False)
    assert isinstance(choose_pool(1, None), LocalPool)
    for workers, address in ((2, None), (None, "auto")):
        with pytest.raises(RunError, match=r"pip install -r requirements-ray\.txt\. Received: Ray is not installed"):
            choose_pool(workers, address)
    with pytest.raises(RunError, match=r"at least one worker\. Received: 0"):
        choose_pool(0, None)
