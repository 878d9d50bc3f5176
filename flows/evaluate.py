"""Held-out problems answered by checkpoints and baselines; metrics with intervals."""

from collections.abc import Sequence

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact

from flows.champion.drift import watch_champion
from flows.orchestrator.assets import checkpoint_key, dataset_key, evaluation_key, record_asset
from flows.prepare import prepare
from flows.rollouts.run import run_plans
from flows.run.controls import NO_CONTROLS, Controls, controls_of
from flows.run.evaluated import Entrant, fixed, learned
from flows.run.learners import chosen_checkpoint, evaluable, initial_learner
from flows.run.naming import run_name
from flows.run.opening import session
from flows.run.plans import evaluation_plans
from flows.run.problems import problem_set, unprepared
from flows.run.session import Session
from flows.run.standings import standings_of
from lamas.benchmarks.problem_set import ProblemSet
from lamas.domain import Problem
from lamas.execution.requirements import requirements_of
from lamas.report.assumed import assumptions
from lamas.report.run.metrics_table import markdown, print_standings
from warehouse.table_fits import TableFits

SPLITS = {"test": "held-out ", "train": "training ", "all": ""}


@flow(name="evaluate", flow_run_name=run_name("evaluate"))
async def evaluate(
    overrides: list[str] | None = None, checkpoint_ids: list[str] | None = None
) -> None:
    """Started by hand, nightly, or by `retrain`. Reads `problems` of `evaluation.split`, which it
    prepares when they are not stored, and checkpoints (`checkpoint=…`; `none` for fixed graphs
    alone); writes `rollouts` and `evaluations`, and shows a table.

    May run twice: rollouts that are stored are not run again.
    """
    async with session("evaluate", overrides) as current:
        if current.problems is None and unprepared(current):
            await prepare()
        problems = problem_set(current)
        config = current.settings.evaluation
        evaluated = problems.of_split(config.split)[: config.problems]
        ids = _chosen(current) if checkpoint_ids is None else checkpoint_ids
        entrants = _entrants(current, problems, evaluated, ids)
        controls = _controls(current, problems, evaluated, ids)
        known = {item.policy for item in entrants}
        entrants += [item for item in controls.entrants if item.policy not in known]
        await run_plans(
            current,
            problems,
            evaluation_plans(current, entrants, evaluated),
            name="evaluate",
        )
        standings, words = standings_of(current, entrants, controls)
        current.writer.add_evaluations([m for item in standings for m in item.metrics])
        title = _title(current, entrants, len(evaluated))
        assumed = assumptions(*current.reader.assumed([current.run.run_id]))
        title += f" — {assumed}" if assumed else ""
        print_standings(standings, title)
        if words:
            print(words)
        text = "\n\n".join([markdown(standings, title), *([words] if words else [])])
        await acreate_markdown_artifact(key="evaluation", markdown=text)
        used = [checkpoint_key(name) for name in dict.fromkeys(ids)]
        await record_asset(
            evaluation_key(current.run.run_id),
            made_from=[dataset_key(evaluated[0].problem_id), *used],
            metadata={"split": config.split, "problems": len(evaluated)},
        )
        await watch_champion(current, ids)


def _chosen(current: Session) -> list[str]:
    if current.settings.checkpoint == "none":
        return []
    name = chosen_checkpoint(current)
    return [initial_learner(current).checkpoint_id if name is None else name]


def _entrants(
    current: Session, problems: ProblemSet, evaluated: Sequence[Problem], ids: Sequence[str]
) -> list[Entrant]:
    choosers = [evaluable(current, name) for name in dict.fromkeys(ids)]
    config = current.settings.evaluation
    kind = current.settings.controller.kind
    return [
        *(learned(current, item, problems, evaluated) for item in choosers),
        *(
            learned(current, item, problems, evaluated, deadline=deadline)
            for item in choosers
            if item.controller.settings.kind == kind == "conditioned"
            for deadline in config.deadlines
        ),
        *(fixed(current, name, evaluated) for name in config.baselines),
    ]


def _controls(
    current: Session, problems: ProblemSet, evaluated: Sequence[Problem], ids: Sequence[str]
) -> Controls:
    """Those of the first checkpoint that was learned from a table; none without one."""
    fits = (TableFits(current.warehouse).of_checkpoint(name) for name in ids)
    fit = next((item for item in fits if item is not None), None)
    return NO_CONTROLS if fit is None else controls_of(current, fit, problems, evaluated)


def _title(current: Session, entrants: Sequence[Entrant], problems: int) -> str:
    settings = current.settings
    graphs = [choice.graph for entrant in entrants for choice in entrant.choices]
    asked = requirements_of(graphs, current.catalogue, current.benchmark, any_graph=False).model
    title = (
        f"{current.benchmark.name}, {problems} {SPLITS[settings.evaluation.split]}problems × "
        f"{settings.evaluation.samples}, {f'model {settings.llm.model}' if asked else 'no model'}, "
        f"seed {settings.seed}"
    )
    if not (asked and settings.simulated):
        return title
    pace = settings.llm.simulated.time_scale
    makespan = "" if pace else "; it does not wait, so makespan is the machine's own time"
    return f"{title} — simulated model{makespan}"
