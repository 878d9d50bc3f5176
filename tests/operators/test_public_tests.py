"""Test: public tests run for real against the current program."""

from collections.abc import AsyncIterator

import pytest

from lamas.sandbox import ProcessSandbox, Sandbox
from tests.operators.chains import run_operator
from tests.scripted import Reply, ScriptedModel, ScriptedSandbox, problem_of

QUESTION = 'def answer(x):\n    """The square of x."""\n'
TESTS = ("assert answer(2) == 4", "assert answer(3) == 9")
GOOD = "```python\ndef answer(x):\n    return x * x\n```"
WRONG = "Here:\n```python\ndef answer(x):\n    return x + x\n```"


@pytest.fixture(name="sandbox", scope="module")
async def _sandbox() -> AsyncIterator[Sandbox]:
    async with ProcessSandbox() as sandbox:
        yield sandbox


async def test_a_program_that_passes_is_left_again_without_a_call(sandbox: Sandbox) -> None:
    model = ScriptedModel(lambda request: Reply(WRONG))
    ran = await run_operator(
        "Test",
        problem_of("code", QUESTION, public=TESTS),
        model,
        candidates=[WRONG, GOOD],
        sandbox=sandbox,
    )
    assert (ran.candidates, len(ran.tools), model.requests) == ((GOOD,), 1, [])


async def test_the_failing_test_is_fed_back_and_the_repair_tested(sandbox: Sandbox) -> None:
    model = ScriptedModel(lambda request: Reply(GOOD))
    ran = await run_operator(
        "Test",
        problem_of("code", QUESTION, public=TESTS),
        model,
        candidates=[WRONG],
        sandbox=sandbox,
    )
    assert ran.candidates == (GOOD,)
    assert [tool.status for tool in ran.tools] == ["error", "ok"]
    (prompt,) = model.shown("Test")
    assert "x + x" in prompt
    assert "AssertionError" in prompt
    assert TESTS[1] in prompt


async def test_after_the_last_try_the_last_repair_is_left(sandbox: Sandbox) -> None:
    replies = iter(["no code", WRONG, WRONG + " again"])
    model = ScriptedModel(lambda request: Reply(next(replies)))
    ran = await run_operator(
        "Test",
        problem_of("code", QUESTION, public=TESTS),
        model,
        candidates=[WRONG],
        sandbox=sandbox,
    )
    assert ran.candidates == (WRONG + " again",)
    assert len(ran.tools) == 2
    assert "no program that defines" in model.shown("Test")[1]


@pytest.mark.slow
async def test_without_public_tests_one_review_takes_their_place() -> None:
    model = ScriptedModel(lambda request: Reply(GOOD))
    ran = await run_operator(
        "Test", problem_of("code", QUESTION), model, candidates=[WRONG], sandbox=ScriptedSandbox()
    )
    assert (ran.candidates, len(model.requests)) == ((GOOD,), 1)
    assert "x + x" in model.shown("Test")[0]
