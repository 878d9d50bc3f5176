"""The report of a run as a flow: written as files, shown as artifacts."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
from prefect import flow
from prefect.artifacts import (
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_table_artifact,
)

from flows.orchestrator.allowed import refuse_others
from flows.run.naming import run_name
from flows.settings import Settings
from flows.settings.compose import load_settings
from flows.settings.reproduce import command, overrides_for, resolves_to
from flows.wiring.warehouse import open_warehouse
from lamas.domain import Run
from lamas.errors import WarehouseError
from lamas.report.chart import Chart
from lamas.report.comparison.charts import comparison_charts
from lamas.report.comparison.claims import claims_markdown
from lamas.report.comparison.page import comparison_page
from lamas.report.comparison.records import comparison_data, require_variants
from lamas.report.html import Recipe, title
from lamas.report.run.charts import charts
from lamas.report.run.page import page
from lamas.report.run.records import report_data, require_rollouts
from lamas.report.simulation import simulation_charts, simulation_data, simulation_page
from lamas.report.style import png
from warehouse import Warehouse
from warehouse.reader import Reader
from warehouse.reports import comparison_report, run_report, simulation_report

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
        figures = _figures(warehouse, page.stem)
        await acreate_table_artifact(key="figures", table=figures, description=f"Run {page.stem}")
    await acreate_link_artifact(
        key="report",
        link=page.as_uri(),
        link_text=f"report of {page.stem}",
        description=f"`{page}`: browsers open a file: link only when it is copied to the address "
        "line.",
    )
    return page


def _figures(warehouse: Warehouse, run_id: str) -> list[dict[str, object]]:
    headline = run_report(warehouse, run_id)["headline"].filter(pl.col("metric").is_in(SHOWN))
    columns = ("policy", "checkpoint_id", "metric", "value", "low", "high", "n", "failed")
    return headline.select(columns).to_dicts()


COMPARISONS = ("compare", "sweep")
"""Kinds of runs whose report sets variants against each other."""


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """What was written."""

    run: Run
    """The run it is of."""
    page: Path
    pictures: tuple[Path, ...]


def write_report(warehouse: Warehouse, run_id: str | None, folder: Path) -> ReportFiles:
    """Write `<run_id>.html` and the charts as `<run_id>/<chart>.png` into `folder`.

    Without `run_id` the completed retrain, comparison or sweep that ended last. Only reads the
    warehouse; may be repeated, and writes the same bytes. Raises WarehouseError for a run that is
    not stored or has no evaluated rollout, and when the folder cannot be written to.
    """
    run = _latest(warehouse) if run_id is None else Reader(warehouse).run(run_id)
    text, drawn = _content(warehouse, run)
    target = folder / f"{run.run_id}.html"
    pictures = tuple(folder / run.run_id / f"{chart.name}.png" for chart in drawn)
    try:
        (folder / run.run_id).mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        for chart, path in zip(drawn, pictures, strict=True):
            path.write_bytes(png(chart.figure))
    except OSError as error:
        reason = f"the report cannot be written to {folder} ({error.strerror})"
        raise WarehouseError(f"{reason}; free the folder or choose another home=…") from None
    return ReportFiles(run=run, page=target, pictures=pictures)


def comparison_markdown(warehouse: Warehouse, run: Run) -> str:
    """Means, differences and claims of a comparison or sweep as its report states them."""
    data = comparison_data(comparison_report(warehouse, run.run_id))
    facts = data.run[0]
    words = f"{title(facts)}{' — simulated model' if facts.simulated else ''}"
    words += f" — {facts.assumptions}" if facts.assumptions else ""
    return claims_markdown(data.estimates, words, timed=facts.makespan_is_of_the_model)


def _content(warehouse: Warehouse, run: Run) -> tuple[str, tuple[Chart, ...]]:
    if run.kind == "simulate":
        served = simulation_data(simulation_report(warehouse, run.run_id), run.run_id)
        drawn = simulation_charts(served)
        return simulation_page(served, drawn), drawn
    if run.kind in COMPARISONS:
        compared = comparison_data(comparison_report(warehouse, run.run_id))
        require_variants(compared, run.run_id)
        drawn = comparison_charts(compared)
        return comparison_page(compared, drawn, _recipe(run)), drawn
    data = report_data(run_report(warehouse, run.run_id))
    require_rollouts(data, run.run_id)
    drawn = charts(data)
    return page(data, drawn, _recipe(run)), drawn


def _recipe(run: Run) -> Recipe:
    overrides, config = overrides_for(run.config_json), run.config_json
    return Recipe(command=command(run.kind, overrides), resolves=resolves_to(overrides, config))


def _latest(warehouse: Warehouse) -> Run:
    completed = [
        run
        for run in Reader(warehouse).runs()
        if run.kind in ("retrain", *COMPARISONS) and run.status == "completed"
    ]
    if not completed:
        raise WarehouseError(
            f"warehouse {warehouse.path} holds no completed retrain, comparison or sweep: run "
            "`lamas retrain`, or name a run with run=RUN_ID (`lamas sql 'FROM run_summary'` lists "
            "them)"
        )
    return max(completed, key=lambda run: run.ended_at or run.started_at)
