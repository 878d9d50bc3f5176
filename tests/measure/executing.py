"""What the executor itself costs: microseconds per operator invocation with an instant model.

`python -m tests.measure.executing [rollouts] [concurrent]` prints one line.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from lamas.benchmarks.benchmark import Score
from lamas.domain import Layer, ModelCall, PlannedRollout, Problem, TaskFamily, ToolExecution
from lamas.errors import SandboxError
from lamas.execution.executor import GraphExecutor
from lamas.execution.fixed import FixedTopology, fixed_plan
from lamas.execution.runner import RolloutRunner
from lamas.llm import ChatRequest, ChatResult
from lamas.operators import Catalogue
from lamas.sandbox import SandboxLimits

_LAYERS = (
    Layer(("Generate", "GenerateCoT")),
    Layer(("Generate", "SelfRefine")),
    Layer(("ScEnsemble", "GenerateCoT", "SelfRefine")),
)
_PROBLEM = Problem(
    problem_id="bench/1/0",
    benchmark="bench",
    version="1",
    family="math",
    index=0,
    split="test",
    question="What is 6 times 7?",
    reference="42",
)


class _InstantModel:
    """Answers at once, the same every time."""

    async def complete(self, request: ChatRequest) -> ChatResult:
        attempt = ModelCall(
            call_id=request.sample_key,
            attempt=1,
            request_model="instant",
            request_temperature=request.temperature,
            request_max_tokens=request.max_tokens,
            request_seed=request.seed,
            request_messages=request.messages,
            response_text="42",
            usage_output_tokens=1,
            started_at=0.0,
            ended_at=0.0,
            status="ok",
        )
        return ChatResult(text="42", attempts=(attempt,))


class _NoSandbox:
    async def run(
        self, program: str, *, stdin: str = "", limits: SandboxLimits | None = None
    ) -> ToolExecution:
        raise SandboxError("the benchmark of the executor runs no programs")


class _InstantBenchmark:
    @property
    def name(self) -> str:
        return "bench"

    @property
    def family(self) -> TaskFamily:
        return "math"

    def load(self) -> tuple[Problem, ...]:
        return (_PROBLEM,)

    async def extract(self, problem: Problem, text: str) -> str | None:
        return text

    async def score(self, problem: Problem, answer: str) -> Score:
        return Score(value=1.0, extracted=answer)


@dataclass(frozen=True, slots=True)
class Overhead:
    """Microseconds per invocation."""

    wall: float
    processor: float
    """Processor time of this process: what a busy machine does not distort."""
    invocations: int


async def overhead(rollouts: int, concurrent: int) -> Overhead:
    """Run `rollouts` of eight invocations each, at most `concurrent` at once."""
    benchmark = _InstantBenchmark()
    catalogue = Catalogue(read_answer=benchmark.extract)
    executor = GraphExecutor(catalogue=catalogue, model=_InstantModel(), sandbox=_NoSandbox())
    runner = RolloutRunner(executor, benchmark)
    topology = FixedTopology(name="bench", layers=lambda operators: _LAYERS)
    operators = catalogue.for_family("math")
    plans = [
        fixed_plan(topology, _PROBLEM, operators, run_id="bench", seed=1, sample_index=index)
        for index in range(rollouts)
    ]
    slots = count()
    done = 0

    async def work() -> None:
        nonlocal done
        while (slot := next(slots)) < len(plans):
            ran = await _invocations_of(runner, plans[slot])
            done += ran

    wall, processor = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(concurrent):
            group.create_task(work())
    each = 1e6 / done
    return Overhead(
        (time.perf_counter() - wall) * each, (time.process_time() - processor) * each, done
    )


async def _invocations_of(runner: RolloutRunner, plan: PlannedRollout) -> int:
    rollout = await runner.run(plan, _PROBLEM)
    if rollout.status != "ok":
        raise SandboxError(f"a rollout of the benchmark failed: {rollout.error}")
    return len(rollout.trace.invocations)


def main(arguments: Sequence[str]) -> None:
    rollouts = int(arguments[0]) if arguments else 1000
    concurrent = int(arguments[1]) if len(arguments) > 1 else 64
    measured = asyncio.run(overhead(rollouts, concurrent))
    print(
        f"{measured.wall:.0f} µs per invocation, {measured.processor:.0f} µs of processor time "
        f"({measured.invocations} invocations, {concurrent} rollouts at once)"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
