"""People ask a gateway something else, say what is right, and a scheduled retrain learns it."""

import asyncio
from pathlib import Path
from typing import cast

import pytest
import yaml

from lamas.llm.simulated.profile import PROFILE_FOLDER
from tests.command import run_here
from tests.flows.gateway.conftest import running
from tests.integration.conftest import QUIET
from tests.integration.test_deployment import serving
from warehouse import Registry, Warehouse

pytestmark = pytest.mark.slow

ASKED = 40


@pytest.fixture
def options(tmp_path: Path) -> tuple[str, ...]:
    """A world in which reasoning aloud is right on what the champion learned from, and a short
    answer on what is asked later.
    """
    shipped = (PROFILE_FOLDER / "gpt_4o_mini_like.yaml").read_text()
    content = cast("dict[str, dict[str, object]]", yaml.safe_load(shipped))
    spread = {"difficulty_mean": 0.0, "difficulty_sigma": 1.0}
    content["populations"] = {
        "farm": {
            "matches": ["traffic/*", "served/*"],
            **spread,
            "skill": {"Generate": 6.0, "GenerateCoT": -6.0},
            "length": {"Generate": 0.3},
        },
        **content["populations"],
    }
    cast("dict[str, object]", content["populations"]["other_math"]).update(
        {**spread, "skill": {"Generate": -6.0, "GenerateCoT": 6.0}}
    )
    profile = tmp_path / "world.yaml"
    profile.write_text(yaml.safe_dump(content))
    return (
        *QUIET,
        "llm=simulated",
        f"llm.simulated.profile={profile}",
        "operators.enabled=[Generate,GenerateCoT]",
        "evaluation.baselines=[]",
        "evaluation.controls=[]",
        f"home={tmp_path / 'home'}",
    )


async def ask_about_farms(home: Path, options: tuple[str, ...]) -> set[str]:
    """Ask the gateway, and say of each answer what would have been right; the graphs it chose."""
    chosen: set[str] = set()
    async with running(home, *options, "learner=table") as gateway:
        for number in range(ASKED):
            sheep, bought = 10 + number, 3 + number % 7
            question = f"A farmer has {sheep} sheep and buys {bought} more. How many are there?"
            answer = await gateway.ask(messages=[{"role": "user", "content": question}])
            assert answer.status_code == 200, answer.text
            chosen.add(str(answer.json()["lamas"]["graph"]))
            said = {"id": answer.json()["id"], "reference": str(sheep + bought)}
            assert (await gateway.client.post("/v1/feedback", json=said)).status_code == 200
    return chosen


def test_a_scheduled_retrain_makes_what_is_asked_now_the_champions_strength(
    options: tuple[str, ...], prefect_api: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    begun = ("benchmark.size=40", "evaluation.problems=4")
    finished = run_here("retrain", *options, *begun, prefect_api=prefect_api)
    assert finished.code == 0, finished.stderr
    warehouse = Warehouse.open(home / "warehouse.duckdb")
    registry = Registry(warehouse)
    before = registry.checkpoints()[-1].checkpoint_id
    if registry.champion() is None:
        registry.promote(before, evidence={"reason": "a test wants a champion"})
    assert asyncio.run(ask_about_farms(home, options)) == {"[['GenerateCoT']]"}
    after = retrained_on_schedule(home, options, before)
    worth = {
        str(checkpoint): (score, tokens)
        for checkpoint, score, tokens in warehouse.query(
            "SELECT rollouts.checkpoint_id, avg(score), avg(cp_tokens) FROM rollouts "
            "INNER JOIN problems USING (problem_id) "
            "WHERE purpose = 'evaluate' AND benchmark = 'traffic' AND rollouts.status = 'ok' "
            "GROUP BY ALL"
        ).rows()
    }
    said = (tmp_path / "serve.log").read_text()
    assert f"drift: the last {ASKED} questions asked lie" in said
    assert worth[after][0] > worth[before][0]
    assert worth[after][1] < worth[before][1]
    assert [result.name for result in warehouse.audit() if result.rows.height] == []


def retrained_on_schedule(home: Path, options: tuple[str, ...], champion: str) -> str:
    """Serve a schedule that retrains on what was asked, until it has made another champion."""
    registry = Registry(Warehouse.open(home / "warehouse.duckdb"))

    def other() -> str | None:
        found = registry.champion()
        return None if found is None or found.checkpoint_id == champion else found.checkpoint_id

    line = (*options, "benchmark=traffic", "deployment.with_report=false")
    with serving(home, *line) as served:
        return served.wait_for(other)
