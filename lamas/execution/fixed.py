"""Graphs that nobody learns: the baselines every controller is measured against."""

from collections.abc import Callable
from dataclasses import dataclass

from lamas.domain import (
    ExecutionGraph,
    ExecutionMode,
    GraphChoice,
    OperatorSet,
    PlannedRollout,
    PolicyDecision,
    Problem,
    Purpose,
)
from lamas.errors import OperatorError
from lamas.execution.planning import PlanKey, as_try, plan

MAX_LAYERS = 4
"""L of the paper."""

_Layers = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedTopology:
    """A graph that is the same for every problem."""

    name: str
    layers: Callable[[OperatorSet], _Layers]
    samples: int | None = None
    """Chains MultiGenerateCoT must draw: run it with `GraphExecutor.with_samples`."""

    def graph(self, operators: OperatorSet) -> ExecutionGraph:
        """The graph over `operators`; OperatorError when one it needs is not among them."""
        return ExecutionGraph.of(self.layers(operators), operators)


def _always(*layers: tuple[str, ...]) -> Callable[[OperatorSet], _Layers]:
    return lambda operators: layers


def _everything(operators: OperatorSet) -> _Layers:
    """Every operator that is legal and does not stop, in each of L layers."""
    layers: list[tuple[str, ...]] = []
    candidates = 0
    for _ in range(MAX_LAYERS):
        legal = zip(operators.specs, operators.legal(candidates), strict=True)
        names = tuple(spec.name for spec, allowed in legal if allowed and not spec.stops)
        layers.append(names)
        candidates = operators.candidates_after(candidates, names)
    return tuple(layers)


TOPOLOGIES: tuple[FixedTopology, ...] = (
    FixedTopology(name="generate", layers=_always(("Generate",))),
    FixedTopology(name="generate_cot", layers=_always(("GenerateCoT",))),
    FixedTopology(
        name="cot5_sc", layers=_always(("MultiGenerateCoT",), ("ScEnsemble",)), samples=5
    ),
    FixedTopology(name="cot_refine", layers=_always(("GenerateCoT",), ("SelfRefine",))),
    FixedTopology(name="programmer", layers=_always(("Programmer",))),
    FixedTopology(name="generate_test", layers=_always(("Generate",), ("Test",))),
    FixedTopology(name="everything", layers=_everything),
    # These exist over the operators of `lamas.operators.sanity` and ask no model.
    FixedTopology(name="reference", layers=_always(("Reference",))),
    FixedTopology(name="empty", layers=_always(("Empty",))),
    FixedTopology(name="other_reference", layers=_always(("OtherReference",))),
)


def fixed_topology(name: str) -> FixedTopology:
    """The topology called `name`; OperatorError lists the known ones otherwise."""
    for topology in TOPOLOGIES:
        if topology.name == name:
            return topology
    known = ", ".join(topology.name for topology in TOPOLOGIES)
    raise OperatorError(f"unknown fixed graph {name!r}; known: {known}")


def fixed_plan(
    topology: FixedTopology,
    problem: Problem,
    operators: OperatorSet,
    *,
    run_id: str,
    seed: int,
    purpose: Purpose = "evaluate",
    execution_mode: ExecutionMode = "parallel",
    step: int = 0,
    sample_index: int = 0,
    retry: int = 0,
) -> PlannedRollout:
    """One rollout of a fixed graph; each of its operators is a decision of probability 1."""
    graph = topology.graph(operators)
    key = PlanKey(
        run_id=run_id,
        purpose=purpose,
        policy=topology.name,
        checkpoint_id=None,
        mode="fixed",
        execution_mode=execution_mode,
        step=step,
    )
    choice = GraphChoice(graph, certain_decisions(graph, operators))
    return as_try(plan(key, problem, choice, sample_index=sample_index, seed=seed), retry)


def certain_decisions(graph: ExecutionGraph, operators: OperatorSet) -> tuple[PolicyDecision, ...]:
    """One decision for each operator of a given graph: probability 1, log-probability 0."""
    decisions: list[PolicyDecision] = []
    candidates = 0
    for number, layer in enumerate(graph.layers, start=1):
        pairs = zip(operators.names, operators.legal(candidates), strict=True)
        legal = tuple(name for name, allowed in pairs if allowed)
        decisions.extend(
            PolicyDecision(
                layer=number,
                draw_order=order,
                operator=name,
                probability=1.0,
                log_probability=0.0,
                legal=legal,
                quorum=layer.quorum,
                width=layer.width,
            )
            for order, name in enumerate(layer.operators)
        )
        candidates = operators.candidates_after(
            candidates, layer.operators, quorum=layer.quorum, width=layer.width
        )
    return tuple(decisions)
