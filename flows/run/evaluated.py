"""Who is compared on the held-out problems: checkpoints, and graphs that nobody learns."""

from collections.abc import Sequence
from dataclasses import dataclass

from flows.run.learners import Chooser, Learner
from flows.run.session import Session
from flows.wiring.learning import condition_of
from lamas.benchmarks.problem_set import ProblemSet
from lamas.controller.condition import UNCONDITIONAL, Condition
from lamas.domain import DecisionMode, GraphChoice, Problem, Rollout, derive_seed, digest
from lamas.evaluation import EvaluationLabel
from lamas.execution import certain_decisions, fixed_topology

CHAMPION = " (champion)"
"""After the name of the deployed checkpoint: two of one step may be compared."""


def deadline_suffix(deadline: float) -> str:
    """What a policy is called by besides, where it is evaluated at several deadlines."""
    return f", deadline {deadline:g}"


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One way of choosing graphs."""

    name: str
    """As tables show it."""
    policy: str
    checkpoint_id: str | None
    step: int
    mode: DecisionMode
    choices: tuple[GraphChoice, ...]
    """One for each evaluated problem, in their order."""
    multiplier: float | None = None
    """The price of waiting at which they were chosen, where the policy knows one."""
    deadline: float | None = None
    """The mean waiting asked for, if one was."""


def learned(
    current: Session,
    learner: Learner | Chooser,
    problems: ProblemSet,
    evaluated: Sequence[Problem],
    *,
    deadline: float | None = None,
) -> Entrant:
    """A checkpoint as it would be deployed, which decides, or as it trains, which samples.

    `deadline` is asked for in place of what is configured. Raises ConfigurationError for a
    condition (`deadline=`, `multiplier=`) that it cannot meet.
    """
    controller = learner.controller
    kind = controller.settings.kind
    embeddings = problems.embeddings(evaluated)
    # A champion of another kind is asked for what it does by itself.
    asked = kind == current.settings.controller.kind
    condition = condition_of(current.settings) if asked else UNCONDITIONAL
    if deadline is not None:
        condition = Condition(deadline=deadline)
    suffix = "" if deadline is None else deadline_suffix(deadline)
    price = controller.multiplier(condition)
    prices = None if price is None else [price] * len(evaluated)
    decides = current.settings.evaluation.mode == "decided"
    if decides:
        choices = controller.decide(embeddings, multipliers=prices)
    else:
        seed = derive_seed(current.settings.seed, "evaluated graphs")
        names = [problem.problem_id for problem in evaluated]
        choices = controller.sample(
            embeddings, [derive_seed(seed, name) for name in names], multipliers=prices
        )
    champion = current.registry.champion()
    deployed = champion is not None and champion.checkpoint_id == learner.checkpoint_id
    return Entrant(
        name=f"{kind}, step {learner.step}{CHAMPION if deployed else ''}{suffix}",
        policy=f"{kind}{suffix}",
        checkpoint_id=learner.checkpoint_id,
        step=learner.step,
        mode="decided" if decides else "sampled",
        choices=choices,
        multiplier=price,
        deadline=condition.deadline,
    )


def fixed(current: Session, name: str, evaluated: Sequence[Problem]) -> Entrant:
    """A fixed graph; OperatorError lists the known names."""
    operators = current.operators
    graph = fixed_topology(name).graph(operators)
    choice = GraphChoice(graph, certain_decisions(graph, operators))
    return Entrant(
        name=name,
        policy=name,
        checkpoint_id=None,
        step=0,
        mode="fixed",
        choices=(choice,) * len(evaluated),
    )


def evaluated_rollouts(
    current: Session, *, policy: str, checkpoint_id: str | None
) -> tuple[Rollout, ...]:
    """This run's evaluation rollouts of one policy and checkpoint, one try per slot."""
    rollouts = current.reader.rollouts(
        current.run.run_id, purpose="evaluate", policy=policy, checkpoint_id=checkpoint_id
    )
    latest = {(item.plan.problem_id, item.plan.sample_index): item for item in rollouts}
    return tuple(latest.values())


def evaluation_label(current: Session, entrant: Entrant) -> EvaluationLabel:
    """What the entrant's metrics are stored under."""
    return EvaluationLabel(
        evaluation_id=digest(current.run.run_id, entrant.policy, entrant.checkpoint_id),
        run_id=current.run.run_id,
        checkpoint_id=entrant.checkpoint_id,
        policy=entrant.policy,
        split=current.settings.evaluation.split,
    )
