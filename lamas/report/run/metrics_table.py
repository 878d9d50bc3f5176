"""The table that ends a run: every entrant's metrics with intervals, on the same problems."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamas.domain import EvaluationMetric
from lamas.report.tables import markdown_table, terminal_table, with_interval
from lamas.report.terminal import table_console

NOTE = (
    "95 % intervals: score exact or Wilson, the rest bootstrap over problems; CP_len in tokens; "
    "USD per 1,000 problems; makespan in measured seconds, side by side with other rollouts"
)
HEADERS = (
    "policy",
    "n",
    "failed",
    "score %",
    "USD/1000",
    "CP_len mean",
    "p50",
    "p90",
    "makespan s",
    "p90 s",
)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One entrant's metrics."""

    name: str
    metrics: tuple[EvaluationMetric, ...]

    def cells(self) -> tuple[str, ...]:
        """One row of the table, in the order of HEADERS."""
        by_name = {item.metric: item for item in self.metrics}
        score = by_name["score"]
        return (
            self.name,
            str(score.n),
            str(score.failed),
            with_interval(score, 100.0, 1),
            with_interval(by_name["cost_usd"], 1000.0, 3),
            with_interval(by_name["cp_tokens_mean"], 1.0, 0),
            _value(by_name.get("cp_tokens_p50"), 0),
            _value(by_name.get("cp_tokens_p90"), 0),
            with_interval(by_name.get("makespan_seconds_mean"), 1.0, 2),
            _value(by_name.get("makespan_seconds_p90"), 2),
        )


def _value(metric: EvaluationMetric | None, digits: int) -> str:
    return "–" if metric is None else f"{metric.value:.{digits}f}"


def print_standings(standings: Sequence[Standing], title: str) -> None:
    """Print the table to stdout."""
    console = table_console()
    rows = [standing.cells() for standing in standings]
    console.print(terminal_table(title, HEADERS, rows, words={"policy"}))
    console.print(NOTE, style="dim", highlight=False)


def markdown(standings: Sequence[Standing], title: str) -> str:
    """The same table for a Prefect artifact."""
    rows = [standing.cells() for standing in standings]
    return "\n".join([f"# {title}", "", *markdown_table(HEADERS, rows), "", NOTE])
