"""What people asked becomes the problems of the next run, and another version of them later."""

from pathlib import Path

import pytest

from flows.prepare import store_problems
from flows.run.opening import session
from flows.run.traffic import renew_questions
from flows.settings.compose import load_settings
from lamas.errors import WarehouseError
from tests.flows.conftest import TINY
from tests.flows.gateway.conftest import running
from warehouse import Registry
from warehouse.traffic import asked_and_trained


async def ask(home: Path, first: int, count: int) -> None:
    """Sums, each with its right answer."""
    async with running(home) as gateway:
        for number in range(first, first + count):
            question = [{"role": "user", "content": f"What is {number} + {number}?"}]
            answer = (await gateway.ask(messages=question)).json()
            said = {"id": answer["id"], "reference": str(2 * number)}
            assert (await gateway.client.post("/v1/feedback", json=said)).status_code == 200


@pytest.mark.slow
async def test_a_run_that_begins_takes_up_what_was_asked(home: Path) -> None:
    line = [*TINY, "benchmark=traffic", f"home={home}"]
    settings = load_settings(line)
    heard: list[str] = []
    with pytest.raises(WarehouseError, match="nobody has said the right answer"):
        renew_questions("retrain", settings, heard.append)
    versions: list[str] = []
    for first, count, known in ((10, 3, 3), (50, 2, 5)):
        await ask(home, first, count)
        renew_questions("prepare", settings, heard.append)
        assert heard[-1].startswith(f"{known} questions of gateways")
        async with session("prepare", line) as current:
            problems = store_problems(current)
            versions.append(problems[0].version)
            assert {item.reference for item in problems} >= {str(2 * first)}
            assert len(problems) == known
    assert len(set(versions)) == 2
    renew_questions("evaluate", settings, heard.append)
    assert len(heard) == 2
    async with session("prepare", [*TINY, f"home={home}"]) as current:
        champion = Registry(current.warehouse).champion()
        assert champion is not None
        asked, trained = asked_and_trained(
            current.warehouse, champion.checkpoint_id, requests=4, encoder="float32"
        )
        assert (len(asked), trained) == (4, ())
        assert current.reader.embeddings(asked).shape == (4, 384)
