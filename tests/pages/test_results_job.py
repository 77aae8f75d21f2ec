"""An evaluation in a process of its own: started once, watched, stopped, and its last words kept."""

import json
from pathlib import Path

import pytest

from hemo.runs.process import ProcessId
from hemo.workspace import Workspace
from pages.components import results_job
from pages.components.results_job import Job


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    calls: list[tuple[str, ...]] = []

    def start(module: str, *arguments: str, log: Path, environment: dict[str, str]) -> ProcessId:
        calls.append((module, *arguments))
        log.write_text("hemo evaluate: Expected a model. Received: none\n")
        assert set(environment) == {"HEMO_HOME", "HEMO_MODELS"}
        return ProcessId.current()

    monkeypatch.setattr(results_job, "start_detached", start)
    return calls


@pytest.fixture
def job() -> Job:
    return Job.of(Workspace.from_environment(), Path("abc"))


def begin(job: Job) -> None:
    job.start(Workspace.from_environment(), Path("data"), "tiny", False, True)


def write(job: Job, *events: dict) -> None:
    (job.folder / "progress.jsonl").write_text("\n".join(json.dumps(event) for event in events) + '\n{"half')


def test_it_is_started_once_while_it_runs(job: Job, started: list) -> None:
    assert job.progress() is None
    begin(job)
    begin(job)
    assert len(started) == 1
    assert started[0][:5] == ("hemo", "evaluate", "data", "--model", "tiny")
    assert "--audit" in started[0]
    assert "--out-of-fold" not in started[0]


def test_progress_is_what_the_last_whole_line_says(job: Job, started: list) -> None:
    begin(job)
    write(
        job,
        {"event": "stage", "stage": "reading slices"},
        {"event": "progress", "stage": "reading slices", "done": 64, "total": 100},
    )
    progress = job.progress()
    assert progress is not None
    assert (progress.running, progress.stage, progress.done, progress.total) == (True, "reading slices", 64, 100)


def test_a_failure_keeps_its_reason(job: Job, started: list, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(job)
    monkeypatch.setattr(ProcessId, "is_alive", lambda self: False)
    progress = job.progress()
    assert progress is not None
    assert progress.failed == "hemo evaluate: Expected a model. Received: none"
    write(job, {"event": "failed", "reason": "Expected slices."})
    assert job.progress().failed == "Expected slices."  # type: ignore[union-attr]
    write(job, {"event": "done"})
    assert job.progress().failed == ""  # type: ignore[union-attr]
    job.forget()
    assert job.progress() is None


def test_stop_asks_the_process_to_end(job: Job, started: list, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(results_job.os, "kill", lambda pid, signal: asked.append(pid))
    job.stop()
    assert not asked
    begin(job)
    job.stop()
    assert asked == [ProcessId.current().pid]
