"""Graphs that nobody learns: the baselines every controller is measured against."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from lamas.domain import (
    ExecutionGraph,
    ExecutionMode,
    GraphChoice,
    Layer,
    Observation,
    OperatorSet,
    PlannedRollout,
    PolicyDecision,
    Problem,
    Purpose,
)
from lamas.errors import OperatorError
from lamas.execution.closed_loop import Continuation, ObservingPolicy
from lamas.execution.planning import PlanKey, as_try, plan
from lamas.operators.settings import BINDING, parted

MAX_LAYERS = 4
"""L of the paper."""

_Layers = tuple[Layer, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedTopology:
    """A graph that is the same for every problem."""

    name: str
    layers: Callable[[OperatorSet], _Layers]
    until: int | None = None
    """Layers run only while fewer candidates than this agree; None runs all of them."""

    def graph(self, operators: OperatorSet) -> ExecutionGraph:
        """The graph over `operators`; OperatorError when one it needs is not among them.

        Of one that looks after each layer: the first layer.
        """
        graph = ExecutionGraph.of(self.layers(operators), operators)
        return graph if self.until is None else ExecutionGraph(graph.layers[:1])


def _always(*layers: tuple[str, ...] | Layer) -> Callable[[OperatorSet], _Layers]:
    built = tuple(item if isinstance(item, Layer) else Layer(item) for item in layers)
    return lambda operators: built


def _everything(operators: OperatorSet) -> _Layers:
    """Every operator that is legal and does not stop, in each of L layers."""
    layers: list[Layer] = []
    candidates = 0
    for _ in range(MAX_LAYERS):
        legal = zip(operators.specs, operators.legal(candidates), strict=True)
        names = tuple(spec.name for spec, allowed in legal if allowed and not spec.stops)
        layers.append(Layer(names))
        candidates = operators.candidates_after(candidates, names)
    return tuple(layers)


def _bound(operators: OperatorSet) -> tuple[str, ...]:
    bound = tuple(
        name for name in operators.names if parted(name)[0] == "GenerateCoT" and BINDING in name
    )
    if len(bound) < 2:
        raise OperatorError(
            f"no two models answer step by step here (operators: {', '.join(operators.names)}): "
            "bind GenerateCoT to several of llm.models, as in GenerateCoT@fast"
        )
    return bound


def _of_every_model(operators: OperatorSet) -> _Layers:
    """A step-by-step answer of every model that GenerateCoT is bound to, side by side."""
    return (Layer(_bound(operators)),)


def _model_after_model(operators: OperatorSet) -> _Layers:
    """The first two of those together, then one model after another, in catalogue order."""
    first, second, *others = _bound(operators)
    return (Layer((first, second)), *(Layer((name,)) for name in others))


TOPOLOGIES: tuple[FixedTopology, ...] = (
    FixedTopology(name="generate", layers=_always(("Generate",))),
    FixedTopology(name="generate_cot", layers=_always(("GenerateCoT",))),
    FixedTopology(name="generate_draft", layers=_always(("GenerateDraft",))),
    FixedTopology(
        name="cot5_sc", layers=_always(Layer(("MultiGenerateCoT",), width=5), ("ScEnsemble",))
    ),
    FixedTopology(name="cot_refine", layers=_always(("GenerateCoT",), ("SelfRefine",))),
    FixedTopology(name="programmer", layers=_always(("Programmer",))),
    FixedTopology(name="generate_test", layers=_always(("Generate",), ("Test",))),
    FixedTopology(name="everything", layers=_everything),
    FixedTopology(name="models", layers=_of_every_model),
    FixedTopology(
        name="cascade",
        layers=_always(("Generate", "GenerateCoT"), ("MultiGenerateCoT",)),
        until=2,
    ),
    FixedTopology(name="cascade_models", layers=_model_after_model, until=2),
    # These exist over the operators of `lamas.operators.sanity` and ask no model.
    FixedTopology(name="reference", layers=_always(("Reference",))),
    FixedTopology(name="empty", layers=_always(("Empty",))),
    FixedTopology(name="other_reference", layers=_always(("OtherReference",))),
)


RACE_WIDTH, RACE_QUORUM = 3, 2
"""What `race` alone stands for."""

_RACE = re.compile(r"race([1-9]\d?)")
_WITH_QUORUM = re.compile(r"(.+)_q([1-9]\d?)")


def fixed_topology(name: str) -> FixedTopology:
    """The topology called `name`; OperatorError lists the known ones otherwise.

    `race8` is MultiGenerateCoT with eight chains and a vote that asks nobody where answers can be
    compared. After any name, `_q2` lets each layer that may leave so many candidates end when two
    agree; where a graph looks after each layer it is that many that must agree by then. `race` is
    `race3_q2`.
    """
    if name == "race":
        return replace(fixed_topology(f"race{RACE_WIDTH}_q{RACE_QUORUM}"), name=name)
    ending = _WITH_QUORUM.fullmatch(name)
    if ending is not None:
        return _ended_at(fixed_topology(ending[1]), int(ending[2]), name)
    race = _RACE.fullmatch(name)
    if race is not None:
        layers = _always(Layer(("MultiGenerateCoT",), width=int(race[1])))
        return FixedTopology(name=name, layers=layers)
    for topology in TOPOLOGIES:
        if topology.name == name:
            return topology
    known = ", ".join(topology.name for topology in TOPOLOGIES)
    raise OperatorError(
        f"unknown fixed graph {name!r}; known: {known}, race and race8 for any number of chains, "
        "and any of them with _q2 for a quorum of two"
    )


def _ended_at(topology: FixedTopology, quorum: int, name: str) -> FixedTopology:
    def layers(operators: OperatorSet) -> _Layers:
        return tuple(
            replace(layer, quorum=quorum)
            if sum(operators.spec(item).chains(layer.width) for item in layer.operators) >= quorum
            else layer
            for layer in topology.layers(operators)
        )

    until = None if topology.until is None else quorum
    return FixedTopology(name=name, layers=layers, until=until)


@dataclass(frozen=True, slots=True)
class Cascade:
    """Goes on with the next layer of a fixed graph while fewer than `until` candidates agree."""

    layers: tuple[Layer, ...]
    operators: OperatorSet
    until: int

    def after(self, plan: PlannedRollout, seen: Observation) -> Continuation:
        """As `ObservingPolicy.after`."""
        if seen.agreeing >= self.until or seen.layer >= len(self.layers):
            return Continuation(layer=None)
        graph = ExecutionGraph(self.layers[: seen.layer + 1])
        decisions = certain_decisions(graph, self.operators)
        return Continuation(
            layer=graph.layers[-1],
            decisions=tuple(item for item in decisions if item.layer == seen.layer + 1),
        )


def observer_of(plan: PlannedRollout, operators: OperatorSet) -> ObservingPolicy | None:
    """The policy of a plan whose fixed graph looks after each layer; None for any other plan."""
    if plan.mode != "fixed" or plan.purpose != "evaluate":
        return None
    try:
        topology = fixed_topology(plan.policy)
    except OperatorError:
        # Graphs that were chosen without a name, such as the best one of a table.
        return None
    if topology.until is None:
        return None
    layers = ExecutionGraph.of(topology.layers(operators), operators).layers
    return Cascade(layers, operators, topology.until)


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
