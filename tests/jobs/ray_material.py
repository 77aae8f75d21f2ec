"""Small Rays for tests, and whether one left anything behind."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hemo.jobs.ray_pool import import_ray

_STORE = 80 * 1024**2


@contextmanager
def two_nodes() -> Iterator[tuple[Any, Any]]:
    """A cluster of two nodes with a processor each on 127.0.0.1; gives it and the node that holds no driver."""
    import_ray(loopback=True)
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": _STORE, "node_ip_address": "127.0.0.1"}
    cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    try:
        yield cluster, cluster.add_node(**node)
    finally:
        import ray

        ray.shutdown()
        cluster.shutdown()


def ray_processes() -> set[int]:
    """Numbers of the processes of this user that belong to a Ray."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ")
            mine = path.stat().st_uid == os.getuid()
        except OSError:
            continue
        if mine and any(mark in command for mark in (b"raylet/raylet", b"gcs_server", b"default_worker.py", b"ray::")):
            found.add(int(path.name))
    return found


def wait_until_gone(before: set[int], seconds: float = 60) -> set[int]:
    """What is still there of a Ray that was started since `before`."""
    deadline = time.monotonic() + seconds
    while (left := ray_processes() - before) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left
