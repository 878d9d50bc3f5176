"""The same graphs on the same problems once more, answered by the fitted profile."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from flows.calibration.judge import Judge
from flows.collecting import collect_rollouts
from flows.settings import Settings, validate
from flows.wiring import endpoint_settings, simulated_profile
from flows.workplace import Workplace
from lamas.domain import PlannedRollout, Rollout, derive_seed
from lamas.execution import GraphExecutor, RolloutRunner
from lamas.llm import OpenAIChatModel, Price
from lamas.llm.simulated import SimulatedServer
from lamas.operators.multi_generate_cot import MultiGenerateCoT

CONCURRENCY = 32
_SEEDS = 1_000_000


def simulated_settings(recorded: Settings, profile: Path, *, repeat: int) -> Settings:
    """The run's settings with the fitted profile in place of its model.

    Each repeat draws the difficulties anew: a fit that only gave back the draws it was made from
    would tell nothing.
    """
    content = recorded.model_dump(mode="json")
    content["llm"] = {
        "kind": "simulated",
        "model": "simulated-calibrated",
        "price": {"input": 0.0, "output": 0.0},
        "concurrency": 64,
        "stream": False,
        "simulated": {
            "profile": str(profile),
            "seed": derive_seed(recorded.seed, "calibration", repeat) % _SEEDS,
            "time_scale": 0.0,
        },
    }
    return validate(content)


async def replayed(
    settings: Settings, rollouts: Sequence[Rollout], judge: Judge
) -> tuple[Rollout, ...]:
    """The rollouts' plans run under `settings`, scored by the judge's benchmark, in their order."""
    samples = {rollout.rollout_id: _samples(rollout) for rollout in rollouts}
    done: dict[str, Rollout] = {}
    async with AsyncExitStack() as stack:
        executor = await _executor(settings, judge, stack)

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


async def _executor(settings: Settings, judge: Judge, stack: AsyncExitStack) -> GraphExecutor:
    place = Workplace(settings, stack)
    profile = simulated_profile(settings)
    server = stack.enter_context(SimulatedServer(profile, problems=judge.problems.values()))
    model = await stack.enter_async_context(
        OpenAIChatModel(
            endpoint_settings(settings, server.base_url),
            price=Price(input=0.0, output=0.0),
        )
    )
    return GraphExecutor(
        catalogue=place.catalogue,
        model=model,
        sandbox=place.sandbox,
        gamma=settings.execution.gamma,
    )


def _samples(rollout: Rollout) -> int | None:
    """How many chains MultiGenerateCoT drew, which a policy may set for itself."""
    drawn = [
        len(item.candidates)
        for item in rollout.trace.invocations
        if item.operator == MultiGenerateCoT.spec.name and item.candidates
    ]
    return drawn[0] if drawn else None
