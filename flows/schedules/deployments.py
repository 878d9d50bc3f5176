"""The deployments of LAMaS on a Prefect server: what runs when, with which overrides."""

import importlib.util
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import (
    ConcurrencyLimitStrategy,
    ConcurrencyOptions,
    StateType,
)
from prefect.client.schemas.schedules import SCHEDULE_TYPES, CronSchedule, IntervalSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.utilities.callables import parameter_schema
from pydantic import ValidationError

from flows.evaluate import evaluate
from flows.judge import judge
from flows.orchestrator import allowed
from flows.report import report
from flows.retrain import retrain
from flows.run.naming import run_tags
from flows.settings import Settings
from flows.settings.deployment import DeploymentConfig, ScheduledConfig
from lamas.errors import ConfigurationError

Name = Literal["retrain", "evaluate", "report", "judge"]
MODULES: dict[Name, str] = {
    "retrain": "flows.retrain",
    "evaluate": "flows.evaluate",
    "report": "flows.report",
    "judge": "flows.judge",
}
DESCRIPTIONS: dict[Name, str] = {
    "retrain": "Trains a challenger, evaluates it beside the champion, promotes it by the rule.",
    "evaluate": "Evaluates the champion on the held-out problems and watches it for drift.",
    "report": "Writes the latest retrain as an HTML file and charts.",
    "judge": "Lets a strong model answer what gateways were asked and nobody said the answer to.",
}
FLOWS: dict[Name, Callable[..., Awaitable[None]]] = {
    "retrain": retrain,
    "evaluate": evaluate,
    "report": report,
    "judge": judge,
}
STRATEGIES = {
    "wait": ConcurrencyLimitStrategy.ENQUEUE,
    "refuse": ConcurrencyLimitStrategy.CANCEL_NEW,
}


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One deployment, before any server knows of it."""

    name: Name
    entrypoint: str
    """`<file>:<function>`, the file by its absolute path."""
    parameters: dict[str, object]
    schedule: SCHEDULE_TYPES | None
    tags: list[str]

    @property
    def overrides(self) -> list[str]:
        return [str(item) for item in cast("list[object]", self.parameters["overrides"])]


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """One deployment on a server."""

    identity: UUID
    planned: Planned


def planned_deployments(settings: Settings, overrides: Sequence[str]) -> tuple[Planned, ...]:
    """The deployments that `settings` describe; runs compose `overrides` again.

    Raises ConfigurationError for a schedule that cannot be used.
    """
    config = settings.deployment
    sections: dict[Name, ScheduledConfig] = {
        "retrain": config.retrain,
        "evaluate": config.evaluate,
        "report": config.report,
        "judge": config.judge,
    }
    return tuple(
        Planned(
            name=name,
            entrypoint=_entrypoint(name),
            parameters=_parameters(name, settings, overrides, section),
            schedule=_schedule(name, section, config),
            tags=run_tags(settings),
        )
        for name, section in sections.items()
    )


def _entrypoint(name: Name) -> str:
    found = importlib.util.find_spec(MODULES[name])
    assert found is not None
    assert found.origin is not None
    return f"{Path(found.origin).resolve()}:{name}"


def _parameters(
    name: Name, settings: Settings, overrides: Sequence[str], section: ScheduledConfig
) -> dict[str, object]:
    # What is not a matter of the runs stays out; where things lie must not depend on where the
    # run's process starts.
    own = [item for item in overrides if not item.lstrip("+~").startswith("deployment")]
    places = [f"home={settings.home.resolve()}", f"overlap={settings.deployment.overlap}"]
    parameters: dict[str, object] = {"overrides": [*own, *places, *section.overrides]}
    if name == "retrain":
        parameters["with_report"] = settings.deployment.with_report
    return parameters


def _schedule(
    name: Name, section: ScheduledConfig, config: DeploymentConfig
) -> SCHEDULE_TYPES | None:
    if section.every_seconds is not None:
        return IntervalSchedule(
            interval=timedelta(seconds=section.every_seconds),
            anchor_date=datetime.now(UTC),
            timezone=config.timezone,
        )
    if section.cron is None:
        return None
    try:
        return CronSchedule(cron=section.cron, timezone=config.timezone)
    except ValidationError:
        raise ConfigurationError(
            f"configuration: deployment.{name}.cron={section.cron!r} is no cron expression; give "
            "five fields (minute hour day month weekday), as in '30 3 * * *', or null"
        ) from None


async def apply(
    client: PrefectClient,
    planned: Planned,
    config: DeploymentConfig,
    *,
    work_pool: str | None,
    paused: bool,
) -> Deployed:
    """Make or replace the deployment on the server; runs it scheduled ahead are dropped."""
    schema = parameter_schema(FLOWS[planned.name]).model_dump()
    identity = await client.create_deployment(
        flow_id=await client.create_flow_from_name(planned.name),
        name="lamas",
        description=DESCRIPTIONS[planned.name],
        entrypoint=planned.entrypoint,
        # Relative paths in overrides mean what they mean where the command was given.
        pull_steps=[
            {"prefect.deployments.steps.set_working_directory": {"directory": str(Path.cwd())}}
        ],
        parameters=planned.parameters,
        parameter_openapi_schema=_accepted(schema, planned, config),
        enforce_parameter_schema=True,
        tags=planned.tags,
        schedules=(
            [DeploymentScheduleCreate(schedule=planned.schedule, active=True)]
            if planned.schedule
            else []
        ),
        concurrency_limit=1,
        concurrency_options=ConcurrencyOptions(collision_strategy=STRATEGIES[config.overlap]),
        paused=paused,
        work_pool_name=work_pool,
    )
    return Deployed(identity=identity, planned=planned)


def _accepted(
    schema: dict[str, object], planned: Planned, config: DeploymentConfig
) -> dict[str, object]:
    """The parameters that a run of the deployment may be asked for with."""
    properties = cast("dict[str, object]", schema["properties"])
    overrides = allowed.schema(planned.overrides, config.run_overrides)
    return {**schema, "properties": {**properties, "overrides": overrides}}


async def ensure_work_pool(client: PrefectClient, name: str) -> bool:
    """Make the process work pool unless it exists; True when it was made."""
    try:
        await client.read_work_pool(name)
    except ObjectNotFound:
        try:
            await client.create_work_pool(WorkPoolCreate(name=name, type="process"))
        except ObjectAlreadyExists:
            return False
        return True
    return False


async def drop_late_runs(client: PrefectClient, identity: UUID, *, keep: int = 0) -> int:
    """Delete scheduled runs whose time has passed, all but the first `keep`; gives their number."""
    late = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[identity]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
            expected_start_time=_before_now(),
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
    )
    surplus = late[keep:]
    for run in surplus:
        # The server drops some of them itself when a schedule is paused.
        with suppress(ObjectNotFound):
            await client.delete_flow_run(run.id)
    return len(surplus)


def _before_now() -> FlowRunFilterExpectedStartTime:
    # Validated from text: Prefect's own date type is no part of its interface.
    return FlowRunFilterExpectedStartTime.model_validate({"before_": datetime.now(UTC).isoformat()})


async def last_time(client: PrefectClient, identity: UUID) -> datetime | None:
    """When the latest run of the deployment was due, of those whose time has come."""
    runs = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[identity]),
            expected_start_time=_before_now(),
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=1,
    )
    return runs[0].expected_start_time if runs else None


async def missed(schedule: SCHEDULE_TYPES, since: datetime, until: datetime) -> bool:
    """Whether a time of `schedule` lies after `since` and not after `until`."""
    if isinstance(schedule, IntervalSchedule):
        return since + schedule.interval <= until
    from prefect.server.schemas.schedules import CronSchedule as Clockwork

    if not isinstance(schedule, CronSchedule):
        return False
    clockwork = Clockwork(cron=schedule.cron, timezone=schedule.timezone)
    dates = await clockwork.get_dates(n=1, start=since + timedelta(seconds=1), end=until)
    return bool(dates)
