"""What a controller is asked for at query time: a price of waiting, or a deadline."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lamas.errors import ConfigurationError, ControllerError


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """At most one of the two; with neither, the controller's own multiplier holds."""

    multiplier: float | None = None
    """Price of a unit of waiting (a second, or a token of CP_len) in score."""
    deadline: float | None = None
    """Mean waiting asked for, in the unit of the controller's clock."""

    def __post_init__(self) -> None:
        if self.multiplier is not None and self.deadline is not None:
            raise ConfigurationError(
                f"multiplier={self.multiplier} and deadline={self.deadline} were both given: a "
                "deadline chooses the multiplier, give one of them"
            )
        for name in ("multiplier", "deadline"):
            value: float | None = getattr(self, name)
            if value is not None and not 0.0 < value < math.inf:
                raise ConfigurationError(f"{name} must be a number > 0, got {value}")


UNCONDITIONAL = Condition()


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatingPoint:
    """What a controller reached at one multiplier, on problems it was not fitted to."""

    multiplier: float
    score: float
    """Mean S."""
    time: float
    """Mean waiting, in the unit of the controller's clock."""


def multiplier_of(
    condition: Condition, points: Sequence[OperatingPoint], *, default: float
) -> float:
    """The multiplier that a condition means for a controller with these operating points.

    For a deadline: the smallest at which the controller stays within it, and at every larger one
    too; between two points the logarithm of the multiplier is interpolated. Raises
    ConfigurationError for a deadline below anything the controller reaches, ControllerError for a
    deadline without operating points.
    """
    if condition.multiplier is not None:
        return condition.multiplier
    if condition.deadline is None:
        return default
    if not points:
        raise ControllerError(
            f"deadline={condition.deadline} needs a controller that was trained on a table: "
            "this one has no operating points, train with learner=table"
        )
    hasty_first = sorted(points, key=lambda point: -point.multiplier)
    if hasty_first[0].time > condition.deadline:
        raise ConfigurationError(
            f"deadline={condition.deadline} is below anything this controller can do: its fastest "
            f"answers take {hasty_first[0].time:.4g} on average"
        )
    before = hasty_first[0]
    for point in hasty_first[1:]:
        if point.time > condition.deadline:
            share = (condition.deadline - before.time) / (point.time - before.time)
            low, high = math.log(before.multiplier), math.log(point.multiplier)
            return math.exp(low + share * (high - low))
        before = point
    return before.multiplier
