"""Earliest deadline of the workflow first (EDF, baseline; Liu and Layland 1973)."""

from lamas.serving.call import Call
from lamas.serving.demand import Demand


class EarliestDeadline:
    name = "edf"
    changes = False

    def key(self, call: Call, demand: Demand) -> float:
        return call.deadline_at
