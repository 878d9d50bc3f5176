"""`lamas deploy`: retrain, evaluate and report as deployments of a Prefect server."""

import argparse
import os
from typing import TYPE_CHECKING

from flows.cli.line import Command, add_overrides, settings_of
from lamas.errors import ServerError

if TYPE_CHECKING:
    from flows.settings import Settings


def _handle(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    import asyncio

    from flows.orchestrator.server import kept_open, prefect_server
    from flows.run.preflight import check_scheduled

    if not (os.environ.get("PREFECT_API_URL") or kept_open(settings.prefect_home.resolve())):
        raise ServerError(
            "there is no Prefect server to deploy to: set PREFECT_API_URL, keep one open with "
            "`lamas ui`, or use `lamas serve`, which needs none"
        )
    asyncio.run(check_scheduled(settings, options.overrides))
    with prefect_server(settings.prefect_home, port=settings.prefect.port) as server:
        asyncio.run(_deploy(settings, options.overrides))
        print(f"{server.ui_url}/deployments")
        print(f"Start a worker: prefect worker start --pool {settings.deployment.work_pool}")
    return 0


async def _deploy(settings: "Settings", overrides: list[str]) -> None:
    from prefect import get_client

    from flows.schedules.deployments import apply, ensure_work_pool, planned_deployments

    config = settings.deployment
    planned = planned_deployments(settings, overrides)
    async with get_client() as client:
        if await ensure_work_pool(client, config.work_pool):
            print(f"made work pool {config.work_pool} of type process")
        for item in planned:
            await apply(client, item, config, work_pool=config.work_pool, paused=config.paused)
            print(f"deployed {item.name}/lamas: {_when(item.schedule, config.paused)}")


def _when(schedule: object, paused: bool) -> str:
    from flows.schedules.serve import described

    return described(schedule) + (" (paused)" if paused and schedule else "")


COMMAND = Command(
    name="deploy",
    text="register retrain, evaluate and report with a Prefect server for its workers",
    add=add_overrides,
    handle=_handle,
)
