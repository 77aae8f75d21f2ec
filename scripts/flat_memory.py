"""Memory while training on 2,500, 25,000 and 250,000 phantom slices, through the trainer's own path.

    python scripts/flat_memory.py WORK [--slices N ...] [--size PIXELS] [--steps N] [--doc docs/large-data.md]

Each set is written below WORK (about 1 GB for 250,000 slices of 64 pixels, and as much again for the cache) and
measured in a process of its own (`hemo.bench.flat_memory`). Its figures are kept, so that a run that was cut short
goes on. With --generate-from, large sets are noise written straight into shards, without pictures to write and decode.
With --doc, the table in that file is replaced.
"""

import argparse
import json
import shutil
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
MADE_AS = {
    "heads found": "PNG, prepared",
    "as they are": "PNG, decoded, heads not looked for",
    "generated": "noise in shards",
}
BEGIN, END = "<!-- table: scripts/flat_memory.py -->", "<!-- end of table -->"


def main() -> int:
    """Make the sets, measure them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--slices", type=int, nargs="+", default=[2_500, 25_000, 250_000])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--generate-from", type=int, metavar="N", help="sets of N slices and more have no pictures")
    parser.add_argument("--most-scored", type=int, metavar="N", help="score N slices at most")
    parser.add_argument("--doc", type=Path, metavar="FILE")
    args = parser.parse_args()
    results = [_measured(args, n) for n in args.slices]
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
        "| slices | as images | trained on | scored | preparing | training | scoring | resident in all | made as |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for result in results:
        peaks = result["peaks"]
        own = " | ".join(f"{peaks[phase]['anonymous']:.0f} MB" for phase in ("preparing", "training", "scoring"))
        total = max(peak["total"] for peak in peaks.values())
        lines.append(
            f"| {result['slices']:,} | {result['images_mb']:,.0f} MB | {32 * result['steps']:,} | {result['scored']:,} "
            f"| {own} | {total:.0f} MB | {MADE_AS[result['how']]} |"
        )
    return "\n".join(lines)


def _measured(args: argparse.Namespace, n: int) -> dict[str, Any]:
    result = args.work / f"{n}.json"
    if result.is_file():
        values: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return values
    args.work.mkdir(parents=True, exist_ok=True)
    source = args.work / f"slices-{n}"
    options = [f"--size={args.size}", f"--steps={args.steps}"]
    if args.most_scored:
        options.append(f"--most-scored={args.most_scored}")
    if args.generate_from and n >= args.generate_from:
        options.append(f"--generated={n}")
    else:
        if not (source / "manifest.json").is_file():
            print(f"writing {n:,} slices", file=sys.stderr, flush=True)
            shutil.rmtree(source, ignore_errors=True)  # a part of a run that was cut short
            write_many(source, n, args.size)
        options += [] if n <= FIND_HEADS_UP_TO else ["--as-they-are"]
    print(f"measuring {n:,} slices", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "hemo.bench.flat_memory", str(source), str(args.work / f"used-{n}"), *options]
    answer = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True).stdout
    values = json.loads(answer.decode().splitlines()[-1]) | {"machine": machine()}
    write_json_atomically(result, values)
    return values


if __name__ == "__main__":
    sys.exit(main())
