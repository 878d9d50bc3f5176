"""The same graphs on the same problems once more, answered by the fitted profile."""

from collections.abc import Sequence

from lamas.calibration.judge import Judge
from lamas.domain import PlannedRollout, Rollout
from lamas.execution import GraphExecutor, RolloutRunner
from lamas.execution.collecting import collect_rollouts
from lamas.operators.multi_generate_cot import MultiGenerateCoT

CONCURRENCY = 32


async def replayed(
    executor: GraphExecutor, rollouts: Sequence[Rollout], judge: Judge
) -> tuple[Rollout, ...]:
    """The rollouts' plans run by `executor`, scored by the judge's benchmark, in their order."""
    samples = {rollout.rollout_id: _samples(rollout) for rollout in rollouts}
    done: dict[str, Rollout] = {}

    async def run_one(planned: PlannedRollout) -> Rollout:
        own = executor.with_samples(samples[planned.rollout_id])
        runner = RolloutRunner(own, judge.benchmark)
        return await runner.run(planned, judge.problems[planned.problem_id])

    def keep(finished: Rollout) -> None:
        done[finished.rollout_id] = finished

    await collect_rollouts(
        [rollout.plan for rollout in rollouts],
        run_one=run_one,
        write=lambda batch: None,
        on_finished=keep,
        concurrency=CONCURRENCY,
    )
    return tuple(done[rollout.rollout_id] for rollout in rollouts)


def _samples(rollout: Rollout) -> int | None:
    """How many chains MultiGenerateCoT drew, which a policy may set for itself."""
    drawn = [
        # Those that a quorum cancelled were drawn too.
        max(len(item.candidates), len({call.branch for call in item.calls}))
        for item in rollout.trace.invocations
        if item.operator == MultiGenerateCoT.spec.name and item.candidates
    ]
    return drawn[0] if drawn else None


def spread_over(rollouts: Sequence[Rollout], most: int) -> tuple[Rollout, ...]:
    """At most `most` of them, evenly spread."""
    if len(rollouts) <= most:
        return tuple(rollouts)
    return tuple(rollouts[place * len(rollouts) // most] for place in range(most))
