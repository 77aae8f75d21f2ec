"""Ray: the same outcomes as in this process, and on a cluster nothing lost when a node is killed."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hemo.errors import RunError
from hemo.jobs import training
from hemo.jobs.pool import LocalPool, Pool
from hemo.jobs.training import train_group
from hemo.model.checkpoint import LAST
from hemo.runs.events import EVENTS, read_events
from hemo.runs.group import Group, create_group, plan
from hemo.runs.run import CHECKPOINTS, PREDICTIONS
from tests.jobs.ray_material import ray_processes, two_nodes, wait_until_gone
from tests.jobs.small_jobs import SmallJob
from tests.training_material import tiny_config

pytest.importorskip("ray", reason="needs Ray: pip install -r requirements-ray.txt")
# Ray leaves sockets and log files of its own to the garbage collector.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:.*:FutureWarning:ray")]

EPOCHS = 12


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    before = ray_processes()
    yield
    assert wait_until_gone(before) == set()


def test_ray_gives_what_this_process_gives(tmp_path: Path) -> None:
    from hemo.jobs.ray_pool import RayPool

    outcomes = []
    for place, pool in (("here", LocalPool()), ("ray", RayPool(2))):
        (tmp_path / place).mkdir()
        jobs = [
            SmallJob("a", tmp_path / place),
            SmallJob("b", tmp_path / place, error="Expected b"),
            SmallJob("c", tmp_path / place, error="bug"),
            SmallJob("d", tmp_path / place, turns=2),
        ]
        with pool as entered:
            assert entered.is_here
            ended = list(entered.run(jobs, lambda: False))
        outcomes.append(sorted((outcome.job.name, outcome.result, outcome.error) for outcome in ended))
    assert outcomes[0] == outcomes[1]


def test_an_address_without_a_cluster_is_one_sentence() -> None:
    from hemo.jobs.ray_pool import RayPool

    with pytest.raises(RunError, match="Expected a Ray cluster at auto"), RayPool(address="auto"):
        pass


def test_a_killed_node_loses_nothing(phantom: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three folds on two nodes; the node of one is killed after its first epoch."""
    from hemo.jobs.ray_pool import RayPool

    # Without turns: a run that goes on from a checkpoint does so because its worker was lost.
    monkeypatch.setattr(training, "first_turns", lambda epochs, jobs, workers: [0] * jobs)
    killed = _group(phantom, tmp_path / "killed")
    lines: list[str] = []
    with two_nodes() as (cluster, second), RayPool(workers=2, address=cluster.address) as pool:
        watch = threading.Thread(target=_kill_the_node_of_a_job_at_work, args=(second, killed, lines))
        watch.start()
        ended = train_group(killed, tmp_path / "cache", pool, say=lines.append)
        watch.join()
    text = "\n".join(lines)
    assert len(ended.finished) == 3, text
    assert ended.failed == {}
    (victim,) = [line.removeprefix("killed the node of ") for line in lines if line.startswith("killed the node")]
    resumed = [event["epoch"] for event in _events(killed, victim) if event["event"] == "resume"]
    assert len(resumed) == 2, text
    assert resumed[0] == 0
    assert resumed[1] >= 1
    straight = _group(phantom, tmp_path / "straight")
    with RayPool(workers=2, threads=1) as pool:
        _finish(straight, tmp_path / "cache", pool)
    for one, other in zip(killed.members, straight.members, strict=True):
        _assert_same(killed.run(one).folder, straight.run(other).folder)


def _group(phantom: Path, folder: Path) -> Group:
    base, changes = plan(tiny_config(phantom, epochs=EPOCHS, validation=0.35), folds=3)
    return create_group(folder, base, changes)


def _finish(group: Group, cache: Path, pool: Pool) -> None:
    assert len(train_group(group, cache, pool, say=lambda line: None).finished) == 3


def _events(group: Group, name: str) -> list[dict[str, Any]]:
    return read_events(group.folder / name / EVENTS)


def _kill_the_node_of_a_job_at_work(node: Any, group: Group, lines: list[str]) -> None:
    """Once a job on the node has a checkpoint, kill the node: its raylet and every worker.

    Workers follow their raylet's death by themselves, but later than these few short epochs take.
    """
    (raylet,) = [info.process for info in node.all_processes["raylet"]]
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        for member in group.members:
            run = group.run(member)
            if 1 <= run.epochs_finished() < EPOCHS - 3 and run.status().state == "training":
                worker = int(run.status().process["pid"])
                if _parent(worker) == raylet.pid:
                    workers = _children(raylet.pid)
                    for pid in (raylet.pid, *workers):
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
                    lines.append(f"killed the node of {member.name}")
                    return
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if _parent(int(path.name)) == pid]


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat[stat.rindex(")") + 2 :].split()[1])


def _assert_same(one: Path, other: Path) -> None:
    assert (one / PREDICTIONS).read_bytes() == (other / PREDICTIONS).read_bytes()
    with np.load(one / CHECKPOINTS / LAST) as first, np.load(other / CHECKPOINTS / LAST) as second:
        names = [name for name in first.files if name != "state"]
        assert names == [name for name in second.files if name != "state"]
        for name in names:
            np.testing.assert_array_equal(first[name], second[name], err_msg=name)
