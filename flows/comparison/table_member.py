"""What a member that learns from an outcome table does, and what its controls take from that."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from flows.comparison.members import MemberSession
from flows.comparison.variants import Control
from flows.run.controls import NEAREST, ORACLE, RANDOM, chosen_freely, controls_of
from flows.run.evaluated import Entrant
from flows.run.learners import Chooser, initial_learner, stored_chooser
from flows.run.plans import answers_seed, table_plans
from flows.run.problems import problem_set
from flows.run.table import table_problems
from flows.run.table_learning import Learned, learned_from
from lamas.domain import PlannedRollout, Problem, Rollout
from lamas.domain.operator_outcome import OperatorOutcome
from lamas.domain.table_fit import TableFitRecord, TabulatedDecision
from lamas.evaluation.oracle import best_answers
from lamas.execution.outcome_table import OutcomeTable
from lamas.execution.tabulating import tabulated_graphs, tabulating_plans, whole_problems
from warehouse.table_fits import TableFits

TABULATED_TOGETHER = 200
"""Cells in one task run."""
LOOKED_SECONDS = 1.0
"""How often a control looks whether the table is learned from."""

RunPlans = Callable[[Sequence[PlannedRollout]], Awaitable[Sequence[Rollout]]]
"""Runs rollouts, or finds stored ones, and gives the last try of each."""


@dataclass(frozen=True, kw_only=True)
class Taught:
    """What a table taught, to be stored after the rollouts that filled it."""

    learned: Learned


async def taught(
    current: MemberSession, run: RunPlans, record: Callable[[Taught], None]
) -> Chooser:
    """The member's controller: fitted to the table that `run` fills, or stored already."""
    fits, run_id = TableFits(current.warehouse), current.run.run_id
    stored = await asyncio.to_thread(fits.of_run, run_id) if current.shared.resumed else None
    if stored is not None:
        return stored_chooser(current, stored.checkpoint_id)
    chosen = table_problems(current, problem_set(current))
    outcomes: list[OperatorOutcome] = []
    decisions: list[TabulatedDecision] = []
    plans = table_plans(current, chosen)
    for start in range(0, len(plans), TABULATED_TOGETHER):
        for rollout in await run(plans[start : start + TABULATED_TOGETHER]):
            if rollout.status == "ok":
                outcomes.append(_outcome(rollout))
                decisions.append(_decision(current, rollout))
    operators, samples = current.operators, current.settings.table.samples
    table = OutcomeTable.of(whole_problems(outcomes, operators, samples=samples), operators)
    first = await asyncio.to_thread(initial_learner, current)
    whole = set(table.problem_ids)
    learned = await asyncio.to_thread(
        learned_from,
        current,
        table,
        first,
        decisions=[item for item in decisions if item.problem_id in whole],
        left_out=len(chosen) - len(table),
    )
    record(Taught(learned=learned))
    return Chooser(
        controller=learned.controller,
        checkpoint_id=learned.fit.checkpoint_id,
        step=learned.updates[-1].step,
    )


async def control(
    current: MemberSession,
    run: RunPlans,
    evaluated: Sequence[Problem],
    *,
    kind: Control,
    teacher: str,
) -> Entrant:
    """One control of the controller that the run `teacher` learns, once it has."""
    if kind == "oracle":
        return await _oracle(current, run, evaluated)
    fit = await _fit_of(current, teacher)
    controls = await asyncio.to_thread(controls_of, current, fit, problem_set(current), evaluated)
    policy = {"best_fixed": fit.best_name, "neighbours": NEAREST, "random": RANDOM}[kind]
    return next(item for item in controls.entrants if item.policy == policy)


async def _fit_of(current: MemberSession, run_id: str) -> TableFitRecord:
    # When its row is there, so are the rollouts that filled the table: they are written before.
    while True:
        fit = await asyncio.to_thread(TableFits(current.warehouse).of_run, run_id)
        if fit is not None:
            return fit
        await asyncio.sleep(LOOKED_SECONDS)


async def _oracle(current: MemberSession, run: RunPlans, evaluated: Sequence[Problem]) -> Entrant:
    """For each evaluated problem the operator that did best alone, with the evaluation's seeds."""
    operators = current.operators
    plans = tabulating_plans(
        operators,
        evaluated,
        samples=1,
        run_id=current.run.run_id,
        seed=answers_seed(current.settings),
    )
    found: list[Rollout] = []
    for start in range(0, len(plans), TABULATED_TOGETHER):
        found += await run(plans[start : start + TABULATED_TOGETHER])
    best = {item.problem_id: item.order[2] for item in best_answers(found)}
    graphs = {str(graph): graph for graph in tabulated_graphs(operators)}
    any_one = next(iter(graphs))
    chosen = [graphs[best.get(problem.problem_id, any_one)] for problem in evaluated]
    return chosen_freely(current, ORACLE, chosen)


def _outcome(rollout: Rollout) -> OperatorOutcome:
    return OperatorOutcome(
        problem_id=rollout.problem_id,
        operator=rollout.plan.policy,
        sample=rollout.plan.sample_index,
        chains=rollout.chains,
        cost_usd=rollout.cost_usd,
    )


def _decision(current: MemberSession, rollout: Rollout) -> TabulatedDecision:
    tokens = current.settings.learner.clock == "tokens"
    seconds = max(chain.seconds for chain in rollout.chains)
    assert rollout.score is not None, "a finished rollout has a score"
    return TabulatedDecision(
        rollout_id=rollout.rollout_id,
        problem_id=rollout.problem_id,
        operator=rollout.plan.policy,
        score=rollout.score,
        time=rollout.cp_tokens if tokens else seconds,
    )
