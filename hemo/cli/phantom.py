"""`python -m hemo phantom OUT`: write a synthetic data set, for a demo or for tests."""

import argparse
import sys
import time
from pathlib import Path


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command's arguments."""
    parser = subparsers.add_parser(
        "phantom",
        help="write a synthetic head-CT data set",
        description="Write a synthetic head-CT data set with exact masks. SYNTHETIC: no patient's image is in it.",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="a new or empty folder, or an earlier phantom set")
    parser.add_argument("--studies", type=int, default=24, metavar="N", help="studies to write (default 24)")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="S", help="the same seed writes the same bytes (default 0)"
    )
    parser.add_argument("--dicom", action="store_true", help="write DICOM series in place of PNG slices")
    parser.add_argument("--slices", type=int, default=16, metavar="N", help="slices a study (default 16)")
    parser.add_argument("--size", type=int, metavar="PIXELS", help="rows and columns (default 256, with --dicom 512)")


def run(args: argparse.Namespace) -> int:
    """Write the set and say what is in it."""
    from hemo.data.phantom import write_phantom

    start = time.monotonic()
    manifest = write_phantom(
        args.out,
        studies=args.studies,
        seed=args.seed,
        dicom=args.dicom,
        progress=_show if sys.stderr.isatty() else None,
        n_slices=args.slices,
        size=args.size,
    )
    frame = manifest.frame
    print(
        f"{manifest.name}: {len(frame)} slices of {frame['group'].nunique()} studies, "
        f"{int(frame['label'].sum())} with a bleed, in {time.monotonic() - start:.1f} s: {args.out}"
    )
    return 0


def _show(done: int, total: int) -> None:
    print(f"\rstudy {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
