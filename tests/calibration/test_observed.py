"""What is read from rollouts whose every text is known."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from lamas.benchmarks.benchmark import Score
from lamas.calibration import CallSeconds, Observations, Trial
from lamas.calibration.judge import Judge
from lamas.calibration.observed import observations
from lamas.domain import (
    ModelCall,
    OperatorInvocation,
    Problem,
    Rollout,
    TaskFamily,
    ToolExecution,
    Trace,
)
from lamas.llm.simulated import load_profile
from lamas.operators import Catalogue
from tests.factories import make_call, make_problem, make_rollout, make_tool
from tests.scripted import last_number, number_in

PROBLEM = make_problem(6)
RIGHT, WRONG, OTHER = "It is 12.", "It is 13.", "It is 99."


class Numbers:
    """A benchmark that reads the last number and counts how often it judges."""

    name = "sums"
    family: TaskFamily = "math"

    def __init__(self) -> None:
        self.judged: list[str] = []

    def load(self) -> tuple[Problem, ...]:
        return (PROBLEM,)

    async def extract(self, problem: Problem, text: str) -> str | None:
        return number_in(text)

    async def score(self, problem: Problem, answer: str) -> Score:
        self.judged.append(answer)
        found = number_in(answer)
        return Score(value=float(found == problem.reference), extracted=found)


def says(text: str, tokens: int = 10, *, stage: int = 0, branch: int = 0) -> ModelCall:
    return replace(make_call(tokens, stage=stage, branch=branch), response_text=text)


def ran(printed: str | None, *, stage: int) -> ToolExecution:
    """A program that printed something, or failed."""
    tool = make_tool(0.5, stage=stage)
    if printed is None:
        return replace(tool, stdout="", stderr="NameError", exit_code=1, status="error")
    return replace(tool, stdout=f"{printed}\n")


def invoked(
    layer: int,
    operator: str,
    candidates: Sequence[str],
    calls: Sequence[ModelCall] = (),
    tools: Sequence[ToolExecution] = (),
    *,
    position: int = 0,
) -> OperatorInvocation:
    template = make_rollout().trace.invocations[0]
    return replace(
        template,
        invocation_id=f"r/{layer}/{operator}",
        layer=layer,
        position=position,
        operator=operator,
        candidates=tuple(candidates),
        calls=tuple(calls),
        tools=tuple(tools),
    )


async def seen_in(
    *invocations: OperatorInvocation, sequential: bool = False, pace: float | None = 1.0
) -> Observations:
    made = make_rollout(problem_id=PROBLEM.problem_id)
    trace: Trace = replace(
        made.trace,
        invocations=invocations,
        execution_mode="sequential" if sequential else "parallel",
    )
    rollout: Rollout = replace(made, trace=trace)
    benchmark = Numbers()
    judge = Judge(benchmark, [PROBLEM])
    catalogue = Catalogue(read_answer=last_number)
    seen = await observations([rollout], judge, catalogue, load_profile(), seconds_per_second=pace)
    assert len(set(benchmark.judged)) == len(benchmark.judged), "a text was judged twice"
    return seen


def trial(operator: str, skill: str, right: bool) -> Trial:
    return Trial(problem_id=PROBLEM.problem_id, operator=operator, skill=skill, right=right)


async def test_every_sample_of_a_solver_is_a_trial_and_wrong_ones_are_kept() -> None:
    texts = [RIGHT, WRONG, WRONG]
    calls = [says(text, 10 + place, branch=place) for place, text in enumerate(texts)]
    seen = await seen_in(invoked(1, "MultiGenerateCoT", texts, calls))
    assert seen.trials == tuple(
        trial("MultiGenerateCoT", "skill", right) for right in (True, False, False)
    )
    assert [item.answer for item in seen.wrong_answers] == ["13", "13"]
    assert [item.tokens for item in seen.lengths] == [10, 11, 12]
    assert seen.problems[0].question_characters == len(PROBLEM.question)


async def test_an_answer_that_was_cut_is_a_length_and_no_trial() -> None:
    cut = replace(says("so we add", 1024), response_finish_reasons=("length",))
    seen = await seen_in(invoked(1, "Generate", ["so we add"], [cut]))
    assert seen.trials == ()
    assert [(item.tokens, item.cut) for item in seen.lengths] == [(1024, True)]


async def test_failed_attempts_and_replayed_calls_say_nothing_of_time() -> None:
    failed = make_call(error="HTTP 500")
    retried = replace(says(RIGHT), attempt=2)
    replayed = replace(says(RIGHT, branch=1), replayed=True)
    seen = await seen_in(
        invoked(1, "MultiGenerateCoT", [RIGHT, RIGHT], [failed, retried, replayed])
    )
    assert len(seen.lengths) == 2
    assert seen.call_seconds == (CallSeconds(tokens=10, seconds=1.0, first_token_seconds=0.5),)


@pytest.mark.parametrize("pace", [None, 0.5])
async def test_seconds_are_the_model_s(pace: float | None) -> None:
    seen = await seen_in(invoked(1, "Generate", [RIGHT], [says(RIGHT)]), pace=pace)
    expected = CallSeconds(tokens=10, seconds=2.0, first_token_seconds=1.0)
    assert seen.call_seconds == (() if pace is None else (expected,))


async def test_a_pick_is_seen_with_what_it_was_picked_from() -> None:
    solved = invoked(
        1,
        "MultiGenerateCoT",
        [RIGHT, WRONG, WRONG, OTHER],
        [says(text, branch=place) for place, text in enumerate([RIGHT, WRONG, WRONG, OTHER])],
    )
    seen = await seen_in(solved, invoked(2, "ScEnsemble", [WRONG], [says("B")]))
    assert [(item.margin, item.right) for item in seen.selections] == [((1 - 2) / 4, False)]


async def test_a_vote_and_a_pick_without_a_choice_say_nothing() -> None:
    pair = [says(RIGHT, branch=place) for place in range(2)]
    solved = invoked(1, "MultiGenerateCoT", [RIGHT, RIGHT], pair)
    voted = invoked(2, "ScEnsemble", [RIGHT])
    assert (await seen_in(solved, voted)).selections == ()
    picked = invoked(2, "ScEnsemble", [RIGHT], [says("A")])
    assert (await seen_in(solved, picked)).selections == ()


@pytest.mark.parametrize("before", [RIGHT, WRONG])
async def test_a_refinement_is_of_what_the_layer_before_left(before: str) -> None:
    solved = invoked(1, "Generate", [before], [says(before)])
    refined = invoked(2, "SelfRefine", [f"Now: {OTHER}"], [says(OTHER)])
    seen = await seen_in(solved, refined)
    skill = "skill_when_right" if before == RIGHT else "skill_when_wrong"
    assert seen.trials[1:] == (trial("SelfRefine", skill, False),)


@pytest.mark.parametrize("sequential", [False, True])
async def test_siblings_are_read_only_where_they_ran_before(sequential: bool) -> None:
    first = invoked(1, "Generate", [WRONG], [says(WRONG)])
    sibling = invoked(2, "GenerateCoT", [RIGHT], [says(RIGHT)])
    refined = invoked(2, "SelfRefine", [OTHER], [says(OTHER)], position=1)
    seen = await seen_in(first, sibling, refined, sequential=sequential)
    skill = "skill_when_right" if sequential else "skill_when_wrong"
    assert trial("SelfRefine", skill, False) in seen.trials


async def test_a_program_that_fails_is_written_again_and_its_value_stated() -> None:
    calls = [says("a", 50), says("b", 60, stage=2), says(WRONG, 7, stage=4)]
    tools = [ran(None, stage=1), ran("12", stage=3)]
    seen = await seen_in(invoked(1, "Programmer", [WRONG], calls, tools))
    assert [item.raised for item in seen.program_runs] == [True, False]
    assert seen.trials == (trial("Programmer", "skill", True),)
    assert [item.faithful for item in seen.statements] == [False]
    parts = [(item.part, item.tokens) for item in seen.lengths]
    assert parts == [("tokens", 50), ("tokens", 60), ("statement_tokens", 7)]
    assert seen.tool_seconds == (0.5, 0.5)


async def test_an_answer_after_nothing_but_failures_is_the_model_s_own() -> None:
    calls = [says("no program"), says("None", stage=1), says(RIGHT, stage=3)]
    seen = await seen_in(invoked(1, "Programmer", [RIGHT], calls, [ran("None", stage=2)]))
    assert [item.raised for item in seen.program_runs] == [True, True]
    assert seen.trials == (trial("Programmer", "skill", True),)
    assert seen.statements == ()


async def test_repairs_are_counted_by_attempt_until_one_is_right() -> None:
    solved = invoked(1, "Generate", [WRONG], [says(WRONG)])
    calls = [says(OTHER, stage=1), says(RIGHT, stage=3)]
    tools = [ran(None, stage=0), ran(None, stage=2), ran("", stage=4)]
    seen = await seen_in(solved, invoked(2, "Test", [RIGHT], calls, tools))
    assert seen.trials[1:] == (
        trial("Test", "skill_by_attempt.0", False),
        trial("Test", "skill_by_attempt.1", True),
    )
    assert seen.wrong_passed_public == (False,)


async def test_a_wrong_program_that_passes_the_public_tests_has_a_hidden_bug() -> None:
    solved = invoked(1, "Generate", [WRONG], [says(WRONG)])
    passing = invoked(2, "Test", [WRONG], [], [ran("", stage=0)])
    seen = await seen_in(solved, passing)
    assert seen.wrong_passed_public == (True,)
    assert seen.tool_seconds == (0.5,)
