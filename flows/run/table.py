"""The outcome table of a run: which problems it is of, and its cells as they are stored."""

from collections.abc import Sequence

from flows.run.session import Session
from flows.wiring.parts import Parts
from lamas.benchmarks.problem_set import ProblemSet
from lamas.domain import Problem
from lamas.execution.outcome_table import OutcomeTable
from lamas.execution.tabulating import whole_problems
from warehouse.outcomes import operator_outcomes


def table_problems(current: Session, problems: ProblemSet) -> tuple[Problem, ...]:
    """The training problems that the configured table is of, in the order of their source."""
    return problems.train[: current.settings.table.problems]


def tabulated(current: Session, problems: Sequence[Problem]) -> OutcomeTable:
    """The table of `problems` that the run in progress has filled; raises as `stored_table`."""
    return stored_table(current, current.run.run_id, problems)


def stored_table(
    current: Parts, run_id: str, problems: Sequence[Problem] | None = None
) -> OutcomeTable:
    """The table that a run filled, over the configured operators: of `problems`, or of all.

    A problem with a cell that failed or is missing is left out, and so are outcomes of operators
    that are not configured. Raises WarehouseError for an unknown run, DomainError when no problem
    is whole.
    """
    current.reader.run(run_id)
    outcomes = operator_outcomes(current.warehouse, run_id)
    if problems is not None:
        wanted = {problem.problem_id for problem in problems}
        outcomes = tuple(item for item in outcomes if item.problem_id in wanted)
    operators = current.operators
    samples = 1 + max((item.sample for item in outcomes), default=0)
    return OutcomeTable.of(whole_problems(outcomes, operators, samples=samples), operators)
