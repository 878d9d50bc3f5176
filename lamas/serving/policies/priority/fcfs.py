"""First come, first served: by readiness of the call, as servers do by default (baseline)."""

from lamas.serving.call import Call
from lamas.serving.demand import Demand


class FirstComeFirstServed:
    name = "fcfs"
    changes = False

    def key(self, call: Call, demand: Demand) -> float:
        return call.ready_at
