"""A candidate beside the champion, and champions under tags, in a gateway that answers."""

from pathlib import Path

import pytest

from flows.cli.main import run
from lamas.gateway.trials import decides
from tests.flows.gateway.conftest import running
from tests.patience import soon
from warehouse import Registry, Warehouse

pytestmark = pytest.mark.slow


def test_a_draw_follows_from_names_and_has_its_share() -> None:
    drawn = [decides("lamas-1", 0.3, f"chatcmpl-{number}") for number in range(2000)]
    assert drawn == [decides("lamas-1", 0.3, f"chatcmpl-{number}") for number in range(2000)]
    # Five standard deviations to each side.
    assert abs(sum(drawn) / 2000 - 0.3) < 5 * (0.3 * 0.7 / 2000) ** 0.5
    assert drawn != [decides("lamas-2", 0.3, f"chatcmpl-{number}") for number in range(2000)]
    assert not any(decides("lamas-1", 0.0, f"chatcmpl-{number}") for number in range(2000))


async def test_a_candidate_decides_on_its_share(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = Registry(Warehouse.open(home / "warehouse.duckdb"))
    candidate, champion = (item.checkpoint_id for item in registry.checkpoints())
    options = (f"gateway.candidate={candidate}", "gateway.candidate_share=0.5")
    async with running(home, *options) as gateway:
        figures = (await gateway.client.get("/live/figures")).json()
        assert (figures["candidate"], figures["candidate_share"]) == (candidate, 0.5)
        named: dict[str, str] = {}
        for _ in range(12):
            answer = (await gateway.ask()).json()
            named[answer["id"]] = answer["system_fingerprint"]
            said = {"id": answer["id"], "score": 0.5}
            assert (await gateway.client.post("/v1/feedback", json=said)).status_code == 200
        assert named == {
            name: candidate if decides(candidate, 0.5, name) else champion for name in named
        }
        plain = await gateway.ask(model="simulated-gpt-4o-mini-like")
        assert plain.status_code == 200
    warehouse = gateway.warehouse()
    rows = warehouse.query("FROM trial_outcomes").to_dicts()
    assert {row["request_id"]: row["by_candidate"] for row in rows} == {
        name: who == candidate for name, who in named.items()
    }
    assert {row["score"] for row in rows} == {0.5}
    below = "FROM trials WHERE candidate_log_probability < 0 AND champion_log_probability < 0"
    assert warehouse.query(below).height == 12
    assert [result.name for result in warehouse.audit() if result.rows.height] == []
    assert run(["estimate", f"home={home}"]) == 0
    assert f"{candidate} beside {champion}: 12 requests" in capsys.readouterr().out


async def test_what_decides_is_taken_over_while_it_runs(home: Path) -> None:
    registry = Registry(Warehouse.open(home / "warehouse.duckdb"))
    other, champion = (item.checkpoint_id for item in registry.checkpoints())
    watching = ("gateway.candidate=latest", "gateway.champion_seconds=0.05")
    async with running(home, *watching) as gateway:
        deployed = gateway.opened.service.deployed
        assert (await gateway.ask(model="lamas:math")).status_code == 404
        assert (await gateway.ask(model="lamas:Math")).status_code == 404
        assert deployed.candidate() is None
        registry.reject(other, evidence={"reason": "a test"})
        registry.tag(other, "math", reason="a test")
        await soon(lambda: deployed.current("math") is not None)
        await soon(lambda: deployed.candidate() is not None)
        shadowed = (await gateway.ask()).json()
        tagged = (await gateway.ask(model="lamas:math")).json()
        assert (shadowed["system_fingerprint"], tagged["system_fingerprint"]) == (champion, other)
        listed = (await gateway.client.get("/v1/models")).json()["data"]
        assert {"lamas", "lamas:math", "lamas:math@fast"} <= {item["id"] for item in listed}
        assert (await gateway.ask(model="lamas:math@fast")).status_code == 400
        registry.promote(other, evidence={"reason": "a test"})
        await soon(lambda: deployed.candidate() is None)
        assert (await gateway.ask()).json()["system_fingerprint"] == other
    (trial,) = gateway.warehouse().query("FROM trials").to_dicts()
    assert trial["request_id"] == shadowed["id"]
    assert (trial["champion_id"], trial["candidate_id"]) == (champion, other)
    assert trial["candidate_share"] == 0.0


def test_a_tag_is_given_by_hand(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = Registry(Warehouse.open(home / "warehouse.duckdb"))
    other = registry.checkpoints()[0].checkpoint_id
    line = ["champion", "promote", other, f"home={home}", "--reason", "a test", "--tag"]
    assert run([*line, "math"]) == 0
    assert f"{other} decides under the tag math" in capsys.readouterr().out
    assert run([*line, "math"]) != 0
    assert run([*line, "Ma th"]) != 0
    assert run(["champion", "rollback", f"home={home}", "--tag", "math"]) != 0
    assert run(["estimate", f"home={home}"]) != 0
    assert "no candidate was tried" in capsys.readouterr().err
    assert run(["champion", "show", f"home={home}"]) == 0
    assert f"lamas:math  {other}" in capsys.readouterr().out
