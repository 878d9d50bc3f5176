"""Trade-offs that have a name: what fast, balanced and best mean for one controller."""

from collections.abc import Sequence
from typing import Literal, get_args

from lamas.controller.condition import OperatingPoint
from lamas.errors import ControllerError

PointName = Literal["fast", "balanced", "best"]
POINT_NAMES: tuple[PointName, ...] = get_args(PointName)


def named_multiplier(name: PointName, points: Sequence[OperatingPoint]) -> float:
    """The multiplier of the operating point that `name` means.

    `fast` waits least, `best` scores highest (at a tie the faster one); `balanced` lies farthest
    from the line between the two, both axes taken as shares of their range. Raises ControllerError
    without operating points.
    """
    if not points:
        raise ControllerError(
            f"{name} needs a controller that was trained on a table: this one has no operating "
            "points, train with learner=table"
        )
    fast = min(points, key=lambda point: (point.time, -point.score))
    best = max(points, key=lambda point: (point.score, -point.time))
    if name == "fast":
        return fast.multiplier
    if name == "best":
        return best.multiplier
    gain, wait = best.score - fast.score, best.time - fast.time
    if gain <= 0.0 or wait <= 0.0:
        return best.multiplier

    def above(point: OperatingPoint) -> float:
        return (point.score - fast.score) / gain - (point.time - fast.time) / wait

    return max(points, key=lambda point: (above(point), -point.time)).multiplier
