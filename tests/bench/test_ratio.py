"""A ratio is read the way its target is, and two ways are timed in turns."""

import time

import pytest

from hemo.bench import BENCHMARKS
from hemo.bench.machine import described, machine
from hemo.bench.ratio import Ratio, interleaved


def test_speed_ups_and_costs_point_their_own_way() -> None:
    faster = Ratio.at_least("a", "b", baseline_s=8.0, ours_s=1.0, target=8)
    dearer = Ratio.at_most("a", "b", baseline_s=1.0, ours_s=1.6, target=1.5)
    assert (faster.ratio, faster.target, faster.reached) == (8.0, "≥ 8", True)
    assert (dearer.ratio, dearer.target, dearer.reached) == (1.6, "≤ 1.5", False)
    assert Ratio("a", "b", 1.0, 1.0, 1.0, "").reached is None
    assert dearer.to_json()["reached"] is False


def test_ways_take_turns_so_that_a_busy_machine_slows_all_alike() -> None:
    order: list[str] = []
    seconds = interleaved(
        {"slow": lambda: (order.append("slow"), time.sleep(0.02)), "quick": lambda: order.append("quick")},
        repeats=3,
        warm_up=1,
    )
    assert order == ["slow", "quick"] * 4
    assert seconds["slow"] > 0.015 > seconds["quick"]


def test_the_machine_is_described_without_naming_it_or_its_user() -> None:
    about = machine()
    text = described(about)
    assert about["cores"] >= 1
    assert f"{about['cores']} cores of {about['processor']}" in text
    assert f"keras {about['keras']}" in text
    import getpass
    import platform

    assert platform.node() not in text
    assert getpass.getuser() not in text


def test_the_registry_holds_what_is_promised() -> None:
    assert {"reading", "input-pipeline"} <= set(BENCHMARKS)
    assert all(callable(benchmark) for benchmark in BENCHMARKS.values())


@pytest.mark.slow
def test_the_reading_benchmark_measures_every_network_against_every_baseline() -> None:
    # Whether the targets are reached is for `python -m hemo bench` on a quiet machine, not for a test on a shared one.
    ratios = BENCHMARKS["reading"]()
    assert len(ratios) == 9
    assert all(ratio.ratio > 0 and ratio.baseline and ratio.target for ratio in ratios)
