"""The recipe's work in several processes, none of which outlives the one that began it."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from hemo.runs.process import THREAD_VARIABLES

Say = Callable[[str], None]


def in_workers(work: Callable[..., None], tasks: Sequence[tuple[Any, ...]], workers: int, say: Say) -> None:
    """Call `work(*task, say)` for each task, several at a time.

    Args:
        work: a function of a module, which another process can import.
        tasks: its arguments, in the order in which they are begun.
        workers: processes; with one, everything happens in this process with all its threads.
        say: receives lines of progress; from other processes they are printed.

    Raises:
        Exception: what a task raised; tasks that were not begun are dropped.
    """
    if workers == 1:
        for task in tasks:
            work(*task, say)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread, initargs=(os.getpid(),)) as pool:
        pending = [pool.submit(work, *task, _print) for task in tasks]
        try:
            for future in as_completed(pending):
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _one_thread(parent: int) -> None:
    """Prepare a worker: one thread of arithmetic, and no life after the parent's, even where that is killed."""
    import cv2

    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    cv2.setNumThreads(1)
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(2.0)
    # The checkpoint on disk is whole at any moment; an orphan would train on beside the run that goes on.
    os._exit(1)


def _print(line: str) -> None:
    print(line, flush=True)
