"""Shortest remaining workflow first by what really remains: a bound, never a policy to deploy."""

from collections.abc import Callable

from lamas.serving.call import Call
from lamas.serving.demand import Demand
from lamas.serving.policies.priority.maestro import AGING


class OracleShortestRemaining:
    name = "oracle"
    changes = False

    def __init__(self, remaining_seconds: Callable[[Call], float], aging: float = AGING) -> None:
        """`remaining_seconds` is the hidden truth, given by a simulator alone."""
        self._remaining_seconds = remaining_seconds
        self._aging = aging

    def key(self, call: Call, demand: Demand) -> float:
        return self._remaining_seconds(call) + self._aging * call.workflow_arrived_at
