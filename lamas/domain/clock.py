"""The one clock: wall-clock readings that never run backwards inside a process."""

import time

TICK_SECONDS = 2.0**-20
"""Times of this century in whole ticks, and their sums and differences, are exact in doubles."""


def whole_ticks(seconds: float) -> float:
    """The nearest whole number of ticks (a millionth of a second), in seconds."""
    return round(seconds / TICK_SECONDS) * TICK_SECONDS


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
