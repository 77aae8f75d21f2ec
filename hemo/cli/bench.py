"""`python -m hemo bench`: Hemo's speed against named baselines, on this machine, in this run."""

import argparse
import sys
from pathlib import Path
from typing import Any

from hemo.atomic import write_json_atomically
from hemo.errors import HemoError


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    from hemo.bench import BENCHMARKS

    parser: argparse.ArgumentParser = subparsers.add_parser(
        "bench", help="measure speed against named baselines", description=__doc__
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures here")
    parser.add_argument("--only", metavar="NAME", nargs="+", choices=list(BENCHMARKS), help=", ".join(BENCHMARKS))


def run(args: argparse.Namespace) -> int:
    """Run the benchmarks; 1 when one of them could not run, whatever the ratios are."""
    from hemo.bench import BENCHMARKS
    from hemo.bench.machine import described, machine
    from hemo.model.quiet import import_tensorflow_quietly

    about = machine()
    print(described(about), flush=True)
    import_tensorflow_quietly()
    results: list[dict[str, Any]] = []
    failed = False
    for name in args.only or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            ratios = BENCHMARKS[name]()
        except HemoError as error:
            print(f"hemo bench: {name}: {error}", file=sys.stderr, flush=True)
            failed = True
            continue
        for ratio in ratios:
            results.append({"benchmark": name} | ratio.to_json())
            print(line(results[-1]), flush=True)
    if args.json:
        write_json_atomically(args.json, {"machine": about, "ratios": results})
    return 1 if failed else 0


def line(result: dict[str, Any]) -> str:
    """One comparison in one line."""
    verdict = {True: "reached", False: "NOT reached", None: "no target"}[result["reached"]]
    target = f"target {result['target']}, {verdict}" if result["target"] else verdict
    times = f"{_milliseconds(result['ours_s'])} against {_milliseconds(result['baseline_s'])}"
    return f"{result['name']}: {result['ratio']:.2f} ({target}); {times} for {result['baseline']}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds < 10 else f"{seconds:.1f} s"
