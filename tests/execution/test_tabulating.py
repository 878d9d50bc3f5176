"""A tabulated rollout knows every candidate; a table asks for every cell once."""

from dataclasses import replace

import pytest

from lamas.benchmarks.benchmark import Score
from lamas.domain import OperatorSet, OperatorSpec, PlannedRollout, Problem, Rollout
from lamas.domain.operator_outcome import OperatorOutcome
from lamas.errors import ConfigurationError, DomainError
from lamas.execution import RolloutRunner
from lamas.execution.graph_values import graph_values
from lamas.execution.outcome_table import OutcomeTable
from lamas.execution.planning import owed
from lamas.execution.tabulating import tabulated_graphs, tabulating_plans, whole_problems
from lamas.llm import ChatRequest
from tests.execution.rollouts import OPERATORS, PROBLEM, ToyBenchmark, executor_for
from tests.scripted import Reply, ScriptedModel, tool_result

ROOTS = ("Generate", "GenerateCoT", "GenerateDraft", "MultiGenerateCoT", "Programmer")


def plans(*problems: Problem, samples: int = 1, seed: int = 1) -> tuple[PlannedRollout, ...]:
    return tabulating_plans(
        OPERATORS, problems or (PROBLEM,), samples=samples, run_id="run", seed=seed
    )


def planned(operator: str) -> PlannedRollout:
    return next(plan for plan in plans() if plan.policy == operator)


async def run(operator: str, *answers: str, benchmark: ToyBenchmark | None = None) -> Rollout:
    """The operator's rollout; branch by branch it is answered so."""

    def script(request: ChatRequest) -> Reply:
        branch = int(request.labels["branch"])
        return Reply(answers[branch], tokens=10 * (branch + 1), cost_usd=0.001)

    executor = executor_for(ScriptedModel(script))
    return await RolloutRunner(executor, benchmark or ToyBenchmark()).run(
        planned(operator), PROBLEM
    )


def test_every_cell_is_planned_once_problem_by_problem() -> None:
    other = replace(PROBLEM, problem_id="other")
    made = plans(PROBLEM, other, samples=2)
    cells = [(plan.problem_id, plan.sample_index, plan.policy) for plan in made]
    assert cells == [
        (problem, sample, name)
        for problem in (PROBLEM.problem_id, "other")
        for sample in range(2)
        for name in ROOTS
    ]
    assert len({plan.rollout_id for plan in made}) == len(made)
    assert {(plan.purpose, plan.mode, plan.checkpoint_id) for plan in made} == {
        ("tabulate", "fixed", None)
    }
    assert [str(plan.graph) for plan in made[: len(ROOTS)]] == list(ROOTS)


def test_what_is_stored_is_not_owed_and_more_samples_ask_for_the_new_ones_alone() -> None:
    stored = {plan.rollout_id: "ok" for plan in plans(samples=1)}
    missing = owed(plans(samples=3), stored, retry_failed=False)
    assert [plan.sample_index for plan in missing] == [1] * len(ROOTS) + [2] * len(ROOTS)


async def test_each_candidate_is_judged_and_no_model_is_asked_to_choose() -> None:
    rollout = await run("MultiGenerateCoT", "it is 42", "it is 41", "it is 40")
    assert [item.operator for item in rollout.trace.invocations] == ["MultiGenerateCoT"]
    assert [(chain.answer_key, chain.score, chain.cp_tokens) for chain in rollout.chains] == [
        ("42", 1.0, 10.0),
        ("41", 0.0, 20.0),
        ("40", 0.0, 30.0),
    ]
    assert (rollout.answer, rollout.score) == ("it is 42", 1.0)


async def test_the_answer_is_that_of_most_chains() -> None:
    rollout = await run("MultiGenerateCoT", "no idea", "it is 42", "so 42")
    assert (rollout.answer, rollout.score, rollout.extracted_answer) == ("it is 42", 1.0, "42")
    assert rollout.chains[0].answer_key is None


async def test_the_score_is_what_the_table_says_the_graph_scores() -> None:
    for answers in (("1", "42", "42"), ("42", "1", "2"), ("1", "2", "42"), ("", "", "42")):
        rollouts = [await run(name, *answers) for name in ROOTS]
        table = OutcomeTable.of(map(outcome, rollouts), OPERATORS)
        values = graph_values(table, tabulated_graphs(OPERATORS), OPERATORS)
        for column, rollout in enumerate(rollouts):
            assert values.score[0, column] == rollout.score
            assert values.cp_tokens[0, column] == rollout.cp_tokens
            assert values.cost_usd[0, column] == rollout.cost_usd


async def test_the_runs_that_judged_each_candidate_are_kept() -> None:
    class JudgedByPrograms(ToyBenchmark):
        async def score(self, problem: Problem, answer: str) -> Score:
            judged = await super().score(problem, answer)
            return replace(judged, runs=(tool_result(answer),))

    rollout = await run("MultiGenerateCoT", "42", "41", "42", benchmark=JudgedByPrograms())
    # Equal texts are judged once.
    assert [item.stdout for item in rollout.judging] == ["42", "41"]


async def test_what_cannot_be_judged_is_a_failed_cell_without_chains() -> None:
    rollout = await run("Generate", "42", benchmark=ToyBenchmark(RuntimeError("no judge")))
    assert (rollout.status, rollout.score, rollout.chains) == ("failed", None, ())
    assert rollout.error == "scoring: RuntimeError: no judge"


def test_without_an_operator_that_stands_alone_there_is_nothing_to_tabulate() -> None:
    stop = OperatorSpec(name="Stop", description="Stops here.", stops=True)
    with pytest.raises(ConfigurationError, match=r"none of the operators Stop can be tabulated"):
        tabulated_graphs(OperatorSet((stop,)))


@pytest.mark.slow
async def test_problems_that_are_not_whole_are_left_out() -> None:
    rollouts = [await run(name, "42", "42", "42") for name in ROOTS]
    cells = [outcome(item) for item in rollouts]
    partly = [replace(item, problem_id="partly") for item in cells[:3]]
    assert whole_problems([*partly, *cells], OPERATORS, samples=1) == tuple(cells)
    with pytest.raises(DomainError, match=r"no problem has 2 finished samples of each of Gen"):
        whole_problems(cells, OPERATORS, samples=2)


def outcome(rollout: Rollout) -> OperatorOutcome:
    return OperatorOutcome(
        problem_id=rollout.problem_id,
        operator=rollout.plan.policy,
        sample=rollout.plan.sample_index,
        chains=rollout.chains,
        cost_usd=rollout.cost_usd,
    )
