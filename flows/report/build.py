"""From a run in the warehouse to the files of its report."""

from dataclasses import dataclass
from pathlib import Path

from flows.report.charts import charts
from flows.report.page import page
from flows.report.records import ReportData, report_data
from flows.report.style import png
from lamas.errors import WarehouseError
from warehouse import Reader, Warehouse


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """What was written."""

    page: Path
    pictures: tuple[Path, ...]


def write_report(warehouse: Warehouse, run_id: str | None, folder: Path) -> ReportFiles:
    """Write `<run_id>.html` and the charts as `<run_id>/<chart>.png` into `folder`.

    Without `run_id` the latest completed retrain. Only reads the warehouse; may be repeated, and
    writes the same bytes. Raises WarehouseError for a run that is not stored or has no evaluated
    rollout, and when the folder cannot be written to.
    """
    found = _latest(warehouse) if run_id is None else Reader(warehouse).run(run_id).run_id
    data = report_data(warehouse.report(found))
    _require_rollouts(data, found)
    drawn = charts(data)
    text = page(data, drawn)
    target = folder / f"{found}.html"
    pictures = tuple(folder / found / f"{chart.name}.png" for chart in drawn)
    try:
        (folder / found).mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        for chart, path in zip(drawn, pictures, strict=True):
            path.write_bytes(png(chart.figure))
    except OSError as error:
        raise WarehouseError(
            f"the report cannot be written to {folder} ({error.strerror}); "
            "free the folder or choose another home=…"
        ) from None
    return ReportFiles(page=target, pictures=pictures)


def _latest(warehouse: Warehouse) -> str:
    completed = [run for run in Reader(warehouse).runs(kind="retrain") if run.status == "completed"]
    if not completed:
        raise WarehouseError(
            f"warehouse {warehouse.path} holds no completed retrain: run `lamas retrain`, or name "
            "a run with run=RUN_ID (`lamas sql 'FROM run_summary'` lists them)"
        )
    return completed[-1].run_id


def _require_rollouts(data: ReportData, run_id: str) -> None:
    if not any(item.rollouts > item.failed_rollouts for item in data.entrants):
        rollouts = data.run[0].rollouts
        raise WarehouseError(
            f"run {run_id} has {rollouts} rollouts and no finished one of an evaluation: a report "
            "is of a run of `lamas retrain` or `lamas evaluate` that got so far"
        )
