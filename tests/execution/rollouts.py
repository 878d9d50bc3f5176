"""Planning and running rollouts with scripted models."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from lamas.benchmarks.benchmark import Score
from lamas.domain import (
    Clock,
    ExecutionGraph,
    ExecutionMode,
    Layer,
    PlannedRollout,
    Problem,
    TaskFamily,
    derive_seed,
)
from lamas.execution import GraphExecutor
from lamas.llm import ChatRequest
from lamas.operators import Catalogue, OperatorSettings
from tests.scripted import (
    Reply,
    ScriptedModel,
    ScriptedSandbox,
    last_number,
    number_in,
    problem_of,
    tool_result,
)

CATALOGUE = Catalogue(read_answer=last_number)
OPERATORS = CATALOGUE.for_family("math")
PROBLEM = problem_of()


class ToyBenchmark:
    """Knows one right answer: 42."""

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure

    @property
    def name(self) -> str:
        return "toy"

    @property
    def family(self) -> TaskFamily:
        return "math"

    def load(self) -> tuple[Problem, ...]:
        return (PROBLEM,)

    async def extract(self, problem: Problem, text: str) -> str | None:
        return number_in(text)

    async def score(self, problem: Problem, answer: str) -> Score:
        await asyncio.sleep(0)
        if self._failure is not None:
            raise self._failure
        found = number_in(answer)
        return Score(value=float(found == problem.reference), extracted=found)


def plan_of(
    layers: Sequence[Sequence[str] | Layer],
    *,
    mode: ExecutionMode = "parallel",
    rollout_id: str = "r",
    seed: int = 1,
    problem: Problem = PROBLEM,
) -> PlannedRollout:
    return PlannedRollout(
        rollout_id=rollout_id,
        run_id="run",
        problem_id=problem.problem_id,
        checkpoint_id=None,
        policy="test",
        purpose="evaluate",
        mode="fixed",
        execution_mode=mode,
        step=0,
        sample_index=0,
        seed=seed,
        graph=ExecutionGraph.of(layers, CATALOGUE.for_family(problem.family)),
        decisions=(),
    )


def executor_for(
    model: ScriptedModel, *, clock: Clock | None = None, settings: OperatorSettings | None = None
) -> GraphExecutor:
    return GraphExecutor(
        catalogue=Catalogue(read_answer=last_number, settings=settings),
        model=model,
        sandbox=ScriptedSandbox([tool_result("42")] * 1000),
        clock=clock,
    )


def signed(salt: int) -> Callable[[ChatRequest], Reply]:
    """Replies that name their slot and whose length and delay follow from slot and salt.

    Delays are multiples of 1/64 s, so that sums of them are exact.
    """

    def script(request: ChatRequest) -> Reply:
        drawn = derive_seed(salt, request.sample_key)
        if request.labels["operator"] == "Programmer" and request.labels["stage"] == "0":
            text = "```python\ndef solve():\n    return 42\n```"
        else:
            text = f"<{request.sample_key}> {derive_seed(request.sample_key) % 4}"
        return Reply(text, tokens=drawn % 50, seconds=drawn % 64 / 64, cost_usd=drawn % 7 / 1000)

    return script


@st.composite
def graphs(draw: st.DrawFn) -> tuple[tuple[str, ...], ...]:
    """Legal layers over the operators of family math."""
    layers: list[tuple[str, ...]] = []
    candidates = 0
    for _ in range(draw(st.integers(1, 4))):
        pairs = zip(OPERATORS.names, OPERATORS.legal(candidates), strict=True)
        legal = [name for name, allowed in pairs if allowed]
        names = tuple(draw(st.lists(st.sampled_from(legal), min_size=1, max_size=4, unique=True)))
        layers.append(names)
        candidates = OPERATORS.candidates_after(candidates, names)
        if OPERATORS.stops_after(names):
            break
    return tuple(layers)


def model_in(salt: int, clock: Clock | None = None) -> ScriptedModel:
    """A signing model; without a (virtual) clock it answers at once."""
    script = signed(salt)
    if clock is None:
        return ScriptedModel(lambda request: replace(script(request), seconds=0.0))
    return ScriptedModel(script, clock)
