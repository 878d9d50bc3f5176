"""How many seconds of tool time a run is charged with."""

import math
from statistics import NormalDist
from typing import Protocol

from lamas.domain import digest
from lamas.errors import ConfigurationError


class ToolTime(Protocol):
    """Decides what enters t_tool for one run."""

    def charge(self, program: str, wall_seconds: float) -> float:
        """Seconds charged for `program`, which took `wall_seconds`."""
        ...


class MeasuredToolTime:
    """Charges what was measured."""

    def charge(self, program: str, wall_seconds: float) -> float:
        del program
        return wall_seconds


class ModelledToolTime:
    """Charges a log-normal time that is a function of the seed and the program's text alone."""

    def __init__(self, seed: int, median_seconds: float, sigma: float) -> None:
        """`sigma`: standard deviation of the logarithm. Raises ConfigurationError out of range."""
        if not (median_seconds > 0 and math.isfinite(median_seconds)):
            raise ConfigurationError(
                f"Modelled tool time has median_seconds {median_seconds}; it must be above 0."
            )
        if not (sigma >= 0 and math.isfinite(sigma)):
            raise ConfigurationError(f"Modelled tool time has sigma {sigma}; it must be 0 or more.")
        self._seed = seed
        self._median = median_seconds
        self._sigma = sigma

    def charge(self, program: str, wall_seconds: float) -> float:
        del wall_seconds
        uniform = (int(digest(self._seed, program)[:13], 16) + 0.5) / 16**13
        return self._median * math.exp(self._sigma * NormalDist().inv_cdf(uniform))
