"""Simulated clusters as tables: what each set of policies reached, and how good forecasts were."""

import math
from collections.abc import Sequence

from rich.table import Table

from lamas.evaluation.serving import RATIOS, ComparedPolicies, Estimate, ForecastQuality
from lamas.report.terminal import table_console
from lamas.serving.prediction.expressions import BoundedExpressions

COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("completion_mean_seconds", "mean s", 2),
    ("completion_p95_seconds", "P95 s", 1),
    ("slo_2", "SLO 2×", 3),
    ("slo_3", "SLO 3×", 3),
    ("slo_5", "SLO 5×", 3),
    ("workflows_per_second", "workflows/s", 3),
    ("reserved_byte_seconds", "reserved GB·s", 0),
    ("overflow_rate", "overflow", 4),
    ("cold_starts", "cold starts", 1),
    ("prefix_hit_rate", "prefix hits", 3),
    ("wait_mean_seconds", "wait s", 2),
    ("overtaking_share", "overtook", 3),
    ("open_node_seconds", "node h", 2),
)
"""Figure, header, digits."""
SCALE = {"reserved_byte_seconds": 1e-9, "open_node_seconds": 1 / 3600}


def print_serving(rows: Sequence[ComparedPolicies], reference: str) -> None:
    """Means over seeds, then each set against the reference with its interval, to stdout."""
    console = table_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.title, table.title_justify = "Simulated clusters: means over seeds", "left"
    for header in ("load", "policies", "seeds", *(header for _, header, _ in COLUMNS), "keys"):
        table.add_column(header, justify="left" if header == "policies" else "right")
    for row in rows:
        table.add_row(*_means(row))
    console.print(table)
    compared = [row for row in rows if row.against]
    if not compared:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.title = f"Against {reference}, paired by seed: × is a ratio, else a difference; 95 %"
    table.title_justify = "left"
    for header in ("load", "policies", *(header for _, header, _ in COLUMNS)):
        table.add_column(header, justify="left" if header == "policies" else "right")
    for row in compared:
        table.add_row(*_differences(row))
    console.print(table)


def serving_markdown(rows: Sequence[ComparedPolicies], reference: str) -> str:
    """Both tables as Markdown."""
    headers = ["load", "policies", "seeds", *(header for _, header, _ in COLUMNS), "keys"]
    lines = ["# Simulated clusters", "", *_markdown(headers, [_means(row) for row in rows])]
    compared = [_differences(row) for row in rows if row.against]
    if compared:
        headers = ["load", "policies", *(header for _, header, _ in COLUMNS)]
        lines += ["", f"Against {reference}, paired by seed; × is a ratio, else a difference.", ""]
        lines += _markdown(headers, compared)
    return "\n".join(lines) + "\n"


def print_forecasts(
    rows: Sequence[ForecastQuality],
    expressions: BoundedExpressions,
    held_out: Sequence[Sequence[str]],
) -> None:
    """Held-out errors of predicted lengths, and what the expressions of roles cover."""
    console = table_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.title = "Predicted lengths on held-out calls, beside the empirical quantile"
    table.title_justify = "left"
    for header in ("operator", "model"):
        table.add_column(header)
    for header in (
        "calls",
        "median |error|",
        "empirical",
        "bound loss",
        "empirical",
        "coverage",
        "empirical",
    ):
        table.add_column(header, justify="right")
    for row in rows:
        table.add_row(
            row.role or "all",
            row.model or "all",
            str(row.calls),
            f"{row.median_loss:.1f}",
            f"{row.baseline_median_loss:.1f}",
            f"{row.upper_loss:.2f}",
            f"{row.baseline_upper_loss:.2f}",
            f"{row.coverage:.3f}",
            f"{row.baseline_coverage:.3f}",
        )
    console.print(table)
    roles = ", ".join(expressions.of_role(role) for role in expressions.bounds)
    console.print(
        f"Runs of roles: {roles}; {expressions.run_coverage(held_out):.1%} of held-out runs and "
        f"{expressions.session_coverage(held_out):.1%} of held-out workflows are covered",
        highlight=False,
        soft_wrap=True,
    )


def _means(row: ComparedPolicies) -> list[str]:
    cells = [f"{row.load:g}", row.policies, str(row.values[COLUMNS[0][0]].n)]
    for name, _, digits in COLUMNS:
        cells.append(f"{row.values[name].mean * SCALE.get(name, 1.0):.{digits}f}")
    return [*cells, f"{row.distinct_keys:.0f}"]


def _differences(row: ComparedPolicies) -> list[str]:
    cells = [f"{row.load:g}", row.policies]
    for name, _, digits in COLUMNS:
        ratio = name in RATIOS
        cells.append(_interval(row.against[name], 3 if ratio else digits, ratio=ratio))
    return cells


def _interval(item: Estimate, digits: int, *, ratio: bool) -> str:
    sign = "" if ratio else "+"
    mark = "×" if ratio else ""
    text = f"{item.mean:{sign}.{digits}f}{mark}"
    if math.isnan(item.low):
        return text
    return f"{text} [{item.low:{sign}.{digits}f}, {item.high:{sign}.{digits}f}]"


def _markdown(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(headers)} |",
        f"|{'|'.join('---' for _ in headers)}|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
