"""What is registered with a server, how runs of one deployment meet, and what an absence leaves."""

import asyncio
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.exceptions import PrefectHTTPStatusError
from prefect.flows import load_flow_from_entrypoint
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Pending, Scheduled

from flows.schedules.deployments import (
    Deployed,
    apply,
    drop_late_runs,
    last_time,
    missed,
    planned_deployments,
)
from flows.schedules.serve import described
from flows.settings import Settings
from flows.settings.compose import load_settings
from lamas.errors import ConfigurationError
from tests.command import run_here

BASE = ["llm=simulated", "seed=4"]


@pytest.fixture
def api(prefect_api: str) -> Generator[str, None, None]:
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        yield prefect_api


def settings_of(*overrides: str) -> Settings:
    return load_settings([*BASE, *overrides])


@pytest.mark.slow
async def test_a_plan_says_which_flow_runs_when_with_what(tmp_path: Path) -> None:
    overrides = [*BASE, f"home={tmp_path}", "deployment.timezone=Europe/Berlin"]
    plans = {item.name: item for item in planned_deployments(load_settings(overrides), overrides)}
    assert set(plans) == {"retrain", "evaluate", "report", "judge"}
    given = cast("list[str]", plans["evaluate"].parameters["overrides"])
    assert given[:2] == BASE
    assert "checkpoint=champion" in given
    assert "overlap=wait" in given
    assert not any(item.startswith("deployment") for item in given)
    assert plans["evaluate"].schedule == CronSchedule(cron="30 3 * * *", timezone="Europe/Berlin")
    assert plans["report"].schedule is None
    assert plans["retrain"].parameters["with_report"] is True
    assert set(plans["retrain"].tags) == {
        "generated",
        "conditioned",
        load_settings(BASE).llm.model,
    } | {"simulated"}
    # What a run of each will compose is legal.
    for plan in plans.values():
        load_settings(cast("list[str]", plan.parameters["overrides"]))


async def test_entry_points_lead_to_the_flows(tmp_path: Path) -> None:
    for plan in planned_deployments(settings_of(f"home={tmp_path}"), BASE):
        flow = await asyncio.to_thread(load_flow_from_entrypoint, plan.entrypoint)
        assert flow.name == plan.name


@pytest.mark.slow
def test_prefect_yaml_deploys_the_same_flows_on_the_same_schedules(tmp_path: Path) -> None:
    content = yaml.safe_load(Path("prefect.yaml").read_text())
    written = {item["entrypoint"].partition(":")[2]: item for item in content["deployments"]}
    plans = planned_deployments(settings_of(f"home={tmp_path}"), [])
    assert set(written) == {plan.name for plan in plans}
    for plan in plans:
        item = written[plan.name]
        assert plan.entrypoint.endswith(item["entrypoint"])
        assert Path(item["entrypoint"].partition(":")[0]).exists()
        load_settings(item["parameters"]["overrides"])
        assert set(item["parameters"]) == set(plan.parameters)
        schedules = [CronSchedule.model_validate(given) for given in item.get("schedules", [])]
        assert schedules == ([] if plan.schedule is None else [plan.schedule])
        assert item["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}
        assert item["work_pool"]["name"] == load_settings([]).deployment.work_pool


@pytest.mark.slow
@pytest.mark.parametrize("cron", ["every day", "61 * * * *", "* * *"])
def test_a_wrong_cron_is_one_sentence(cron: str) -> None:
    with pytest.raises(ConfigurationError, match=r"deployment\.retrain\.cron=.*five fields"):
        planned_deployments(settings_of(f"deployment.retrain.cron='{cron}'"), BASE)


@pytest.mark.slow
def test_a_wrong_timezone_is_one_sentence() -> None:
    with pytest.raises(ConfigurationError, match=r"timezone 'Mars/Base' is unknown"):
        settings_of("deployment.timezone=Mars/Base")


def test_schedules_in_words() -> None:
    assert described(CronSchedule(cron="0 2 * * 0", timezone="UTC")) == "cron 0 2 * * 0 UTC"
    assert described(IntervalSchedule(interval=timedelta(minutes=1))) == "every 60 s"
    assert described(None) == "when asked to"


async def deployed(client: PrefectClient, tmp_path: Path, *overrides: str) -> Deployed:
    settings = settings_of(f"home={tmp_path}", *overrides)
    plan = planned_deployments(settings, BASE)[0]
    return await apply(client, plan, settings.deployment, work_pool=None, paused=True)


@pytest.mark.slow
async def test_a_run_brings_only_what_was_allowed(api: str, tmp_path: Path) -> None:
    async with get_client() as client:
        found = await deployed(client, tmp_path, "deployment.run_overrides=[seed]")
        own = found.planned.overrides
        for added in (["llm.base_url=http://127.0.0.1:9/v1"], [f"home={tmp_path / 'other'}"]):
            with pytest.raises(PrefectHTTPStatusError, match="409"):
                await client.create_flow_run_from_deployment(
                    found.identity, parameters={"overrides": [*own, *added]}
                )
        run = await client.create_flow_run_from_deployment(
            found.identity, parameters={"overrides": [*own, "seed=9"]}
        )
        assert run.parameters["overrides"] == [*own, "seed=9"]
        await client.delete_deployment(found.identity)


async def _pending(client: PrefectClient, identity: UUID) -> str:
    run = await client.create_flow_run_from_deployment(identity)
    answer = await client.set_flow_run_state(run.id, Pending())
    assert answer.state is not None
    return answer.state.name or ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overlap", "second"), [("wait", "AwaitingConcurrencySlot"), ("refuse", "Cancelled")]
)
async def test_a_second_run_of_a_deployment_waits_or_is_refused(
    api: str, tmp_path: Path, overlap: str, second: str
) -> None:
    async with get_client() as client:
        found = await deployed(client, tmp_path, f"deployment.overlap={overlap}")
        assert await _pending(client, found.identity) == "Pending"
        assert await _pending(client, found.identity) == second
        await client.delete_deployment(found.identity)


