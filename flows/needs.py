"""What a set of graphs can call for: a model, the sandbox. Nothing else has to be started."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flows.workplace import Workplace
from lamas.domain import ExecutionGraph, PlannedRollout


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What has to be there before the first rollout."""

    model: bool
    sandbox: bool


def needs_of(place: Workplace, graphs: Iterable[ExecutionGraph], *, any_graph: bool) -> Needs:
    """What `graphs` call for; `any_graph` adds whatever a controller may yet choose."""
    operators = place.operators
    names: set[str] = set(operators.names) if any_graph else set()
    votes = False
    for graph in set(graphs):
        candidates = 0
        for layer in graph.names:
            names.update(layer)
            candidates = operators.candidates_after(candidates, layer)
        votes = votes or candidates > 1
    chosen = [place.catalogue.operator(name) for name in names]
    return Needs(
        # Several candidates at the end are left to the ensemble, which may ask.
        model=votes or any(operator.asks_model for operator in chosen),
        sandbox=place.benchmark.family == "code"
        or any(operator.runs_programs for operator in chosen),
    )


def needs_of_plans(place: Workplace, plans: Sequence[PlannedRollout]) -> Needs:
    """What `plans` call for, and whatever a controller that decided one of them may yet choose."""
    decided = any(planned.mode != "fixed" for planned in plans)
    return needs_of(place, (planned.graph for planned in plans), any_graph=decided)
