"""Pythia (arXiv 2604.25899): ω₁·S_completion + ω₂·S_unblock + aging, as summaries give it.

S_completion = 1 / E[steps to the end]; S_unblock = Σ over future roles whose model's queue is short
of 1 / E[steps until it]. Its distances are steps. ω and the thresholds are unpublished: 1, 1,
wait / 30 s, and a queue of fewer than 4 calls are ours.
"""

from lamas.serving.call import Call
from lamas.serving.demand import Demand


class CompletionAndUnblock:
    name = "pythia"
    changes = True

    def __init__(
        self,
        *,
        completion: float = 1.0,
        unblock: float = 1.0,
        aging_seconds: float = 30.0,
        short_queue: int = 4,
    ) -> None:
        self._completion = completion
        self._unblock = unblock
        self._aging_seconds = aging_seconds
        self._short_queue = short_queue

    def key(self, call: Call, demand: Demand) -> float:
        score = self._completion / call.forecast.remaining_steps
        for steps, layer in enumerate(call.semantics.rest or (), start=1):
            for planned in layer:
                if demand.waiting.get(planned.model or call.model, 0) < self._short_queue:
                    score += self._unblock / steps
        return call.ready_at / self._aging_seconds - score
