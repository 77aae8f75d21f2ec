"""One measured comparison, and how two ways are timed fairly."""

import gc
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Ratio:
    """Hemo's time against a baseline's.

    Args:
        name: what was done.
        baseline: what it is compared with, in words.
        baseline_s: seconds the baseline took.
        ours_s: seconds Hemo took.
        ratio: see `at_least` and `at_most`.
        target: what must be reached, such as "≥ 8" or "≤ 1.5"; "" where nothing was promised.
    """

    name: str
    baseline: str
    baseline_s: float
    ours_s: float
    ratio: float
    target: str

    @classmethod
    def at_least(cls, name: str, baseline: str, baseline_s: float, ours_s: float, target: float) -> "Ratio":
        """How many times faster than the baseline: `ratio` = baseline / ours, promised to be `target` or more."""
        return cls(name, baseline, baseline_s, ours_s, baseline_s / ours_s, f"≥ {target:g}")

    @classmethod
    def at_most(cls, name: str, baseline: str, baseline_s: float, ours_s: float, target: float) -> "Ratio":
        """How many times the baseline's cost: `ratio` = ours / baseline, promised to be `target` or less."""
        return cls(name, baseline, baseline_s, ours_s, ours_s / baseline_s, f"≤ {target:g}")

    @property
    def reached(self) -> bool | None:
        """Whether the target was reached; None without a target."""
        sign, _, value = self.target.partition(" ")
        if sign == "≥":
            return self.ratio >= float(value)
        return self.ratio <= float(value) if sign == "≤" else None

    def to_json(self) -> dict[str, Any]:
        """Plain values, with `reached`."""
        return asdict(self) | {"reached": self.reached}


def interleaved(ways: dict[str, Callable[[], object]], repeats: int, warm_up: int = 2) -> dict[str, float]:
    """Seconds of each way at its fastest, measured in turns so that a busy machine slows all of them alike.

    The fastest, as `timeit` advises: slower turns measure what else the machine was doing.

    Args:
        ways: name → what to time.
        repeats: how often each is timed.
        warm_up: untimed calls of each beforehand; the first call traces and allocates.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        for _ in range(warm_up):
            way()
    for _ in range(repeats):
        for name, way in ways.items():
            gc.collect()
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    return {name: min(values) for name, values in times.items()}
