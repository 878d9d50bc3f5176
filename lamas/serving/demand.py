"""What is asked of each model: calls that wait, that known graphs still owe, that came of late."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

RATE_SECONDS = 60.0
"""Memory of the mean arrival rate."""


@dataclass(slots=True)
class Demand:
    """By model; the dispatcher keeps it, policies read it."""

    waiting: dict[str, int] = field(default_factory=dict[str, int])
    """Calls that wait anywhere."""
    planned: dict[str, int] = field(default_factory=dict[str, int])
    """Calls that known graphs in flight still owe and that are not ready yet."""
    rate: dict[str, float] = field(default_factory=dict[str, float])
    """Calls a second, an exponential mean over about a minute."""
    hosts: dict[str, int] = field(default_factory=dict[str, int])
    """Nodes at which a model's weights are, or are on their way to."""
    _seen_at: dict[str, float] = field(default_factory=dict[str, float])

    def arrived(self, model: str, now: float) -> None:
        """A call became ready: it waits, and counts for the rate."""
        seen = self._seen_at.get(model, now)
        faded = self.rate.get(model, 0.0) * math.exp(-(now - seen) / RATE_SECONDS)
        self.rate[model] = faded + 1 / RATE_SECONDS
        self._seen_at[model] = now
        self.waits(model, 1)

    def waits(self, model: str, change: int) -> None:
        """So many calls more (or fewer) wait."""
        self.waiting[model] = self.waiting.get(model, 0) + change

    def plans(self, models: Mapping[str, int], sign: int) -> None:
        """Count calls that a known graph owes (`sign` 1), or that became ready (−1)."""
        for model, count in models.items():
            self.planned[model] = self.planned.get(model, 0) + sign * count

    def hosted(self, model: str, change: int) -> None:
        """So many nodes more (or fewer) hold a model's weights."""
        self.hosts[model] = self.hosts.get(model, 0) + change

    def planned_at(self, models: Iterable[str]) -> float:
        """Calls that known graphs will bring to a node with these models, shared among its like."""
        return sum(
            self.planned.get(model, 0) / self.hosts[model]
            for model in models
            if self.hosts.get(model, 0)
        )
