"""Ctrl-C as a flag: what is under way ends at its next look and keeps what is finished."""

import signal


class StopSignal:
    """True once the user asked to stop; a second Ctrl-C ends the process at once."""

    def __init__(self) -> None:
        self._asked = False

    def listen(self) -> None:
        """Take SIGINT and SIGTERM as the request; call it from the main thread, after Ray was started."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)

    def __call__(self) -> bool:
        """Whether the user asked."""
        return self._asked

    def _stop(self, number: int, frame: object) -> None:
        self._asked = True
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
