"""True slack of a known graph, ours: shortest remaining critical path first, idle branches last.

The graph is drawn before it runs, so what remains of the workflow is known up to durations: this
layer's slowest call and the slowest of every later layer. A call that is not on that path may wait
as long as its slack without the workflow ending later, so the slack counts as if it were more work.
Where no graph is known, what a workflow has had stands for what it has still to get: sessions of
agents are so different that one which has gone on for long mostly goes on for long, and a median of
others' remaining seconds says less (least attained service, Autellix, arXiv 2502.13965).
"""

from lamas.serving.call import Call
from lamas.serving.demand import Demand
from lamas.serving.policies.priority.maestro import AGING


class TrueSlack:
    name = "slack"
    changes = False

    def __init__(self, aging: float = AGING) -> None:
        self._aging = aging

    def key(self, call: Call, demand: Demand) -> float:
        forecast = call.forecast
        waited = self._aging * call.workflow_arrived_at
        if call.semantics.rest is None:
            return call.attained_seconds + waited
        return forecast.graph_seconds + forecast.slack_seconds + waited
