"""One question answered by a controller: the graph it decides on, run once."""

import uuid
from dataclasses import dataclass

from lamas.benchmarks import Benchmark
from lamas.controller import Controller, QueryEncoder
from lamas.controller.condition import UNCONDITIONAL, Condition
from lamas.domain import (
    Checkpoint,
    ExecutionGraph,
    ExecutionMode,
    PlannedRollout,
    Problem,
    TaskFamily,
    digest,
)
from lamas.domain.problem import asked_problem
from lamas.execution import Execution, GraphExecutor
from lamas.execution.planning import PlanKey, plan


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a question came to."""

    graph: ExecutionGraph
    execution: Execution
    extracted: str | None
    """The part of the answer that a scorer would read."""


def question_of(text: str, family: TaskFamily) -> Problem:
    """`text` as a problem of nobody's benchmark; its id follows from the text."""
    return asked_problem(text, family, problem_id=f"ask/{digest(text)[:12]}", benchmark="ask")


def planned_answer(
    problem: Problem,
    controller: Controller,
    encoder: QueryEncoder,
    *,
    checkpoint: Checkpoint,
    execution_mode: ExecutionMode,
    seed: int,
    condition: Condition = UNCONDITIONAL,
) -> PlannedRollout:
    """The graph that `controller`, which is `checkpoint`, decides on for `problem`.

    Raises ConfigurationError for a condition that the controller cannot meet.
    """
    price = controller.multiplier(condition)
    choice = controller.decide(
        encoder.encode([problem.question]), multipliers=None if price is None else [price]
    )[0]
    key = PlanKey(
        run_id=f"ask-{uuid.uuid4().hex[:12]}",
        purpose="ask",
        policy=checkpoint.controller,
        checkpoint_id=checkpoint.checkpoint_id,
        mode="decided",
        execution_mode=execution_mode,
        step=checkpoint.step,
        multiplier=price,
        deadline=condition.deadline,
    )
    return plan(key, problem, choice, sample_index=0, seed=seed)


async def answer(
    planned: PlannedRollout, problem: Problem, executor: GraphExecutor, benchmark: Benchmark
) -> Answered:
    """Run the planned graph once; an operator that failed is in the execution, not raised."""
    execution = await executor.execute(planned, problem)
    return Answered(
        graph=planned.graph,
        execution=execution,
        extracted=await benchmark.extract(problem, execution.answer or ""),
    )
