"""Least attained service of the workflow first (Autellix, arXiv 2502.13965; baseline)."""

from lamas.serving.call import Call
from lamas.serving.demand import Demand


class LeastAttainedService:
    name = "attained"
    changes = False

    def key(self, call: Call, demand: Demand) -> float:
        return call.attained_seconds
