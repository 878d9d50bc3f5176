"""A single machine that serves its deployments: polls, runs, and ends with its schedules paused."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import PrefectException
from prefect.runner import Runner
from pydantic import PrivateAttr

from flows.orchestrator.allowed import tell_runs
from flows.orchestrator.process import SERVED_BY
from flows.schedules.deployments import (
    Deployed,
    apply,
    drop_late_runs,
    last_time,
    missed,
    planned_deployments,
)
from flows.settings import Settings

STOP_SECONDS = 60.0
THIN_SECONDS = 5.0


class _Known(RunnerDeployment):
    """A deployment that the server has already; the runner only has to look for its runs."""

    _identity: UUID = PrivateAttr()

    @classmethod
    def of(cls, deployed: Deployed) -> "_Known":
        known = cls(name="lamas", flow_name=deployed.planned.name)
        known._identity = deployed.identity
        return known

    async def aapply(self, *_: object, **__: object) -> UUID:
        return self._identity


async def serve(settings: Settings, overrides: Sequence[str]) -> None:
    """Register the deployments and run what comes due, until cancelled.

    At the end, however it comes, schedules are paused and runs in progress are cancelled: each
    stores what it has, and the next one goes on from there.
    """
    # Processes started here inherit the mask: Ctrl-C is for this one, which ends them in order.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.environ[SERVED_BY] = str(os.getpid())
    config = settings.deployment
    planned = planned_deployments(settings, overrides)
    tell_runs([item.overrides for item in planned], config.run_overrides)
    runner = Runner(
        name="lamas", query_seconds=config.poll_seconds, pause_on_shutdown=False, limit=None
    )
    async with get_client() as client:
        deployed: list[Deployed] = []
        try:
            for item in planned:
                found = await apply(client, item, config, work_pool=None, paused=True)
                deployed.append(found)
                await _after_absence(client, found, catch_up=config.catch_up and not config.paused)
                await runner.aadd_deployment(_Known.of(found))
                if not config.paused:
                    await client.resume_deployment(found.identity)
                _say(f"{item.name}/lamas: {described(item.schedule)}")
            thinning = asyncio.create_task(_thin(client, deployed))
            try:
                await _run(runner)
            finally:
                thinning.cancel()
        finally:
            for found in deployed:
                await client.pause_deployment(found.identity)
            _say("schedules are paused")
            # Of the runner's folder there the runner removes all but itself.
            with suppress(OSError):
                (Path(tempfile.gettempdir()) / "runner_storage").rmdir()


async def _run(runner: Runner) -> None:
    running = asyncio.create_task(runner.start())
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        # Runs in progress first get to store what they have.
        if runner.started:
            _say("stopping; runs in progress store what they have")
            await asyncio.wait_for(runner.astop(), STOP_SECONDS)
        else:
            running.cancel()
        await asyncio.wait([running], timeout=STOP_SECONDS)
        raise


async def _thin(client: PrefectClient, deployed: Sequence[Deployed]) -> None:
    """Let one run of a deployment wait for its turn at most: a dense schedule piles up no queue."""
    while True:
        await asyncio.sleep(THIN_SECONDS)
        for found in deployed:
            try:
                dropped = await drop_late_runs(client, found.identity, keep=1)
            except (httpx.HTTPError, PrefectException):
                # A server that is too busy now is asked again.
                continue
            if dropped:
                _say(f"{found.planned.name}/lamas: {dropped} due while one waits, dropped")


async def _after_absence(client: PrefectClient, deployed: Deployed, *, catch_up: bool) -> None:
    """Deal with the times that passed while nothing served: one run for all of them, or none."""
    since = await last_time(client, deployed.identity)
    late = await drop_late_runs(client, deployed.identity)
    schedule = deployed.planned.schedule
    if not catch_up or since is None or schedule is None:
        return
    if late or await missed(schedule, since, datetime.now(UTC)):
        await client.create_flow_run_from_deployment(deployed.identity, tags=["catch-up"])
        _say(f"{deployed.planned.name}/lamas: catching up on a run that was missed")


def described(schedule: object) -> str:
    """A schedule in words."""
    match schedule:
        case CronSchedule():
            return f"cron {schedule.cron} {schedule.timezone}"
        case IntervalSchedule():
            return f"every {schedule.interval.total_seconds():g} s"
        case _:
            return "when asked to"


def _say(text: str) -> None:
    # A terminal that went away is no reason to leave anything running.
    with suppress(OSError):
        print(f"  {text}", file=sys.stderr, flush=True)
