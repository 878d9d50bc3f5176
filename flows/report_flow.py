"""The report of a run as a flow: written as files, shown as artifacts."""

from pathlib import Path

import polars as pl
from prefect import flow
from prefect.artifacts import (
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_table_artifact,
)

from flows.compose import load_settings
from flows.naming import run_name
from flows.orchestrator.allowed import refuse_others
from flows.report.build import COMPARISONS, comparison_markdown, write_report
from flows.settings import Settings
from flows.storage import open_warehouse
from warehouse import Warehouse

SHOWN = ("score", "cost_usd", "cp_tokens_mean", "makespan_seconds_mean")


@flow(name="report", flow_run_name=run_name("report"))
async def report(overrides: list[str] | None = None) -> None:
    """Started by hand, on a schedule, or by a scheduled `retrain`. Reads every table of one run
    (`run=…`; the latest completed retrain, comparison or sweep); writes its page and charts below
    the home folder.

    May run twice: it writes the same bytes, and needs no writer's turn.
    """
    refuse_others(overrides or [])
    settings = load_settings(overrides or [])
    await publish_report(settings, settings.run)


async def publish_report(settings: Settings, run_id: str | None) -> Path:
    """Write the report of a run and show its figures and its place in the flow run in progress."""
    warehouse = open_warehouse(settings)
    files = write_report(warehouse, run_id, settings.reports_folder)
    page = files.page.resolve()
    if files.run.kind in COMPARISONS:
        await acreate_markdown_artifact(
            key="claims", markdown=comparison_markdown(warehouse, files.run)
        )
    else:
        await acreate_table_artifact(
            key="figures", table=_figures(warehouse, page.stem), description=f"Run {page.stem}"
        )
    await acreate_link_artifact(
        key="report",
        link=page.as_uri(),
        link_text=f"report of {page.stem}",
        description=f"`{page}`: browsers open a file: link only when it is copied to the address "
        "line.",
    )
    return page


def _figures(warehouse: Warehouse, run_id: str) -> list[dict[str, object]]:
    headline = warehouse.report(run_id)["headline"].filter(pl.col("metric").is_in(SHOWN))
    columns = ("policy", "checkpoint_id", "metric", "value", "low", "high", "n", "failed")
    return [{name: row[name] for name in columns} for row in headline.to_dicts()]
