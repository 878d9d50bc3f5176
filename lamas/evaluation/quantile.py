"""Quantiles by linear interpolation, of values and of many resamples at once."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lamas.errors import DomainError


def quantile(values: Sequence[float], q: float) -> float:
    """Linear interpolation between the two nearest ranks: lo + (hi − lo)·fraction.

    Equals the macro `ordered_quantile` of the warehouse exactly, and `quantile_cont` but for the
    last bits, whose build may fuse the multiplication with the addition. DomainError for no values
    or q outside [0, 1].
    """
    if not values or not 0.0 <= q <= 1.0:
        raise DomainError(f"no {q} quantile of {len(values)} values")
    ordered = sorted(values)
    position = (len(ordered) - 1) * q
    below = math.floor(position)
    low, high = ordered[below], ordered[math.ceil(position)]
    return low + (high - low) * (position - below)


def weighted_quantiles(
    ordered: NDArray[np.float64], weights: NDArray[np.int64], q: float
) -> NDArray[np.float64]:
    """`quantile` of many resamples at once, [R].

    `ordered` [N] ascending; `weights` [R, N]: how often each value occurs in each resample.
    """
    until = weights.cumsum(axis=1)
    position = (until[:, -1] - 1) * q
    below = np.floor(position)
    # The value of rank k is the first whose cumulative count exceeds k.
    low = ordered[np.less_equal(until, below[:, None]).sum(axis=1)]
    high = ordered[np.less_equal(until, np.ceil(position)[:, None]).sum(axis=1)]
    return low + (high - low) * (position - below)
