"""The options of commands that can share their work among workers."""

from typing import Any


def add_worker_arguments(parser: Any) -> None:
    """Add `--workers` and `--ray-address` to a parser or one of its groups."""
    parser.add_argument("--workers", type=int, metavar="N", help="jobs at a time, on Ray (default: one, here)")
    parser.add_argument("--ray-address", metavar="ADDRESS", help="Ray cluster, such as 10.0.0.5:6379 or auto")
