"""Maestro (arXiv 2606.12950): shortest remaining workflow first, T̂_rem = T̂_current + T̂_future.

T̂_future is the median of what followed calls like it in history; it needs no graph. That order
and its goal are the paper's; aging and its rate are ours, because the paper says no more.
"""

from lamas.serving.call import Call
from lamas.serving.demand import Demand

AGING = 0.005
"""Seconds of remaining work that a second of waiting makes up for [own]."""


class ShortestRemainingWorkflow:
    name = "maestro"
    changes = False

    def __init__(self, aging: float = AGING) -> None:
        self._aging = aging

    def key(self, call: Call, demand: Demand) -> float:
        return call.forecast.remaining_seconds + self._aging * call.workflow_arrived_at
