"""Drift: which metrics leave the band of the last evaluations, and what a server hears of it."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.client.orchestration import get_client
from prefect.events.actions import DoNothing
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.champion.drift import emit
from flows.run.evaluated import CHAMPION
from flows.settings.drift import DriftConfig
from lamas.evaluation.drift import LIKE, Departure, champion_departures, departures, limits
from tests.command import run_here
from tests.flows.conftest import TINY
from tests.patience import until
from tests.prefect_client import client
from warehouse import Registry, Warehouse

BAND = DriftConfig().band
STEADY = {"score": [0.5, 0.51, 0.49, 0.5, 0.5], "cost_usd": [0.001] * 5}
Found = TypeVar("Found")


def test_a_score_below_the_band_is_found_and_one_inside_is_not() -> None:
    (found,) = departures({"score": 0.4, "cost_usd": 0.001}, STEADY, BAND)
    assert (found.metric, found.value, found.evaluations) == ("score", 0.4, 5)
    assert found.low < 0.5 < found.high
    assert "score is 0.4, outside 0.48 … 0.52" in found.sentence()
    assert departures({"score": 0.485, "cost_usd": 0.00102}, STEADY, BAND) == ()


def test_leaving_upwards_counts_too() -> None:
    found = departures({"score": 0.5, "cost_usd": 0.0011}, STEADY, BAND)
    assert [item.metric for item in found] == ["cost_usd"]


def test_a_band_is_as_wide_as_its_history_is_restless() -> None:
    low, high = limits("score", [0.4, 0.5, 0.6], BAND)
    assert low == pytest.approx(0.5 - 3 * 1.4826 * 0.1)
    assert high == pytest.approx(0.5 + 3 * 1.4826 * 0.1)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_evaluations_make_no_band(count: int) -> None:
    assert departures({"score": 0.0}, {"score": [0.9] * count}, BAND) == ()


def test_only_the_last_ones_count() -> None:
    config = DriftConfig(evaluations=3).band
    history = {"score": [0.1, 0.1, 0.1, 0.9, 0.9, 0.9]}
    assert departures({"score": 0.9}, history, config) == ()
    assert departures({"score": 0.1}, history, config)[0].evaluations == 3


@given(
    values=st.lists(st.floats(0.0, 1.0), min_size=3, max_size=9),
    least=st.floats(0.0, 0.2),
)
def test_the_median_is_never_outside_and_the_least_width_holds(
    values: list[float], least: float
) -> None:
    config = DriftConfig(minimum_score=least, evaluations=9).band
    low, high = limits("score", values, config)
    centre = sorted(values)[len(values) // 2] if len(values) % 2 else None
    assert high - low >= 2 * least - 1e-12
    if centre is not None:
        assert departures({"score": centre}, {"score": values}, config) == ()


def history(*rows: tuple[str, str, float], model: str = "m") -> pl.DataFrame:
    like = dict.fromkeys(LIKE, "same") | {"model": model}
    return pl.DataFrame(
        [{"run_id": run, "metric": metric, "value": value, **like} for run, metric, value in rows]
    )


def test_only_comparable_evaluations_make_the_band() -> None:
    earlier = [(f"r{number}", "score", 0.5) for number in range(4)]
    same = history(*earlier, ("now", "score", 0.1))
    assert [item.metric for item in champion_departures(same, "now", BAND)] == ["score"]
    other = pl.concat([history(*earlier, model="other"), history(("now", "score", 0.1))])
    assert champion_departures(other, "now", BAND) == ()
    assert champion_departures(same, "another run", BAND) == ()


def events(prefect_api: str, name: str) -> list[dict[str, object]]:
    """Events of the last day by that name, the latest first."""
    response = client(prefect_api).post(
        "events/filter", json={"filter": {"event": {"name": [name]}}}
    )
    response.raise_for_status()
    return cast("list[dict[str, object]]", response.json()["events"])


@pytest.mark.slow
async def test_a_server_records_the_event_and_an_automation_acts_on_it(prefect_api: str) -> None:
    departure = Departure(metric="score", value=0.4, low=0.48, high=0.52, evaluations=5)
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        automation = AutomationCore(
            name="on drift",
            trigger=EventTrigger(
                expect={"lamas.drift"},
                match={"prefect.resource.id": "lamas.checkpoint.*"},
                posture=Posture.Reactive,
                threshold=1,
                within=timedelta(0),
            ),
            actions=[DoNothing()],
        )
        async with get_client() as client:
            await client.create_automation(automation)
        await emit([departure], checkpoint_id="lamas-1", run_id="evaluate-1")
    (event,) = until(lambda: events(prefect_api, "lamas.drift"))
    resource = cast("dict[str, str]", event["resource"])
    assert resource["prefect.resource.id"] == "lamas.checkpoint.lamas-1"
    payload = cast("dict[str, object]", event["payload"])
    assert payload == {
        "metric": "score",
        "value": 0.4,
        "low": 0.48,
        "high": 0.52,
        "evaluations": 5,
        "run_id": "evaluate-1",
    }
    assert until(lambda: events(prefect_api, "prefect.automation.triggered"))


@pytest.mark.slow
def test_an_evaluation_of_the_champion_is_compared_with_its_last_ones(
    prefect_api: str, prepared: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    name = Registry(Warehouse.open(home / "warehouse.duckdb")).checkpoints()[-1].checkpoint_id
    assert run_here("champion", "promote", name, "--reason", "test", f"home={home}").code == 0
    arguments = (
        "evaluate",
        *TINY,
        f"home={home}",
        "checkpoint=champion",
        "evaluation.problems=4",
        "evaluation.baselines=[]",
        "execution.granularity=batch",
        "llm.simulated.in_process=true",
    )
    for _ in range(3):
        finished = run_here(*arguments, prefect_api=prefect_api)
        assert finished.code == 0, finished.stderr
        assert "drift" not in finished.stderr
        assert f"step 0{CHAMPION}" in finished.stdout
    other = run_here(*arguments, "seed=5", "drift.minimum_relative=0", prefect_api=prefect_api)
    assert other.code == 0, other.stderr
    assert "drift: the champion's cp_tokens_mean is" in other.stderr

    def of_champion() -> list[dict[str, object]]:
        resource = f"lamas.checkpoint.{name}"
        return [
            item
            for item in events(prefect_api, "lamas.drift")
            if cast("dict[str, str]", item["resource"])["prefect.resource.id"] == resource
        ]

    metrics = {cast("dict[str, object]", item["payload"])["metric"] for item in until(of_champion)}
    assert "cp_tokens_mean" in metrics
    quiet = run_here(*arguments, "seed=6", "drift.enabled=false", prefect_api=prefect_api)
    assert "drift" not in quiet.stderr
