"""From production back into training: people ask something else, and the next champion knows it."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from flows.orchestrator.server import free_port
from tests.command import run_here
from tests.flows.gateway.conftest import running
from tests.integration.conftest import QUIET
from tests.integration.test_deployment import Served
from tests.patience import until
from tests.prefect_client import client
from warehouse import Registry, Warehouse

pytestmark = pytest.mark.slow

COMMON = (
    *QUIET,
    "llm=simulated",
    "operators.enabled=[Generate,GenerateCoT]",
    "evaluation.baselines=[]",
    "evaluation.deadlines=[]",
)
ASKED = 24


@pytest.fixture
def trained(prefect_api: str, tmp_path: Path) -> Path:
    """A home whose champion made one step on four generated problems."""
    home = tmp_path / "home"
    small = ("learner=reinforce", "benchmark.size=20", "training.steps=1")
    line = (
        "retrain",
        *COMMON,
        *small,
        "training.problems_per_step=4",
        "evaluation.problems=3",
        f"home={home}",
    )
    finished = run_here(*line, prefect_api=prefect_api)
    assert finished.code == 0, finished.stderr
    registry = Registry(Warehouse.open(home / "warehouse.duckdb"))
    registry.promote(registry.checkpoints()[-1].checkpoint_id, evidence={"reason": "a test"})
    return home


async def ask_something_else(home: Path) -> None:
    """Farmers' sums, each with its right answer."""
    async with running(home, *COMMON) as gateway:
        for number in range(ASKED):
            sheep, bought = 10 + number, 3 + number % 7
            question = f"A farmer has {sheep} sheep and buys {bought} more. How many are there?"
            asked = [{"role": "user", "content": question}]
            answer = await gateway.ask(messages=asked)
            assert answer.status_code == 200, answer.text
            said = {"id": answer.json()["id"], "reference": str(sheep + bought)}
            assert (await gateway.client.post("/v1/feedback", json=said)).status_code == 200


def test_a_shifted_mix_is_noticed_and_learned(trained: Path, prefect_api: str) -> None:
    asyncio.run(ask_something_else(trained))
    registry = Registry(Warehouse.open(trained / "warehouse.duckdb"))
    before = registry.champion()
    assert before is not None
    small = ("learner=reinforce", "benchmark.size=20", "evaluation.problems=1")
    line = ("evaluate", *COMMON, *small, f"home={trained}", "checkpoint=champion")
    evaluated = run_here(*line, prefect_api=prefect_api)
    assert evaluated.code == 0, evaluated.stderr
    assert f"drift: the last {ASKED} questions asked lie" in evaluated.stderr
    event = until(lambda: _event(prefect_api, before.checkpoint_id))
    assert event is not None
    assert cast("dict[str, object]", event["payload"])["metric"] == "live_mix"
    _wait_for_the_next_champion(trained, before.checkpoint_id)
    after = registry.champion()
    assert after is not None
    warehouse = Warehouse.open(trained / "warehouse.duckdb")
    figures = dict(
        warehouse.query(
            "SELECT rollouts.checkpoint_id, avg(score - 0.005 * virtual_seconds) AS worth "
            "FROM rollouts INNER JOIN problems USING (problem_id) "
            "WHERE purpose = 'evaluate' AND benchmark = 'traffic' AND rollouts.status = 'ok' "
            "GROUP BY ALL"
        ).rows()
    )
    assert figures[after.checkpoint_id] > figures[before.checkpoint_id]
    assert [result.name for result in warehouse.audit() if result.rows.height] == []


def _event(prefect_api: str, checkpoint_id: str) -> dict[str, object] | None:
    response = client(prefect_api).post(
        "events/filter", json={"filter": {"event": {"name": ["lamas.drift"]}}}
    )
    response.raise_for_status()
    found = cast("list[dict[str, dict[str, str]]]", response.json()["events"])
    resource = f"lamas.checkpoint.{checkpoint_id}"
    ours = [item for item in found if item["resource"]["prefect.resource.id"] == resource]
    return cast("dict[str, object]", ours[0]) if ours else None


def _wait_for_the_next_champion(home: Path, champion: str) -> None:
    """Serve a schedule that retrains on what was asked, until another one is champion."""
    log = home.parent / "serve.log"
    line = (
        *("serve", *COMMON, f"home={home}", f"prefect.port={free_port()}"),
        *("benchmark=traffic", "learner=table", "promotion.score_margin=0.5"),
        *("deployment.retrain.every_seconds=20", "deployment.evaluate.cron=null"),
        *("deployment.poll_seconds=1", "deployment.with_report=false"),
    )
    registry = Registry(Warehouse.open(home / "warehouse.duckdb"))

    def other() -> bool:
        found = registry.champion()
        return found is not None and found.checkpoint_id != champion

    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "flows", *line],
            env={**os.environ, "PREFECT_API_URL": ""},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            Served(process, home, log).wait_for(lambda: other() or None)
        finally:
            process.terminate()