@pytest.mark.slow
async def test_late_runs_are_dropped_and_the_last_time_is_known(api: str, tmp_path: Path) -> None:
    past = datetime.now(UTC) - timedelta(hours=2)
    async with get_client() as client:
        found = await deployed(client, tmp_path)
        assert await last_time(client, found.identity) is None
        late = await client.create_flow_run_from_deployment(
            found.identity, state=Scheduled(scheduled_time=past)
        )
        future = await client.create_flow_run_from_deployment(
            found.identity, state=Scheduled(scheduled_time=datetime.now(UTC) + timedelta(hours=2))
        )
        assert await last_time(client, found.identity) == past
        assert await drop_late_runs(client, found.identity, keep=1) == 0
        assert await drop_late_runs(client, found.identity) == 1
        assert await drop_late_runs(client, found.identity) == 0
        left = {run.id for run in await client.read_flow_runs()}
        assert future.id in left
        assert late.id not in left
        await client.delete_deployment(found.identity)


@pytest.mark.parametrize(
    ("schedule", "hours", "expected"),
    [
        (CronSchedule(cron="0 3 * * *", timezone="UTC"), 23, False),
        (CronSchedule(cron="0 3 * * *", timezone="UTC"), 24, True),
        (IntervalSchedule(interval=timedelta(hours=5)), 4, False),
        (IntervalSchedule(interval=timedelta(hours=5)), 6, True),
    ],
)
async def test_whether_a_time_was_missed(
    schedule: CronSchedule | IntervalSchedule, hours: int, expected: bool
) -> None:
    since = datetime(2026, 3, 1, 3, 0, 5, tzinfo=UTC)
    assert await missed(schedule, since, since + timedelta(hours=hours)) is expected


@pytest.mark.slow
def test_deploy_registers_once_and_says_what(
    prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = "test-pool"
    arguments = ("deploy", *BASE, f"home={tmp_path}", f"deployment.work_pool={pool}")
    first = run_here(*arguments, prefect_api=prefect_api)
    assert first.code == 0, first.stderr
    assert f"made work pool {pool} of type process" in first.stdout
    assert "deployed retrain/lamas: cron 0 2 * * 0 UTC" in first.stdout
    again = run_here(*arguments, "deployment.paused=true", prefect_api=prefect_api)
    assert again.code == 0, again.stderr
    assert "made work pool" not in again.stdout
    assert "deployed evaluate/lamas: cron 30 3 * * * UTC (paused)" in again.stdout


@pytest.mark.slow
def test_deploy_without_a_server_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    finished = run_here("deploy", *BASE, f"home={tmp_path}")
    assert finished.code == 1
    assert "no Prefect server to deploy to: set PREFECT_API_URL" in finished.stderr
