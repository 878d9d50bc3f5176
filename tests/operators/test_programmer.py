"""Programmer: its programs run for real; what it feeds back and when it stops."""

from collections.abc import AsyncIterator

import pytest

from lamas.errors import SandboxError
from lamas.llm import ChatRequest
from lamas.operators import OperatorSettings
from lamas.sandbox import ProcessSandbox, Sandbox
from tests.operators.chains import run_operator
from tests.scripted import Reply, ScriptedModel, ScriptedSandbox, problem_of, tool_result

GOOD = "```python\ndef solve():\n    return 6 * 7\n```"
BROKEN = "```python\ndef solve():\n    return 1 / 0\n```"


@pytest.fixture(name="sandbox", scope="module")
async def _sandbox() -> AsyncIterator[Sandbox]:
    async with ProcessSandbox() as sandbox:
        yield sandbox


def writing(*programs: str) -> ScriptedModel:
    replies = iter([*programs, "So it is \\boxed{42}"])
    return ScriptedModel(lambda request: Reply(next(replies)))


async def test_a_program_that_works_is_run_once_and_its_output_stated(sandbox: Sandbox) -> None:
    model = writing(GOOD)
    ran = await run_operator("Programmer", problem_of(), model, sandbox=sandbox)
    assert ran.candidates == ("So it is \\boxed{42}",)
    assert [tool.stdout.strip() for tool in ran.tools] == ["42"]
    assert [call.stage for call in ran.calls] == [0, 2]
    assert [tool.stage for tool in ran.tools] == [1]
    assert "It gave: 42" in model.shown("Programmer")[-1]


async def test_the_error_is_fed_back_until_it_works(sandbox: Sandbox) -> None:
    model = writing(BROKEN, "I cannot write code", GOOD)
    ran = await run_operator("Programmer", problem_of(), model, sandbox=sandbox)
    assert "ZeroDivisionError" in model.shown("Programmer")[1]
    assert "1 / 0" in model.shown("Programmer")[1]
    assert "no Python code block" in model.shown("Programmer")[2]
    assert len(ran.tools) == 2
    assert ran.candidates == ("So it is \\boxed{42}",)


async def test_when_every_try_fails_the_answer_is_stated_anyway(sandbox: Sandbox) -> None:
    model = writing(BROKEN, BROKEN, BROKEN)
    ran = await run_operator("Programmer", problem_of(), model, sandbox=sandbox)
    assert [tool.status for tool in ran.tools] == ["error"] * 3
    assert ran.candidates == ("So it is \\boxed{42}",)
    assert "ZeroDivisionError" in model.shown("Programmer")[-1]


async def test_a_program_without_a_fence_is_taken_out_of_the_prose(sandbox: Sandbox) -> None:
    model = writing("Here it is:\n\ndef solve():\n    return 6 * 7\n\nThis multiplies them.")
    ran = await run_operator("Programmer", problem_of(), model, sandbox=sandbox)
    assert [tool.stdout.strip() for tool in ran.tools] == ["42"]


async def test_a_syntax_error_is_fed_back(sandbox: Sandbox) -> None:
    model = writing("```python\ndef solve():\n    return 6 *\n```", GOOD)
    ran = await run_operator("Programmer", problem_of(), model, sandbox=sandbox)
    assert "SyntaxError" in model.shown("Programmer")[1]
    assert [tool.status for tool in ran.tools] == ["error", "ok"]


async def test_tries_are_configurable() -> None:
    model = writing(BROKEN)
    sandbox = ScriptedSandbox([tool_result(stderr="ZeroDivisionError")])
    ran = await run_operator(
        "Programmer", problem_of(), model, sandbox=sandbox, settings=OperatorSettings(tries=1)
    )
    assert (len(ran.tools), len(ran.calls)) == (1, 2)


async def test_a_limit_and_a_missing_result_are_told_to_the_model() -> None:
    model = writing(GOOD, GOOD, GOOD)
    sandbox = ScriptedSandbox(
        [tool_result(limits_hit=("wall_seconds",)), tool_result("None\n"), tool_result("42\n")]
    )
    await run_operator("Programmer", problem_of(), model, sandbox=sandbox)
    assert "wall_seconds limit" in model.shown("Programmer")[1]
    assert "returned None" in model.shown("Programmer")[2]


async def test_a_broken_sandbox_is_not_the_programs_fault() -> None:
    with pytest.raises(SandboxError):
        await run_operator("Programmer", problem_of(), writing(GOOD), sandbox=ScriptedSandbox())


@pytest.mark.slow
async def test_long_feedback_keeps_its_end() -> None:
    def script(request: ChatRequest) -> Reply:
        return Reply(GOOD)

    model = ScriptedModel(script)
    sandbox = ScriptedSandbox([tool_result(stderr="x" * 500 + "TypeError: end"), tool_result("1")])
    settings = OperatorSettings(feedback_characters=40)
    await run_operator("Programmer", problem_of(), model, sandbox=sandbox, settings=settings)
    assert "TypeError: end" in model.shown("Programmer")[1]
    assert "x" * 41 not in model.shown("Programmer")[1]
