"""An outcome table into the warehouse: every operator that can stand alone, on every problem."""

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact

from flows.orchestrator.assets import dataset_key, record_asset, table_key
from flows.prepare import prepare
from flows.rollouts.run import run_plans
from flows.run.naming import run_name
from flows.run.opening import session
from flows.run.plans import table_plans
from flows.run.problems import problem_set, unprepared
from flows.run.session import Session
from flows.run.table import table_problems, tabulated
from flows.settings import Settings
from flows.wiring.model import used_models
from lamas.execution.outcome_table import OutcomeTable
from lamas.report.assumed import assumptions
from lamas.report.table_values import print_values, value_rows, values_markdown
from warehouse.outcomes import table_worth


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
