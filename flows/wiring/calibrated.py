"""From a run's settings to the same run on a profile fitted to it."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from flows.settings import Settings, validate
from flows.wiring.endpoint import endpoint_settings, simulated_profile
from flows.wiring.parts import Parts
from lamas.calibration.judge import Judge
from lamas.domain import derive_seed
from lamas.execution import GraphExecutor
from lamas.llm import OpenAIChatModel, Price
from lamas.llm.simulated import SimulatedServer

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


async def simulated_executor(
    settings: Settings, judge: Judge, stack: AsyncExitStack
) -> GraphExecutor:
    """What runs rollouts of `simulated_settings`; its server is closed with `stack`."""
    place = Parts(settings, stack)
    profile = simulated_profile(settings)
    server = stack.enter_context(SimulatedServer(profile, problems=judge.problems.values()))
    model = await stack.enter_async_context(
        OpenAIChatModel(
            replace(endpoint_settings(settings, server.base_url), api_key=server.api_key),
            price=Price(input=0.0, output=0.0),
        )
    )
    return GraphExecutor(
        catalogue=place.catalogue,
        model=model,
        sandbox=place.sandbox,
        gamma=settings.execution.gamma,
    )
