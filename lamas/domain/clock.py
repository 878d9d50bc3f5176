"""The one clock: wall-clock readings that never run backwards inside a process."""

import time


class Clock:
    """Seconds since the Unix epoch, read once and advanced by the monotonic clock.

    A system clock that is set back or forward during a run changes neither durations nor order.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.perf_counter()

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC, non-decreasing."""
        return self._offset + time.perf_counter()
