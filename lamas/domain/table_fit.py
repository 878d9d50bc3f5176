"""What learning from an outcome table came to, and what it was held against."""

from dataclasses import dataclass
from typing import Literal

WaitClock = Literal["tokens", "seconds"]
"""What waiting is counted in: tokens of CP_len, or seconds of the critical path."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TableFitRecord:
    """One controller that was fitted to the table that a run filled."""

    run_id: str
    """The run that filled the table and learned from it."""
    checkpoint_id: str
    clock: WaitClock
    margin: float
    """How far below the best fixed graph the score may lie."""
    problems: int
    samples: int
    best_graph: tuple[tuple[str, ...], ...]
    """The fixed graph of the highest mean score on the table, operators of each layer."""
    best_score: float
    best_time: float
    """Mean waiting of that graph, in the clock's unit."""
    multiplier: float
    """The controller's own price of a unit of waiting, in score."""
    score: float
    """At that multiplier, on problems that the fits did not see."""
    time: float
    score_unit: float
    """a: what a score varies by from graph to graph; advantages are divided by a + μ·b."""
    time_unit: float
    """b: what waiting varies by."""

    @property
    def best_name(self) -> str:
        """The best fixed graph as a policy is called."""
        return " → ".join(" ∥ ".join(layer) for layer in self.best_graph)


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatingPointRecord:
    """What a controller reached at one multiplier, on problems that its fits did not see."""

    checkpoint_id: str
    multiplier: float
    score: float
    time: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TabulatedDecision:
    """One operator that ran alone: all of it is on the critical path of its graph."""

    rollout_id: str
    problem_id: str
    operator: str
    score: float
    time: float
    """What it adds to the path, in the clock's unit."""
