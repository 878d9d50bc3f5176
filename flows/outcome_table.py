"""An outcome table: filled, each operator that can stand alone on every problem; learned from."""

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact

from flows.orchestrator.assets import checkpoint_key, dataset_key, record_asset, table_key
from flows.prepare import prepare
from flows.rollouts.run import run_plans
from flows.run.learners import initial_learner
from flows.run.naming import run_name
from flows.run.opening import session
from flows.run.plans import table_plans
from flows.run.problems import problem_set, unprepared
from flows.run.session import Session
from flows.run.table import table_problems, tabulated
from flows.run.table_learning import learned_from, store_learned
from flows.settings import Settings
from flows.wiring.model import used_models
from lamas.execution.outcome_table import OutcomeTable
from lamas.report.assumed import assumptions
from lamas.report.table_values import print_values, value_rows, values_markdown
from warehouse.outcomes import table_worth
from warehouse.table_fits import TableFits


@flow(name="tabulate", flow_run_name=run_name("tabulate"))
async def tabulate(overrides: list[str] | None = None) -> None:
    """Started by hand or by `retrain`. Reads the training `problems`, which it prepares when they
    are not stored; writes `rollouts` of purpose `tabulate` with their `chain_outcomes`, and shows
    what each operator is worth.

    May run twice: cells that are stored are not run again.
    """
    async with session("tabulate", overrides) as current:
        if current.problems is None and unprepared(current):
            await prepare()
        problems = problem_set(current)
        chosen = table_problems(current, problems)
        await run_plans(current, problems, table_plans(current, chosen), name="tabulate")
        table = tabulated(current, chosen)
        if len(table) < len(chosen):
            current.say(
                f"tabulate: {len(chosen) - len(table)} of {len(chosen)} problems are left out of "
                "the table, because a cell of theirs failed"
            )
        values, gap = table_worth(current.warehouse, current.run.run_id)
        rows = value_rows(values.to_dicts(), gap.to_dicts(), current.operators.names)
        title = _title(current, table)
        print_values(rows, title)
        await acreate_markdown_artifact(key="table", markdown=values_markdown(rows, title))
        await record_asset(
            table_key(current.run.run_id),
            made_from=[dataset_key(chosen[0].problem_id)],
            metadata={"problems": len(table), "samples": table.samples},
        )


@flow(name="learn", flow_run_name=run_name("learn"))
async def learn(overrides: list[str] | None = None) -> None:
    """Started by `retrain` once its table is filled. Reads `rollouts` of purpose `tabulate` and
    their `chain_outcomes`; writes a checkpoint file, `checkpoints`, `updates`, `credits`,
    `table_fits` and `operating_points`, all of them in one transaction.

    May run twice: the fit is a function of the table, so the second time changes nothing.
    """
    async with session("learn", overrides) as current:
        run_id, fits = current.run.run_id, TableFits(current.warehouse)
        if fits.of_run(run_id) is not None:
            return
        chosen = table_problems(current, problem_set(current))
        table = tabulated(current, chosen)
        first = initial_learner(current)
        learned = learned_from(
            current,
            table,
            first,
            decisions=fits.decisions(run_id, current.settings.learner.clock, table.problem_ids),
            left_out=len(chosen) - len(table),
        )
        fit = learned.fit
        store_learned(current.writer, learned)
        unit = "tokens" if fit.clock == "tokens" else "s"
        current.say(
            f"learn: best fixed graph of {fit.problems} problems {fit.best_name}, "
            f"{100 * fit.best_score:.1f} % in {fit.best_time:.4g} {unit}; the controller, on "
            f"problems its fits did not see, {100 * fit.score:.1f} % in {fit.time:.4g} {unit} "
            f"(μ {fit.multiplier:.3g}, {len(learned.updates)} steps, {learned.seconds:.1f} s)"
        )
        await record_asset(
            checkpoint_key(fit.checkpoint_id),
            made_from=[table_key(run_id)],
            metadata={"run": run_id, "problems": fit.problems, "steps": len(learned.updates)},
        )


def _title(current: Session, table: OutcomeTable) -> str:
    settings = current.settings
    title = (
        f"{current.benchmark.name}, {len(table)} training problems × {table.samples}, "
        f"{_models(settings)}, seed {settings.seed}"
    )
    assumed = assumptions(*current.reader.assumed([current.run.run_id]))
    simulated = " — simulated model" if settings.simulated else ""
    return f"{title}{simulated}{f' — {assumed}' if assumed else ''}"


def _models(settings: Settings) -> str:
    """Whose answers the table holds."""
    names = [settings.of_model(name).llm.model for name in used_models(settings)]
    return f"{'model' if len(names) == 1 else 'models'} {', '.join(dict.fromkeys(names)) or 'none'}"
