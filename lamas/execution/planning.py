"""Which rollouts a stage owes: functions of configuration, seed and checkpoint, never of time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lamas.domain import (
    DecisionMode,
    ExecutionMode,
    GraphChoice,
    PlannedRollout,
    Problem,
    Purpose,
    digest,
)


@dataclass(frozen=True, kw_only=True)
class PlanKey:
    """What the rollouts of one stage share."""

    run_id: str
    purpose: Purpose
    policy: str
    checkpoint_id: str | None
    mode: DecisionMode
    execution_mode: ExecutionMode
    step: int
    multiplier: float | None = None
    deadline: float | None = None


def plan(
    key: PlanKey,
    problem: Problem,
    choice: GraphChoice,
    *,
    sample_index: int,
    seed: int,
) -> PlannedRollout:
    """One planned rollout of the first try."""
    planned = PlannedRollout(
        rollout_id="",
        run_id=key.run_id,
        problem_id=problem.problem_id,
        checkpoint_id=key.checkpoint_id,
        policy=key.policy,
        purpose=key.purpose,
        mode=key.mode,
        execution_mode=key.execution_mode,
        step=key.step,
        sample_index=sample_index,
        seed=seed,
        graph=choice.graph,
        decisions=choice.decisions,
        multiplier=key.multiplier,
        deadline=key.deadline,
    )
    return as_try(planned)


def owed(
    plans: Iterable[PlannedRollout], finished: Mapping[str, str], *, retry_failed: bool
) -> tuple[PlannedRollout, ...]:
    """The plans that still have to run.

    `finished` maps the ids of stored rollouts to their status. With `retry_failed` a slot whose
    tries all failed is planned once more under the next retry number: its failures stay on record.
    """
    chosen: list[PlannedRollout] = []
    for first in plans:
        planned = first
        while retry_failed and finished.get(planned.rollout_id) == "failed":
            planned = as_try(planned, planned.retry + 1)
        if planned.rollout_id not in finished:
            chosen.append(planned)
    return tuple(chosen)


def as_try(planned: PlannedRollout, retry: int = 0) -> PlannedRollout:
    """`planned` as its slot's try number `retry`; its id is a digest of what makes it distinct."""
    identity = digest(
        planned.run_id,
        planned.purpose,
        planned.policy,
        planned.checkpoint_id,
        planned.execution_mode,
        planned.step,
        planned.problem_id,
        planned.sample_index,
        retry,
        *(() if planned.multiplier is None else (planned.multiplier,)),
    )
    return replace(planned, rollout_id=identity, retry=retry)
