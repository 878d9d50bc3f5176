"""Shortest job first: by the forecast seconds of this call alone (baseline)."""

from lamas.serving.call import Call
from lamas.serving.demand import Demand


class ShortestJob:
    name = "sjf"
    changes = False

    def key(self, call: Call, demand: Demand) -> float:
        return call.forecast.call_seconds
