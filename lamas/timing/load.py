"""How many other calls were in flight while a call was."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_FloatArray = NDArray[np.float64]


def average_loads(
    started: Sequence[float] | _FloatArray, ended: Sequence[float] | _FloatArray
) -> _FloatArray:
    """Others in flight, averaged over each call's life [started, ended), in O(n log n).

    A call that takes no time meets the calls that are in flight at that instant. Times in seconds.
    """
    begins = np.asarray(started, dtype=np.float64)
    ends = np.asarray(ended, dtype=np.float64)
    if not begins.size:
        return np.zeros(0)
    # Differences of epoch seconds keep more digits when counted from the first start.
    origin = float(begins.min())
    begins, ends = begins - origin, ends - origin
    times = np.concatenate((begins, ends))
    steps = np.concatenate((np.ones(begins.size), -np.ones(ends.size)))
    order = np.argsort(times, kind="stable")
    times = times[order]
    in_flight = np.cumsum(steps[order])
    # Call-seconds spent by everybody up to each event; linear in between.
    spent = np.concatenate(([0.0], np.cumsum(in_flight[:-1] * np.diff(times))))
    lives = ends - begins
    own_spent: _FloatArray = np.interp(ends, times, spent) - np.interp(begins, times, spent)
    lasting = np.where(lives > 0.0, lives, 1.0)
    begun = np.searchsorted(np.sort(begins), begins, side="right")
    over = np.searchsorted(np.sort(ends), begins, side="right")
    averages: _FloatArray = np.where(lives > 0.0, own_spent / lasting - 1.0, begun - over)
    return np.maximum(averages, 0.0)
