"""What the options for small servers send fits their slots, whatever was answered before."""

import pytest

from flows.settings.compose import load_settings
from flows.wiring.operators import catalogue_of
from lamas.domain import Problem, TaskFamily
from lamas.operators import Candidate, SolutionState
from tests.execution.rollouts import ToyBenchmark
from tests.operators.chains import chain_for
from tests.scripted import Reply, ScriptedModel, ScriptedSandbox, problem_of, tool_result

LONG_QUESTION = 1_400
"""Characters: HumanEval's longest prompt has 1,360, GSM8K's longest question 985."""
LONGEST_PROMPT = 6_000
"""Characters that surely fit 2,048 tokens of English, code and numbers."""


class _OfFamily(ToyBenchmark):
    def __init__(self, family: TaskFamily) -> None:
        super().__init__()
        self._family: TaskFamily = family

    @property
    def family(self) -> TaskFamily:
        return self._family


def _flooded(family: TaskFamily) -> tuple[Problem, SolutionState]:
    problem = problem_of(family, "x " * (LONG_QUESTION // 2), public=("assert answer(1) == 2",) * 8)
    program = "def answer(x):\n    return x\n" + "# more\n" * 3_000
    candidates = tuple(Candidate(f"{program}{place}", "Generate") for place in range(12))
    return problem, SolutionState(candidates, candidates[-1])


@pytest.mark.slow
@pytest.mark.parametrize("option", ["small_model", "small_context"])
@pytest.mark.parametrize("family", ["math", "code"])
async def test_no_prompt_outgrows_a_slot(option: str, family: TaskFamily) -> None:
    settings = load_settings([f"operators={option}", "llm=simulated"])
    catalogue = catalogue_of(settings, _OfFamily(family))
    problem, state = _flooded(family)
    failure = tool_result(stderr="Traceback: no\n" * 5_000)
    reply = "```python\ndef solve():\n    return 1\n" + "# more\n" * 3_000 + "```"
    longest: dict[str, int] = {}
    for name in catalogue.for_family(family).names:
        model = ScriptedModel(lambda request: Reply(reply))
        sandbox = ScriptedSandbox([failure] * 9)
        await catalogue.operator(name).run(problem, state, chain_for(name, problem, model, sandbox))
        sizes = [sum(len(part.content) for part in item.messages) for item in model.requests]
        longest[name] = max(sizes, default=0)
    assert max(longest.values()) <= LONGEST_PROMPT, longest
    assert longest["SelfRefine"] > LONG_QUESTION
