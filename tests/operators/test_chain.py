"""What a chain records, sends, and how its branches fail and stop."""

import asyncio
from dataclasses import replace

import pytest

from lamas.domain import ChatMessage, derive_seed
from lamas.errors import BudgetExceededError, ModelUnreachableError, OperatorError
from lamas.llm import ChatRequest
from lamas.operators import Chain
from tests.operators.chains import chain_for
from tests.scripted import (
    Reply,
    ScriptedModel,
    ScriptedSandbox,
    attempt_of,
    problem_of,
    tool_result,
)

PROBLEM = problem_of()
QUESTION = ChatMessage(role="user", content=PROBLEM.question)


def echo(request: ChatRequest) -> Reply:
    return Reply(f"{request.labels['stage']}.{request.labels['branch']}")


async def ask(chain: Chain) -> str:
    return await chain.complete([QUESTION])


async def test_calls_and_tools_in_a_row_are_stages_of_one_branch() -> None:
    sandbox = ScriptedSandbox([tool_result("1"), tool_result("2")])
    chain = chain_for("Programmer", PROBLEM, ScriptedModel(echo), sandbox)
    assert await ask(chain) == "0.0"
    await chain.run_program("print(1)")
    assert await ask(chain) == "2.0"
    assert (await chain.run_program("print(2)")).stdout == "2"
    assert [(call.stage, call.branch) for call in chain.calls] == [(0, 0), (2, 0)]
    assert [(tool.stage, tool.branch) for tool in chain.tools] == [(1, 0), (3, 0)]
    assert [tool.tool_execution_id for tool in chain.tools] == [
        "r1/2/Programmer/1.0",
        "r1/2/Programmer/3.0",
    ]


async def test_a_parallel_stage_records_its_branches_in_order_whoever_ends_first() -> None:
    model = ScriptedModel(
        lambda request: replace(echo(request), seconds=0.02 / (1 + int(request.labels["branch"])))
    )
    chain = chain_for("MultiGenerateCoT", PROBLEM, model)

    async def twice(branch: Chain) -> str:
        return f"{await ask(branch)} {await ask(branch)}"

    assert await ask(chain) == "0.0"
    assert await chain.parallel([ask, twice, ask]) == ("1.0", "1.1 1.1", "1.2")
    assert await ask(chain) == "2.0"
    assert model.most_at_once == 3
    assert [(call.stage, call.branch) for call in chain.calls] == [
        (0, 0),
        (1, 0),
        (1, 1),
        (1, 1),
        (1, 2),
        (2, 0),
    ]


async def test_requests_carry_the_slot_as_key_seed_and_labels() -> None:
    model = ScriptedModel(echo)
    chain = chain_for("MultiGenerateCoT", PROBLEM, model)

    async def twice(branch: Chain) -> str:
        await ask(branch)
        return await ask(branch)

    await chain.parallel([twice, twice])
    keys = sorted(request.sample_key for request in model.requests)
    assert keys == [f"r1/2/MultiGenerateCoT/{slot}" for slot in ("0.0", "0.0.1", "0.1", "0.1.1")]
    assert len({request.seed for request in model.requests}) == 4
    first = model.requests[0]
    assert first.seed == derive_seed(7, PROBLEM.problem_id, 3, 2, "MultiGenerateCoT", 0, 0)
    assert dict(first.labels) == {
        "operator": "MultiGenerateCoT",
        "problem_id": PROBLEM.problem_id,
        "layer": "2",
        "stage": "0",
        "branch": "0",
        "branches": "2",
        "sample": "3",
    }
    assert (first.max_tokens, first.temperature) == (100, 0.5)


async def test_a_call_may_set_its_own_limits() -> None:
    model = ScriptedModel(echo)
    await chain_for("Generate", PROBLEM, model).complete([QUESTION], max_tokens=3, temperature=0.0)
    assert (model.requests[0].max_tokens, model.requests[0].temperature) == (3, 0.0)


async def test_branches_finish_before_the_first_failure_is_raised() -> None:
    failures = {"1": ModelUnreachableError("first"), "2": OperatorError("second")}
    model = ScriptedModel(
        lambda request: failures.get(request.labels["branch"], Reply("fine", seconds=0.01))
    )
    chain = chain_for("MultiGenerateCoT", PROBLEM, model)
    with pytest.raises(ModelUnreachableError, match="first"):
        await chain.parallel([ask, ask, ask, ask])
    assert [call.branch for call in chain.calls] == [0, 3]


async def test_a_reached_budget_is_raised_before_any_other_failure() -> None:
    failures = {"0": ModelUnreachableError("down"), "1": BudgetExceededError("cap")}
    model = ScriptedModel(lambda request: failures[request.labels["branch"]])
    with pytest.raises(BudgetExceededError, match="cap"):
        await chain_for("MultiGenerateCoT", PROBLEM, model).parallel([ask, ask])


async def test_the_attempts_of_a_failed_call_are_recorded() -> None:
    def refuse(request: ChatRequest) -> Exception:
        error = ModelUnreachableError("503 twice")
        error.attempts = tuple(
            replace(attempt_of(request, Reply("")), attempt=number, status="error", error="503")
            for number in (1, 2)
        )
        return error

    chain = chain_for("Generate", PROBLEM, ScriptedModel(refuse))
    with pytest.raises(ModelUnreachableError):
        await ask(chain)
    assert [(call.attempt, call.status) for call in chain.calls] == [(1, "error"), (2, "error")]


async def test_a_branch_cannot_branch_again() -> None:
    async def nested(branch: Chain) -> str:
        return "".join(await branch.parallel([ask]))

    with pytest.raises(OperatorError, match="cannot branch again"):
        await chain_for("Generate", PROBLEM, ScriptedModel(echo)).parallel([nested])


@pytest.mark.slow
async def test_cancelling_a_parallel_stage_leaves_no_call_running() -> None:
    model = ScriptedModel(lambda request: Reply("late", seconds=60))
    before = asyncio.all_tasks()
    task = asyncio.create_task(
        chain_for("MultiGenerateCoT", PROBLEM, model).parallel([ask, ask, ask])
    )
    await model.until_running(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.running == 0
    assert asyncio.all_tasks() == before
