"""Fixed graphs: legal where they can exist, and cot5_sc draws five chains."""

import pytest

from lamas.domain import TASK_FAMILIES, TaskFamily
from lamas.errors import OperatorError
from lamas.execution import (
    TOPOLOGIES,
    GraphExecutor,
    RolloutRunner,
    fixed_plan,
    fixed_topology,
)
from lamas.operators import ENTRIES, SANITY_NAMES, Catalogue, sanity_entries
from tests.execution.rollouts import CATALOGUE, PROBLEM, ToyBenchmark, executor_for, model_in
from tests.scripted import ScriptedSandbox, last_number

BOUND = {"models", "cascade_models"}
KNOWING = {"reference", "empty", "other_reference"}


@pytest.mark.parametrize("family", TASK_FAMILIES)
def test_every_topology_is_legal_or_says_which_operator_it_lacks(family: TaskFamily) -> None:
    operators = CATALOGUE.for_family(family)
    expected = {"math": {"generate_test"}, "code": {"programmer"}}
    lacking = expected.get(family, {"generate_test", "programmer"}) | KNOWING | BOUND
    for topology in TOPOLOGIES:
        if topology.name in lacking:
            with pytest.raises(OperatorError, match=r"unknown operator|no two models"):
                topology.graph(operators)
        else:
            assert topology.graph(operators).layers


def test_everything_uses_each_operator_that_does_not_stop_in_four_layers() -> None:
    graph = fixed_topology("everything").graph(CATALOGUE.for_family("math"))
    assert graph.names == (
        ("Generate", "GenerateCoT", "GenerateDraft", "MultiGenerateCoT", "Programmer"),
        *[
            (
                *("Generate", "GenerateCoT", "GenerateDraft", "MultiGenerateCoT"),
                *("ScEnsemble", "SelfRefine", "Programmer"),
            )
        ]
        * 3,
    )


def test_an_unknown_topology_is_refused_by_name() -> None:
    with pytest.raises(OperatorError, match="unknown fixed graph 'best'; known: generate,"):
        fixed_topology("best")


async def test_five_chains_and_a_vote_run_as_five_chains_and_a_vote() -> None:
    topology = fixed_topology("cot5_sc")
    model = model_in(0)
    executor = executor_for(model)
    operators = executor.catalogue.for_family("math")
    plan = fixed_plan(topology, PROBLEM, operators, run_id="run", seed=3)
    rollout = await RolloutRunner(executor, ToyBenchmark()).run(plan, PROBLEM)
    first, vote = rollout.trace.invocations
    assert (len(first.candidates), len(vote.candidates)) == (5, 1)
    assert (vote.operator, vote.kind) == ("ScEnsemble", "graph")


async def test_graphs_that_know_the_answer_cost_nothing_and_ask_nobody() -> None:
    model = model_in(0)
    catalogue = Catalogue(
        SANITY_NAMES, read_answer=last_number, entries=(*ENTRIES, *sanity_entries([PROBLEM]))
    )
    executor = GraphExecutor(catalogue=catalogue, model=model, sandbox=ScriptedSandbox())
    operators = catalogue.for_family("math")
    scores: dict[str, float | None] = {}
    for name in sorted(KNOWING):
        plan = fixed_plan(fixed_topology(name), PROBLEM, operators, run_id="run", seed=3)
        rollout = await RolloutRunner(executor, ToyBenchmark()).run(plan, PROBLEM)
        scores[name] = rollout.score
        assert (rollout.status, rollout.cost_usd, rollout.cp_tokens) == ("ok", 0.0, 0.0)
    # The only problem there is comes after itself.
    assert scores == {"reference": 1.0, "other_reference": 1.0, "empty": 0.0}
    assert model.requests == []


def test_a_plans_decisions_are_certain_and_name_what_was_legal() -> None:
    operators = Catalogue(["Generate", "SelfRefine"], read_answer=last_number).for_family("text")
    plan = fixed_plan(fixed_topology("everything"), PROBLEM, operators, run_id="run", seed=3)
    assert [(item.layer, item.draw_order, item.operator) for item in plan.decisions[:3]] == [
        (1, 0, "Generate"),
        (2, 0, "Generate"),
        (2, 1, "SelfRefine"),
    ]
    assert plan.decisions[0].legal == ("Generate",)
    assert plan.decisions[1].legal == ("Generate", "SelfRefine")
    assert {(item.probability, item.log_probability) for item in plan.decisions} == {(1.0, 0.0)}
    assert (plan.mode, plan.policy, plan.checkpoint_id) == ("fixed", "everything", None)


@pytest.mark.slow
def test_a_slot_has_the_same_id_when_the_run_is_resumed_and_another_one_in_every_part() -> None:
    def identity(
        run_id: str = "run", policy: str = "generate", step: int = 0, index: int = 0, retry: int = 0
    ) -> str:
        topology, operators = fixed_topology(policy), CATALOGUE.for_family("math")
        plan = fixed_plan(
            topology,
            PROBLEM,
            operators,
            run_id=run_id,
            seed=3,
            step=step,
            sample_index=index,
            retry=retry,
        )
        return plan.rollout_id

    others = [
        identity("other"),
        identity(policy="generate_cot"),
        identity(step=1),
        identity(index=1),
    ]
    assert identity() == identity()
    assert len({identity(), identity(retry=1), *others}) == 6
