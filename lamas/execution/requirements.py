"""What a set of graphs can call for: a model, the sandbox. Nothing else has to be started."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lamas.benchmarks import Benchmark
from lamas.domain import ExecutionGraph, PlannedRollout
from lamas.operators import Catalogue


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What has to be there before the first rollout."""

    model: bool
    sandbox: bool


def requirements_of(
    graphs: Iterable[ExecutionGraph], catalogue: Catalogue, benchmark: Benchmark, *, any_graph: bool
) -> Requirements:
    """What `graphs` call for; `any_graph` adds whatever a controller may yet choose."""
    operators = catalogue.for_family(benchmark.family)
    names: set[str] = set(operators.names) if any_graph else set()
    votes = False
    for graph in set(graphs):
        candidates = 0
        for layer in graph.layers:
            names.update(layer.operators)
            # However many of them a quorum lets arrive.
            candidates = operators.candidates_after(candidates, layer.operators, width=layer.width)
        votes = votes or candidates > 1
    chosen = [catalogue.operator(name) for name in names]
    return Requirements(
        # Several candidates at the end are left to the ensemble, which may ask.
        model=votes or any(operator.asks_model for operator in chosen),
        sandbox=benchmark.family == "code" or any(operator.runs_programs for operator in chosen),
    )


def requirements_of_plans(
    plans: Sequence[PlannedRollout], catalogue: Catalogue, benchmark: Benchmark
) -> Requirements:
    """What `plans` call for, and whatever a controller that decided one of them may yet choose."""
    decided = any(planned.mode != "fixed" for planned in plans)
    graphs = (planned.graph for planned in plans)
    return requirements_of(graphs, catalogue, benchmark, any_graph=decided)
