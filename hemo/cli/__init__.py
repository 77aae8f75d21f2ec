"""The command line: the same capabilities as the pages, without a browser.

Each command is a module of this package with `add_parser(subparsers)` and `run(args) -> int`. Modules are imported
only when named, so that `inspect` never waits for TensorFlow.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from hemo.errors import HemoError

COMMANDS = ("phantom", "inspect", "train", "evaluate", "predict", "bench")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each command's module adds its own arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m hemo",
        description="Head-CT hemorrhage workbench. For teaching and research, not for diagnosis.",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"hemo.cli.{name}").add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 when every input was read or cleanly refused, 1 when an input could not be used, 2 for a usage error,
        130 when the user stopped it.
    """
    args = build_parser().parse_args(argv)
    try:
        return int(importlib.import_module(f"hemo.cli.{args.command}").run(args))
    except HemoError as error:
        print(f"hemo {args.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"hemo {args.command}: stopped", file=sys.stderr)
        return 130
