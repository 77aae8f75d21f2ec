"""Memory while training on 2,500, 25,000 and 250,000 phantom slices, through the trainer's own path.

    python scripts/flat_memory.py WORK [--slices N ...] [--size PIXELS] [--steps N] [--doc docs/large-data.md]

Each set is written below WORK (about 1.3 GB for 250,000 slices of 64 pixels, and as much again for the cache), measured
in a process of its own (`hemo.bench.flat_memory`) and kept, so that a run that was cut short goes on. With --doc, the
table in that file is replaced.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hemo.atomic import write_json_atomically, write_text_atomically
from hemo.bench.flat_memory import write_many
from hemo.bench.machine import described, machine
from hemo.workspace import REPOSITORY

FIND_HEADS_UP_TO = 2_500
BEGIN, END = "<!-- table: scripts/flat_memory.py -->", "<!-- end of table -->"


def main() -> int:
    """Make the sets, measure them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--slices", type=int, nargs="+", default=[2_500, 25_000, 250_000])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--doc", type=Path, metavar="FILE")
    args = parser.parse_args()
    results = [_measured(args.work, n, args.size, args.steps) for n in args.slices]
    text = f"{table(results)}\n\nMeasured on {described(results[-1]['machine'])}."
    print(text)
    if args.doc:
        before, _, rest = args.doc.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        write_text_atomically(args.doc, f"{before}{BEGIN}\n{text}\n{END}{after}")
    return 0


def table(results: list[dict[str, Any]]) -> str:
    """One row a set; memory in MB at its peak, own (anonymous) memory of each phase, then all that was resident."""
    lines = [
        "| slices | prepared images | preparing | training | scoring | resident, with mapped libraries |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for result in results:
        peaks = result["peaks"]
        own = " | ".join(f"{peaks[phase]['anonymous']:.0f} MB" for phase in ("preparing", "training", "scoring"))
        total = max(peak["total"] for peak in peaks.values())
        lines.append(f"| {result['slices']:,} | {result['images_mb']:,.0f} MB | {own} | {total:.0f} MB |")
    return "\n".join(lines)


def _measured(work: Path, n: int, size: int, steps: int) -> dict[str, Any]:
    result = work / f"{n}-{size}-{steps}.json"
    if result.is_file():
        values: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return values
    source, used = work / f"slices-{n}-{size}", work / f"used-{n}-{size}"
    if not (source / "manifest.json").is_file():
        print(f"writing {n:,} slices", file=sys.stderr, flush=True)
        write_many(source, n, size)
    print(f"measuring {n:,} slices", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "hemo.bench.flat_memory", str(source), str(used)]
    command += [f"--size={size}", f"--steps={steps}", *([] if n <= FIND_HEADS_UP_TO else ["--as-they-are"])]
    answer = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True).stdout
    values = json.loads(answer.decode().splitlines()[-1]) | {"machine": machine()}
    write_json_atomically(result, values)
    return values


if __name__ == "__main__":
    sys.exit(main())
