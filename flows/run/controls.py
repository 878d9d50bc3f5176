"""What a controller that learned from a table is held against: what needs no learning."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flows.run.evaluated import Entrant
from flows.run.session import Session
from flows.run.table import stored_table
from flows.run.table_learning import training_table
from lamas.benchmarks.problem_set import ProblemSet
from lamas.domain import ExecutionGraph, GraphChoice, Layer, Problem, derive_seed
from lamas.domain.table_fit import TableFitRecord
from lamas.evaluation.controls import NEIGHBOURS, Neighbours
from lamas.execution import certain_decisions
from lamas.execution.tabulating import tabulated_graphs
from lamas.training.training_table import TrainingTable

NEAREST = "nearest neighbours"
RANDOM = "random graph"
ORACLE = "oracle"


@dataclass(frozen=True, kw_only=True)
class Controls:
    """The controls of one controller's table."""

    fit: TableFitRecord | None
    """None where no controller learned from a table."""
    entrants: tuple[Entrant, ...]
    """Best fixed graph, neighbours, chance, and each operator alone, as configured."""


NO_CONTROLS = Controls(fit=None, entrants=())


def controls_of(
    current: Session, fit: TableFitRecord, problems: ProblemSet, evaluated: Sequence[Problem]
) -> Controls:
    """The configured controls, chosen on the table that `fit` was learned from.

    Raises DomainError when no problem of that table is whole over the configured operators.
    """
    wanted = current.settings.evaluation.controls
    count = len(evaluated)
    operators, quorum = current.operators, current.settings.controller.quorum
    layers = [Layer(names, quorum=operators.quorum_of(names, quorum)) for names in fit.best_graph]
    best = ExecutionGraph(tuple(layers))
    found = [chosen_freely(current, fit.best_name, [best] * count)]
    if "neighbours" in wanted or "random" in wanted:
        outcomes = stored_table(current, fit.run_id)
        here = {problem.problem_id for problem in problems.all}
        if not here.issuperset(outcomes.problem_ids):
            current.say("no controls: the controller learned from problems of another benchmark")
            return NO_CONTROLS
        table = training_table(current, outcomes, fit.clock)
        if "neighbours" in wanted and len(table.embeddings) > 1:
            graphs = _nearest(current, fit, table, problems, evaluated)
            found.append(chosen_freely(current, NEAREST, graphs))
        if "random" in wanted:
            found.append(chosen_freely(current, RANDOM, _random(current, table, evaluated)))
    if "oracle" in wanted:
        alone = tabulated_graphs(current.operators)
        found += [
            chosen_freely(current, str(graph), [graph] * count)
            for graph in alone
            if str(graph) not in {item.policy for item in found}
        ]
    return Controls(fit=fit, entrants=tuple(found))


def _nearest(
    current: Session,
    fit: TableFitRecord,
    table: TrainingTable,
    problems: ProblemSet,
    evaluated: Sequence[Problem],
) -> list[ExecutionGraph]:
    """What did best for the training problems nearest to each, under the same constraint."""
    neighbours = Neighbours(table, neighbours=min(NEIGHBOURS, len(table.embeddings) - 1))
    deadline, price = current.settings.deadline, current.settings.multiplier
    if price is None:
        price = (
            neighbours.multiplier(fit.best_score - fit.margin)
            if deadline is None
            else neighbours.multiplier_within(deadline)
        )
    embeddings = problems.embeddings(evaluated).astype(np.float64)
    columns: list[int] = neighbours.choose(neighbours.nearest(embeddings), price).tolist()
    return [table.graphs[column] for column in columns]


def _random(
    current: Session, table: TrainingTable, evaluated: Sequence[Problem]
) -> list[ExecutionGraph]:
    seed = current.settings.seed
    return [
        table.graphs[derive_seed(seed, RANDOM, problem.problem_id) % len(table.graphs)]
        for problem in evaluated
    ]


def chosen_freely(current: Session, policy: str, graphs: Sequence[ExecutionGraph]) -> Entrant:
    """One graph for each evaluated problem, chosen without a controller."""
    operators = current.operators
    decided = {graph: GraphChoice(graph, certain_decisions(graph, operators)) for graph in graphs}
    return Entrant(
        name=policy,
        policy=policy,
        checkpoint_id=None,
        step=0,
        mode="fixed",
        choices=tuple(decided[graph] for graph in graphs),
    )
