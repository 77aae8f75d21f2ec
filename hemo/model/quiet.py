"""TensorFlow's import without its start-up chatter, for commands that promise one line an error on stderr."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def import_tensorflow_quietly() -> None:
    """Import TensorFlow and find its devices while its C++ side cannot write to stderr.

    `TF_CPP_MIN_LOG_LEVEL` does not silence what it logs before its logging starts. Call it before anything else
    imports TensorFlow, from a command's main thread.
    """
    with _silent_native_stderr():
        import tensorflow as tf

        tf.config.list_logical_devices()


@contextmanager
def _silent_native_stderr() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
