"""The one clock: wall-clock readings that never run backwards inside a process."""

import time


class Clock:
    """Seconds since the Unix epoch, read once and advanced by the monotonic clock.

    A system clock that is set back or forward during a run changes neither durations nor order.
    """

    def __init__(self, *, not_before: float = 0.0) -> None:
        """`not_before`: what other readings must come after, whatever the system clock says."""
        self._offset = max(time.time(), not_before) - time.perf_counter()

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC, non-decreasing."""
        return self._offset + time.perf_counter()
