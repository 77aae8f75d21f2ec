"""Benchmarks: each compares Hemo with a named baseline on the same machine in the same run.

To add one, write a module here with a function that returns `list[Ratio]` and name it in `BENCHMARKS`. Functions import
what is heavy themselves.
"""

from collections.abc import Callable

from hemo.bench import cached_input, folds, input_pipeline, judging, reading, resampling, study, training_overhead
from hemo.bench.ratio import Ratio

BENCHMARKS: dict[str, Callable[[], list[Ratio]]] = {
    "reading": reading.run,
    "study": study.run,
    "input-pipeline": input_pipeline.run,
    "cached-input": cached_input.run,
    "training-overhead": training_overhead.run,
    "resampling": resampling.run,
    "judging": judging.run,
    "folds": folds.run,
}

__all__ = ["BENCHMARKS", "Ratio"]
