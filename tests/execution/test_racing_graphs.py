"""Fixed graphs with a quorum, of several models, and those that look after each layer."""

from collections import Counter

import pytest

from lamas.domain import Rollout
from lamas.errors import OperatorError
from lamas.execution import RolloutRunner, fixed_plan, fixed_topology
from lamas.llm import ChatRequest
from lamas.operators import Catalogue
from tests.execution.rollouts import OPERATORS, PROBLEM, ToyBenchmark, executor_for
from tests.scripted import Reply, ScriptedModel, last_number


async def test_a_cascade_goes_on_only_without_agreement() -> None:
    async def run(texts: dict[str, str]) -> Rollout:
        def script(request: ChatRequest) -> Reply:
            return Reply(texts[request.labels["operator"]])

        executor = executor_for(ScriptedModel(script))
        plan = fixed_plan(fixed_topology("cascade"), PROBLEM, OPERATORS, run_id="run", seed=1)
        return await RolloutRunner(executor, ToyBenchmark()).run(plan, PROBLEM)

    agreed = await run({"Generate": "42", "GenerateCoT": "42"})
    assert agreed.plan.graph.names == (("Generate", "GenerateCoT"),)
    (seen,) = agreed.observed
    assert (seen.layer, seen.candidates, seen.agreeing, seen.stopped) == (1, 2, 2, True)

    parted = await run({"Generate": "1", "GenerateCoT": "42", "MultiGenerateCoT": "42"})
    assert parted.plan.graph.names == (("Generate", "GenerateCoT"), ("MultiGenerateCoT",))
    assert [(item.agreeing, item.stopped) for item in parted.observed] == [(1, False), (4, True)]
    assert Counter(item.layer for item in parted.plan.decisions) == {1: 2, 2: 1}
    assert parted.observed[0].cp_tokens == 10.0
    assert parted.answer == "42"


def test_names_of_races_say_width_and_quorum() -> None:
    def shape(name: str) -> str:
        return str(fixed_topology(name).graph(OPERATORS))

    assert shape("race") == "MultiGenerateCoT ×3 q2"
    assert shape("race8_q2") == "MultiGenerateCoT ×8 q2"
    assert shape("race12") == "MultiGenerateCoT ×12"
    assert shape("cot5_sc_q3") == "MultiGenerateCoT ×5 q3 → ScEnsemble"
    assert fixed_topology("cascade_q3").until == 3
    with pytest.raises(OperatorError, match="no two models answer step by step"):
        shape("models_q2")


def test_models_side_by_side_are_those_that_answer_step_by_step() -> None:
    names = ["Generate", *(f"GenerateCoT@{name}" for name in ("a", "b", "c"))]
    catalogue = Catalogue(
        names, read_answer=last_number, models=dict.fromkeys(("a", "b", "c"), "A model.")
    )
    bound = catalogue.for_family("math")
    assert str(fixed_topology("models_q2").graph(bound)) == (
        "GenerateCoT@a ∥ GenerateCoT@b ∥ GenerateCoT@c q2"
    )
    assert str(fixed_topology("cascade_models").graph(bound)) == "GenerateCoT@a ∥ GenerateCoT@b"
