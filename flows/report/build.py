"""From a run in the warehouse to the files of its report."""

from dataclasses import dataclass
from pathlib import Path

from flows.comparison.claims import claims_markdown
from flows.report.charts import Chart, charts
from flows.report.comparison.charts import comparison_charts
from flows.report.comparison.page import comparison_page
from flows.report.comparison.records import ComparisonData, comparison_data
from flows.report.page import page
from flows.report.records import ReportData, report_data
from flows.report.sections import title
from flows.report.style import png
from lamas.domain import Run
from lamas.errors import WarehouseError
from warehouse import Warehouse
from warehouse.reader import Reader

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
        raise WarehouseError(
            f"the report cannot be written to {folder} ({error.strerror}); "
            "free the folder or choose another home=…"
        ) from None
    return ReportFiles(run=run, page=target, pictures=pictures)


def comparison_markdown(warehouse: Warehouse, run: Run) -> str:
    """Means, differences and claims of a comparison or sweep as its report states them."""
    data = comparison_data(warehouse.comparison_report(run.run_id))
    facts = data.run[0]
    words = f"{title(facts)}{' — simulated model' if facts.simulated else ''}"
    return claims_markdown(data.estimates, words, timed=facts.makespan_is_of_the_model)


def _content(warehouse: Warehouse, run: Run) -> tuple[str, tuple[Chart, ...]]:
    if run.kind in COMPARISONS:
        compared = comparison_data(warehouse.comparison_report(run.run_id))
        _require_variants(compared, run.run_id)
        drawn = comparison_charts(compared)
        return comparison_page(compared, drawn), drawn
    data = report_data(warehouse.report(run.run_id))
    _require_rollouts(data, run.run_id)
    drawn = charts(data)
    return page(data, drawn), drawn


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


def _require_variants(data: ComparisonData, run_id: str) -> None:
    if not data.variants:
        raise WarehouseError(
            f"run {run_id} has {data.run[0].rollouts} rollouts of {len(data.members)} members and "
            "no estimates: its report can be made once it is completed; the same command again "
            "goes on with it"
        )


def _require_rollouts(data: ReportData, run_id: str) -> None:
    if not any(item.rollouts > item.failed_rollouts for item in data.entrants):
        rollouts = data.run[0].rollouts
        raise WarehouseError(
            f"run {run_id} has {rollouts} rollouts and no finished one of an evaluation: a report "
            "is of a run of `lamas retrain` or `lamas evaluate` that got so far"
        )
