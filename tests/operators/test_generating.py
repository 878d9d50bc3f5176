"""Generate, GenerateCoT, MultiGenerateCoT, SelfRefine and EarlyStop."""

import pytest

from lamas.errors import OperatorError
from lamas.llm import ChatRequest
from lamas.operators import OperatorSettings
from lamas.timing import longest_chain
from tests.operators.chains import run_operator
from tests.scripted import Reply, ScriptedModel, problem_of


@pytest.mark.parametrize("name", ["Generate", "GenerateCoT", "GenerateDraft"])
async def test_one_call_leaves_one_candidate(name: str) -> None:
    model = ScriptedModel(lambda request: Reply("42"))
    ran = await run_operator(name, problem_of(), model)
    assert ran.candidates == ("42",)
    assert "What is 6 times 7?" in model.shown(name)[0]
    assert "\\boxed{}" in model.shown(name)[0]


async def test_an_empty_answer_is_a_candidate_all_the_same() -> None:
    ran = await run_operator("Generate", problem_of(), ScriptedModel(lambda request: Reply("")))
    assert ran.candidates == ("",)


@pytest.mark.parametrize("samples", [3, 5])
async def test_parallel_chains_have_own_seeds_and_cost_the_longest(samples: int) -> None:
    tokens = [90, 300, 150, 20, 10]

    def script(request: ChatRequest) -> Reply:
        branch = int(request.labels["branch"])
        return Reply(f"answer {branch}", tokens=tokens[branch], seconds=0.001)

    model = ScriptedModel(script)
    settings = OperatorSettings(samples=samples)
    ran = await run_operator("MultiGenerateCoT", problem_of(), model, settings=settings)
    assert ran.candidates == tuple(f"answer {branch}" for branch in range(samples))
    assert len({request.seed for request in model.requests}) == samples
    assert model.most_at_once == samples
    assert longest_chain(ran.calls, ran.tools, 50.0).output_tokens == 300


async def test_self_refine_shows_the_current_solution_and_adds_one() -> None:
    model = ScriptedModel(lambda request: Reply("better"))
    ran = await run_operator("SelfRefine", problem_of(), model, candidates=["old", "current one"])
    assert ran.candidates == ("better",)
    assert "current one" in model.shown("SelfRefine")[0]
    assert "old" not in model.shown("SelfRefine")[0]


async def test_self_refine_keeps_the_end_of_a_long_solution() -> None:
    model = ScriptedModel(lambda request: Reply("better"))
    settings = OperatorSettings(shown_characters=20)
    solution = "x" * 100 + "so it is 42"
    await run_operator("SelfRefine", problem_of(), model, candidates=[solution], settings=settings)
    assert "so it is 42" in model.shown("SelfRefine")[0]
    assert "x" * 20 not in model.shown("SelfRefine")[0]


async def test_self_refine_without_a_solution_is_an_operator_error() -> None:
    with pytest.raises(OperatorError, match="SelfRefine needs 1 candidates"):
        await run_operator("SelfRefine", problem_of(), ScriptedModel(lambda request: Reply("")))


@pytest.mark.slow
async def test_early_stop_calls_nothing_and_leaves_nothing() -> None:
    model = ScriptedModel(lambda request: Reply("never"))
    ran = await run_operator("EarlyStop", problem_of(), model, candidates=["42"])
    assert (ran.candidates, model.requests) == ((), [])
