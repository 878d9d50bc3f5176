"""Answers that nobody said anything of, judged by the real command, become problems to learn."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import Finished
from tests.flows.conftest import TINY
from tests.flows.gateway.conftest import running
from tests.integration.conftest import QUIET
from warehouse import Registry, Warehouse

pytestmark = pytest.mark.slow

ASKED = 6
Run = Callable[..., Finished]


async def ask(home: Path) -> None:
    """Sums; of the last somebody says what is right."""
    async with running(home) as gateway:
        answered: list[str] = []
        for number in range(ASKED):
            question = {"role": "user", "content": f"What is {10 + number} + {3 * number}?"}
            answer = await gateway.ask(messages=[question])
            assert answer.status_code == 200, answer.text
            answered.append(str(answer.json()["id"]))
        said = {"id": answered[-1], "reference": "25"}
        assert (await gateway.client.post("/v1/feedback", json=said)).status_code == 200


def test_what_a_judge_agrees_on_is_learned_from(home: Path, lamas: Run) -> None:
    given = (*TINY, *QUIET, f"home={home}")
    line = (*given, "benchmark=traffic", "judge.operators=[Generate,GenerateCoT]")
    begun = lamas("prepare", *given)
    assert begun.code == 0, begun.stderr
    started = lamas("collect", *given)
    assert started.code == 0, started.stderr
    warehouse = Warehouse.open(home / "warehouse.duckdb")
    registry = Registry(warehouse)
    registry.promote(registry.checkpoints()[-1].checkpoint_id, evidence={"reason": "a test"})
    asyncio.run(ask(home))

    capped = lamas("judge", *line, "llm.max_calls=7")
    assert capped.code != 0
    finished = lamas("judge", *line)
    assert finished.code == 0, finished.stderr
    assert "(taken up again)" in finished.stderr
    assert f"judge: {ASKED - 1} questions:" in finished.stderr
    judged = warehouse.query(
        "SELECT count(*), count(DISTINCT problem_id), max(cost_usd) > 0 FROM rollouts "
        "WHERE policy = 'judge' AND status = 'ok'"
    )
    assert judged.rows() == [((ASKED - 1) * 2 * 3, ASKED - 1, True)]
    opinions = warehouse.query(
        "SELECT f.score, f.reference, bool_or(extracted_answer = f.reference) "
        "FROM feedback AS f JOIN rollouts ON problem_id = 'judged/' || f.request_id "
        "WHERE f.client LIKE 'judge:%' GROUP BY f.feedback_id, f.score, f.reference"
    )
    assert 0 < opinions.height <= ASKED - 1
    assert all(agreed for _, _, agreed in opinions.rows())
    assert [result.name for result in warehouse.audit() if result.rows.height] == []

    again = lamas("judge", *line)
    assert again.code == 0, again.stderr
    assert "or it was judged before" in again.stderr
    learned = lamas("prepare", *given, "benchmark=traffic")
    assert learned.code == 0, learned.stderr
    problems = "SELECT count(*) FROM problems WHERE benchmark = 'traffic'"
    assert warehouse.query(problems).item() == opinions.height + 1


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (("benchmark.size=20",), "add benchmark=traffic"),
        (("benchmark=traffic", "benchmark.family=code"), "can only be tested"),
        (("benchmark=traffic", "recording.texts=hash"), "keeps no question to judge"),
        (("benchmark=traffic", "judge.samples=1"), "agreement=2 of 1 answers"),
        (("benchmark=traffic", "judge.operators=[ScEnsemble]"), "ScEnsemble"),
        (("benchmark=traffic", "judge.operators=[Guess]"), "Guess"),
        (("benchmark=traffic",), "no warehouse"),
    ],
)
def test_what_cannot_be_judged_is_said_before_anything_starts(
    home: Path, lamas: Run, overrides: tuple[str, ...], sentence: str
) -> None:
    finished = lamas("judge", "llm=simulated", *overrides, f"home={home}")
    assert finished.code != 0
    assert sentence in finished.stderr.splitlines()[-1]
    assert not (home / "warehouse.duckdb").exists()
