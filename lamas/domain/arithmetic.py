"""Sums whose rounding is defined, so that SQL can repeat them to the last bit."""

from collections.abc import Iterable


def ordered_sum(values: Iterable[float]) -> float:
    """Left-to-right floating-point sum from 0.0.

    `sum()` compensates rounding from Python 3.12 on; this one never does, and equals
    `list_reduce(list(x ORDER BY …), lambda a, b: a + b, 0.0)` in DuckDB exactly.
    """
    total = 0.0
    for value in values:
        total += value
    return total
