"""What a network costs, measured once in a process apart."""

from pathlib import Path

import pytest

from hemo.model.training_config import RECOMMENDED
from hemo.runs import facts
from hemo.runs.facts import NetworkFacts
from hemo.runs.lock import trainer_lock
from hemo.workspace import Workspace


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(facts, "start_detached", lambda *arguments, log: calls.append(arguments))
    return calls


def test_nothing_is_known_before_and_what_is_kept_comes_back(workspace: Workspace) -> None:
    assert facts.known(workspace, RECOMMENDED) is None
    facts.remember(workspace, RECOMMENDED, NetworkFacts(487_121, 0.01))
    assert facts.known(workspace, RECOMMENDED) == NetworkFacts(487_121, 0.01)
    assert facts.known(workspace, RECOMMENDED.replace(batch=8)) is None


def test_a_damaged_file_counts_as_not_measured(workspace: Workspace) -> None:
    facts.remember(workspace, RECOMMENDED, NetworkFacts(1))
    (path,) = (workspace.cache / "facts").glob("*.json")
    path.write_text("{")
    assert facts.known(workspace, RECOMMENDED) is None


def test_measuring_starts_once_and_not_for_what_is_known(workspace: Workspace, started: list) -> None:
    assert facts.measure_in_background(workspace, RECOMMENDED)
    assert len(started) == 1
    facts.remember(workspace, RECOMMENDED, NetworkFacts(1, 0.01))
    assert not facts.measure_in_background(workspace, RECOMMENDED)
    facts.remember(workspace, RECOMMENDED, NetworkFacts(0, problem="Expected a larger image."))
    assert not facts.measure_in_background(workspace, RECOMMENDED)
    assert len(started) == 1


def test_steps_are_not_timed_while_somebody_trains(workspace: Workspace, started: list) -> None:
    facts.remember(workspace, RECOMMENDED, NetworkFacts(1))
    with trainer_lock(workspace.runs).try_hold({"run": "other"}):
        assert not facts.measure_in_background(workspace, RECOMMENDED)
    assert facts.measure_in_background(workspace, RECOMMENDED)


@pytest.mark.slow
def test_the_process_counts_parameters_and_times_a_step(workspace: Workspace) -> None:
    import json

    config = RECOMMENDED.replace(image_size=32, batch=4)
    assert facts.main([str(workspace.root), json.dumps(config.to_json())]) == 0
    found = facts.known(workspace, config)
    assert found is not None
    assert 400_000 < found.parameters < 600_000
    assert found.seconds_per_image is not None
    assert 0 < found.seconds_per_image < 5


@pytest.mark.slow
def test_a_size_that_cannot_be_built_is_told_instead(workspace: Workspace, tmp_path: Path) -> None:
    import json

    config = RECOMMENDED.replace(architecture="lite0", image_size=100)
    facts.main([str(workspace.root), json.dumps(config.to_json())])
    found = facts.known(workspace, config)
    assert found is not None
    assert "an image size that lite0 can take" in found.problem
