"""What a candidate would have brought, and the champion did, from requests that both decided on.

A request ran the graph of the one that was drawn, with a probability that is known. For a policy π

    V(π) = mean of q(π(x)) + 1[π(x) ran] / propensity · (value − q(what ran)),

the doubly robust estimate of Dudík, Langford and Li (2011). Its expectation is right whatever q
says, as long as q does not know the request's own value: q(graph) is the mean over the *other*
requests that ran the graph, with the mean of all others counted as one more.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Who = Literal["champion", "candidate", "difference"]
LEAST_DECIDED = 20
"""Requests that a policy must have decided where the two disagreed, for an interval."""
Z = 1.959963984540054
"""Of a normal distribution 95 % lie so many standard deviations around its mean."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialOutcome:
    """One request that was answered, and one figure of its answer."""

    champion_graph: str
    candidate_graph: str
    by_candidate: bool
    candidate_share: float
    """Probability with which the candidate was drawn, in (0, 1)."""
    value: float

    @property
    def ran(self) -> str:
        """The graph that ran."""
        return self.candidate_graph if self.by_candidate else self.champion_graph

    @property
    def agreed(self) -> bool:
        """Whether both decided on the same graph."""
        return self.champion_graph == self.candidate_graph

    @property
    def propensity(self) -> float:
        """Probability with which the graph that ran was going to."""
        if self.agreed:
            return 1.0
        return self.candidate_share if self.by_candidate else 1.0 - self.candidate_share


@dataclass(frozen=True, kw_only=True, slots=True)
class DoublyRobust:
    """An estimate; without bounds where too little was decided by whom it is about."""

    policy: Who
    value: float
    standard_error: float
    low: float | None
    high: float | None
    """95 %."""
    requests: int
    agreed: int
    """Requests on which both decided on the same graph."""
    by_candidate: int
    """Of the others, those that the candidate decided."""
    by_champion: int


def doubly_robust(trials: Sequence[TrialOutcome]) -> tuple[DoublyRobust, ...]:
    """The champion, the candidate, and candidate minus champion; nothing for fewer than 2 trials.

    Equals the view `candidate_estimates` but for the last bits of its sums.
    """
    if len(trials) < 2:
        return ()
    whole = math.fsum(item.value for item in trials)
    totals: dict[str, float] = {}
    for item in trials:
        totals[item.ran] = totals.get(item.ran, 0.0) + item.value
    counts = Counter(item.ran for item in trials)
    agreed = sum(item.agreed for item in trials)
    by_candidate = sum(item.by_candidate for item in trials if not item.agreed)
    by_champion = len(trials) - agreed - by_candidate

    def term(item: TrialOutcome, graph: str) -> float:
        elsewhere = (whole - item.value) / (len(trials) - 1)
        own = item.ran == graph
        expected = (totals.get(graph, 0.0) - own * item.value + elsewhere) / (
            counts[graph] - own + 1
        )
        return expected + own * (item.value - expected) / item.propensity

    champion = [term(item, item.champion_graph) for item in trials]
    candidate = [term(item, item.candidate_graph) for item in trials]
    difference = [after - before for before, after in zip(champion, candidate, strict=True)]
    decided: tuple[tuple[Who, list[float], int], ...] = (
        ("champion", champion, by_champion),
        ("candidate", candidate, by_candidate),
        ("difference", difference, min(by_champion, by_candidate)),
    )
    made: list[DoublyRobust] = []
    for policy, terms, support in decided:
        value = math.fsum(terms) / len(terms)
        variance = math.fsum((one - value) ** 2 for one in terms) / (len(terms) - 1)
        error = math.sqrt(variance / len(terms))
        enough = agreed == len(trials) or support >= LEAST_DECIDED
        made.append(
            DoublyRobust(
                policy=policy,
                value=value,
                standard_error=error,
                low=value - Z * error if enough else None,
                high=value + Z * error if enough else None,
                requests=len(trials),
                agreed=agreed,
                by_candidate=by_candidate,
                by_champion=by_champion,
            )
        )
    return tuple(made)
