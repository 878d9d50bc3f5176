"""Which rollouts a run owes: of a training step, of an outcome table, of an evaluation."""

from collections.abc import Sequence

from flows.run.evaluated import Entrant
from flows.run.learners import Learner
from flows.run.session import Session
from flows.settings import Settings
from lamas.benchmarks.problem_set import ProblemSet
from lamas.controller.condition import UNCONDITIONAL
from lamas.domain import PlannedRollout, Problem, derive_seed
from lamas.execution.planning import PlanKey, plan
from lamas.execution.tabulating import tabulating_plans
from lamas.training import problem_batch, rollout_seed


def evaluation_plans(
    current: Session, entrants: Sequence[Entrant], evaluated: Sequence[Problem]
) -> tuple[PlannedRollout, ...]:
    """Problem by problem all entrants, so that the machine's mood falls on all alike.

    Entrants share seeds problem by problem and sample by sample: common random numbers.
    """
    settings, seed = current.settings, answers_seed(current.settings)
    return tuple(
        plan(
            PlanKey(
                run_id=current.run.run_id,
                purpose="evaluate",
                policy=entrant.policy,
                checkpoint_id=entrant.checkpoint_id,
                mode=entrant.mode,
                execution_mode=settings.execution.mode,
                step=entrant.step,
                multiplier=entrant.multiplier,
                deadline=entrant.deadline,
            ),
            problem,
            entrant.choices[place],
            sample_index=sample,
            seed=seed,
        )
        for place, problem in enumerate(evaluated)
        for sample in range(settings.evaluation.samples)
        for entrant in entrants
    )


def answers_seed(settings: Settings) -> int:
    """The seed of the model's answers on evaluated problems."""
    given = settings.evaluation.seed
    return derive_seed(settings.seed if given is None else given, "evaluate")


def table_plans(current: Session, tabulated: Sequence[Problem]) -> tuple[PlannedRollout, ...]:
    """The rollouts that fill the outcome table of these problems."""
    settings = current.settings
    given = settings.table.seed
    return tabulating_plans(
        current.operators,
        tabulated,
        samples=settings.table.samples,
        run_id=current.run.run_id,
        seed=derive_seed(settings.seed if given is None else given, "tabulate"),
    )


def training_plans(
    current: Session, problems: ProblemSet, learner: Learner
) -> tuple[PlannedRollout, ...]:
    """The rollouts of the step after `learner`'s: sampled graphs for one batch of problems."""
    settings, step = current.settings, learner.step + 1
    slots = [
        (problems[problem_id], sample)
        for problem_id in problem_batch(
            [problem.problem_id for problem in problems.train],
            seed=settings.seed,
            step=step - 1,
            size=settings.training.problems_per_step,
        )
        for sample in range(settings.training.rollouts_per_problem)
    ]
    controller = learner.trainer.controller
    price = controller.multiplier(UNCONDITIONAL)
    choices = controller.sample(
        problems.embeddings([problem for problem, _ in slots]),
        [
            rollout_seed(
                seed=settings.seed, step=step, problem_id=problem.problem_id, sample_index=sample
            )
            for problem, sample in slots
        ],
        multipliers=None if price is None else [price] * len(slots),
    )
    key = PlanKey(
        run_id=current.run.run_id,
        purpose="train",
        policy=settings.controller.kind,
        checkpoint_id=learner.checkpoint_id,
        mode="sampled",
        execution_mode=settings.execution.mode,
        step=step,
        multiplier=price,
    )
    seed = derive_seed(settings.seed, "train", step)
    return tuple(
        plan(key, problem, choice, sample_index=sample, seed=seed)
        for (problem, sample), choice in zip(slots, choices, strict=True)
    )
