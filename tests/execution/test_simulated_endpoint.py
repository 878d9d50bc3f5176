"""Rollouts over real HTTP and a real sandbox, against the simulated endpoint."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest

from lamas.answers.program import canonical_code
from lamas.benchmarks import program_of
from lamas.benchmarks.benchmark import Score
from lamas.domain import CodeTests, PlannedRollout, Problem, Rollout, TaskFamily
from lamas.execution import GraphExecutor, RolloutRunner, fixed_plan, fixed_topology
from lamas.llm import EndpointSettings, OpenAIChatModel, Price
from lamas.llm.simulated import SimulatedServer
from lamas.operators import AnswerReader, Catalogue
from lamas.sandbox import ModelledToolTime, ProcessSandbox, Sandbox
from lamas.timing import cp_tokens
from tests.scripted import last_number
from tests.timing.agreement import check

pytestmark = pytest.mark.slow

SUMS = [
    Problem(
        problem_id=f"sums/1/{index}",
        benchmark="sums",
        version="1",
        family="math",
        index=index,
        split="test",
        question=f"A shop sells {index} boxes and then 1000 more. How many is that?",
        reference=str(1000 + index),
    )
    for index in range(6)
]
PROGRAMS = [
    Problem(
        problem_id=f"programs/1/{index}",
        benchmark="programs",
        version="1",
        family="code",
        index=index,
        split="test",
        question=f'def add_{index}(x):\n    """Add {index} to x."""\n',
        reference=f"def add_{index}(x):\n    return x + {index}\n",
        tests=CodeTests(
            entry_point=f"add_{index}", public=(f"assert add_{index}(1) == {index + 1}",), hidden=""
        ),
    )
    for index in range(6)
]


@dataclass
class Judge:
    """A benchmark that compares numbers, or runs the public tests."""

    family: TaskFamily
    reader: AnswerReader
    sandbox: Sandbox
    name: str = "judge"

    async def extract(self, problem: Problem, text: str) -> str | None:
        return await self.reader(problem, text)

    def load(self) -> tuple[Problem, ...]:
        return tuple(SUMS)

    async def score(self, problem: Problem, answer: str) -> Score:
        found = await self.reader(problem, answer)
        if problem.tests is None:
            return Score(value=float(found == problem.reference), extracted=found)
        program = "\n".join([program_of(problem, answer) or "", *problem.tests.public])
        execution = await self.sandbox.run(program)
        return Score(value=float(execution.status == "ok"), extracted=found)


@pytest.fixture(name="sandbox", scope="module")
async def _sandbox() -> AsyncIterator[Sandbox]:
    tool_time = ModelledToolTime(seed=1, median_seconds=0.2, sigma=0.5)
    async with ProcessSandbox(tool_time=tool_time) as sandbox:
        yield sandbox


def reached(server: SimulatedServer) -> EndpointSettings:
    return EndpointSettings(
        base_url=server.base_url, api_key=server.api_key, model=server.model, annotate=True
    )


@pytest.fixture(name="endpoint", scope="module")
async def _endpoint() -> AsyncIterator[EndpointSettings]:
    async with SimulatedServer(problems=[*SUMS, *PROGRAMS]) as server:
        yield reached(server)


async def read_code(problem: Problem, text: str) -> str | None:
    return canonical_code(text)


async def run_all(
    endpoint: EndpointSettings,
    sandbox: Sandbox,
    name: str,
    problems: Sequence[Problem],
    *,
    concurrency: int,
) -> list[Rollout]:
    """One rollout of a fixed graph for each problem, at most `concurrency` at once."""
    family = problems[0].family
    reader: AnswerReader = read_code if family == "code" else last_number
    judge = Judge(family, reader, sandbox)
    topology = fixed_topology(name)
    slots = asyncio.Semaphore(concurrency)
    async with OpenAIChatModel(endpoint, price=Price(input=0.15, output=0.6)) as model:
        catalogue = Catalogue(read_answer=reader)
        executor = GraphExecutor(catalogue=catalogue, model=model, sandbox=sandbox)
        runner = RolloutRunner(executor, judge)
        operators = executor.catalogue.for_family(family)

        async def run_one(plan: PlannedRollout, problem: Problem) -> Rollout:
            async with slots:
                return await runner.run(plan, problem)

        plans = [
            (fixed_plan(topology, problem, operators, run_id=name, seed=5), problem)
            for problem in problems
        ]
        return list(await asyncio.gather(*(run_one(*pair) for pair in plans)))


def what_is_reproducible(rollout: Rollout) -> tuple[object, ...]:
    return (
        rollout.rollout_id,
        rollout.answer,
        rollout.score,
        rollout.cost_usd,
        rollout.cp_tokens,
        [(item.operator, item.candidates, item.cp_tokens) for item in rollout.trace.invocations],
    )


@pytest.mark.parametrize("name", ["everything", "cot5_sc"])
async def test_figures_agree_with_records_and_do_not_depend_on_concurrency(
    endpoint: EndpointSettings, sandbox: Sandbox, name: str
) -> None:
    in_turn = await run_all(endpoint, sandbox, name, SUMS[:3], concurrency=1)
    together = await run_all(endpoint, sandbox, name, SUMS[:3], concurrency=3)
    for rollout in in_turn + together:
        assert rollout.status == "ok", rollout.error
        check(rollout)
        assert rollout.cost_usd > 0.0
    assert [*map(what_is_reproducible, in_turn)] == [*map(what_is_reproducible, together)]


async def test_the_programs_of_a_simulated_programmer_run_and_their_output_is_stated(
    endpoint: EndpointSettings, sandbox: Sandbox
) -> None:
    rollouts = await run_all(endpoint, sandbox, "programmer", SUMS, concurrency=6)
    for rollout in rollouts:
        check(rollout)
        (programmer,) = rollout.trace.invocations
        assert len(programmer.calls) == len(programmer.tools) + 1
        assert programmer.tool_seconds > 0.0
    agreeing = [
        rollout.extracted_answer == rollout.trace.invocations[0].tools[-1].stdout.strip()
        for rollout in rollouts
    ]
    assert sum(agreeing) >= 4


async def test_public_tests_run_against_simulated_programs(
    endpoint: EndpointSettings, sandbox: Sandbox
) -> None:
    rollouts = await run_all(endpoint, sandbox, "generate_test", PROGRAMS, concurrency=6)
    for rollout in rollouts:
        assert rollout.status == "ok", rollout.error
        check(rollout)
        _, test, *_ = rollout.trace.invocations
        assert test.tools
        assert len(test.calls) in (len(test.tools), len(test.tools) - 1)
    assert sum(rollout.score or 0.0 for rollout in rollouts) >= 3


async def test_parallel_chains_take_as_long_as_the_longest(sandbox: Sandbox) -> None:
    async with SimulatedServer(problems=SUMS, time_scale=0.1) as server:
        endpoint = reached(server)
        (rollout,) = await run_all(endpoint, sandbox, "cot5_sc", SUMS[:1], concurrency=1)
    calls = rollout.trace.invocations[0].calls
    assert len(calls) == 5
    longest, total = max(call.seconds for call in calls), sum(call.seconds for call in calls)
    assert longest <= rollout.trace.invocations[0].seconds < 0.7 * total
    assert rollout.trace.invocations[0].output_tokens == max(
        call.usage_output_tokens for call in calls
    )
    assert cp_tokens(rollout.trace) == rollout.cp_tokens
