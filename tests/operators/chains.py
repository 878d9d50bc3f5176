"""Running one operator outside any graph."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamas.domain import ModelCall, Problem, ToolExecution
from lamas.operators import (
    AnswerReader,
    Candidate,
    Catalogue,
    Chain,
    ChainScope,
    OperatorSettings,
    SolutionState,
)
from lamas.sandbox import Sandbox
from tests.scripted import ScriptedModel, ScriptedSandbox, last_number


@dataclass(frozen=True)
class Ran:
    candidates: tuple[str, ...]
    calls: tuple[ModelCall, ...]
    tools: tuple[ToolExecution, ...]


def state_of(*texts: str) -> SolutionState:
    candidates = tuple(Candidate(text, "Generate") for text in texts)
    return SolutionState(candidates, candidates[-1] if candidates else None)


def chain_for(
    operator: str, problem: Problem, model: ScriptedModel, sandbox: Sandbox | None = None
) -> Chain:
    scope = ChainScope(
        rollout_id="r1",
        problem_id=problem.problem_id,
        layer=2,
        operator=operator,
        seed=7,
        sample_index=3,
    )
    settings = OperatorSettings(max_tokens=100, temperature=0.5)
    return Chain(
        scope, model=model, sandbox=sandbox or ScriptedSandbox(), call=settings.call(operator)
    )


async def run_operator(
    name: str,
    problem: Problem,
    model: ScriptedModel,
    *,
    candidates: Sequence[str] = (),
    sandbox: Sandbox | None = None,
    settings: OperatorSettings | None = None,
    read_answer: AnswerReader = last_number,
) -> Ran:
    operator = Catalogue(read_answer=read_answer, settings=settings).operator(name)
    chain = chain_for(name, problem, model, sandbox)
    left = await operator.run(problem, state_of(*candidates), chain)
    return Ran(tuple(candidate.text for candidate in left), chain.calls, chain.tools)
