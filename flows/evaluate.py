"""Held-out problems answered by checkpoints and baselines; metrics with intervals."""

from collections.abc import Sequence

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact

from flows.collect import run_plans
from flows.entrants import Entrant, evaluation_plans, fixed, learned
from flows.learners import chosen_learner, stored_learner
from flows.problems import ProblemSet, problem_set
from flows.session import Session, session
from flows.standings import Standing, markdown_table, print_standings
from lamas.domain import Rollout, derive_seed, digest
from lamas.evaluation import EvaluationLabel, summarise


@flow(name="evaluate", flow_run_name="evaluate")
async def evaluate(
    overrides: list[str] | None = None, checkpoint_ids: list[str] | None = None
) -> None:
    """Started by hand, nightly, or by `retrain`. Reads test `problems` and checkpoints
    (`checkpoint=…`); writes `rollouts` and `evaluations`, and shows a table.

    May run twice: rollouts that are stored are not run again.
    """
    async with session("evaluate", overrides) as current:
        problems = problem_set(current)
        ids = checkpoint_ids or [chosen_learner(current).checkpoint_id]
        entrants = _entrants(current, problems, ids)
        evaluated = problems.test[: current.settings.evaluation.problems]
        await run_plans(
            current,
            problems,
            evaluation_plans(current, entrants, evaluated),
            name="evaluate",
            samples_by_policy={item.policy: item.samples for item in entrants},
        )
        standings = [_standing(current, entrant) for entrant in entrants]
        current.writer.add_evaluations([m for item in standings for m in item.metrics])
        title = _title(current, len(evaluated))
        print_standings(standings, title)
        await acreate_markdown_artifact(key="evaluation", markdown=markdown_table(standings, title))


def _entrants(current: Session, problems: ProblemSet, ids: Sequence[str]) -> list[Entrant]:
    evaluated = problems.test[: current.settings.evaluation.problems]
    entrants = [
        learned(current, stored_learner(current, name), problems, evaluated)
        for name in dict.fromkeys(ids)
    ]
    return entrants + [
        fixed(current, name, evaluated) for name in current.settings.evaluation.baselines
    ]


def _title(current: Session, problems: int) -> str:
    settings = current.settings
    title = (
        f"{current.benchmark.name}, {problems} held-out problems × {settings.evaluation.samples}, "
        f"model {settings.llm.model}, seed {settings.seed}"
    )
    if not settings.simulated:
        return title
    pace = settings.llm.simulated.time_scale
    makespan = "" if pace else "; it does not wait, so makespan is the machine's own time"
    return f"{title} — simulated model{makespan}"


def evaluated_rollouts(
    current: Session, *, policy: str, checkpoint_id: str | None
) -> tuple[Rollout, ...]:
    """This run's evaluation rollouts of one policy and checkpoint, one try per slot."""
    rollouts = current.reader.rollouts(
        current.run.run_id, purpose="evaluate", policy=policy, checkpoint_id=checkpoint_id
    )
    latest = {(item.plan.problem_id, item.plan.sample_index): item for item in rollouts}
    return tuple(latest.values())


def _standing(current: Session, entrant: Entrant) -> Standing:
    rollouts = evaluated_rollouts(
        current, policy=entrant.policy, checkpoint_id=entrant.checkpoint_id
    )
    evaluation_label = EvaluationLabel(
        evaluation_id=digest(current.run.run_id, entrant.policy, entrant.checkpoint_id),
        run_id=current.run.run_id,
        checkpoint_id=entrant.checkpoint_id,
        policy=entrant.policy,
        split="test",
    )
    seed = derive_seed(current.settings.seed, "bootstrap")
    return Standing(name=entrant.name, metrics=summarise(rollouts, evaluation_label, seed=seed))
