"""What every operator of an outcome table is worth, as a table for terminal and Markdown."""

from collections.abc import Sequence

import numpy as np

from lamas.domain import OperatorSet
from lamas.evaluation.controls import oracle
from lamas.execution.graph_values import graph_values
from lamas.execution.outcome_table import OutcomeTable
from lamas.execution.tabulating import tabulated_graphs
from lamas.report.tables import markdown_table, terminal_table
from lamas.report.terminal import table_console

HEADERS = ("operator", "score %", "CP_len mean", "seconds", "USD/1000")
NOTE = (
    "means over problems and samples; the last row takes for each problem the operator of the "
    "highest score, at a tie the shortest: what choosing could come to. Seconds are those of the "
    "calls and tools on the longest chain"
)
ORACLE = "best for each problem"

Rows = tuple[tuple[str, ...], ...]


def value_rows(table: OutcomeTable, operators: OperatorSet) -> Rows:
    """A row for each operator in catalogue order, and one for the oracle, in order of HEADERS."""
    graphs = tabulated_graphs(operators)
    values = graph_values(table, graphs, operators)
    figures = (values.score, values.cp_tokens, values.seconds, values.cost_usd)
    best = oracle(values.score, values.cp_tokens)
    everyone = np.arange(len(table))
    return (
        *(
            _row(str(graph), [float(item[:, column].mean()) for item in figures])
            for column, graph in enumerate(graphs)
        ),
        _row(ORACLE, [float(item[everyone, best].mean()) for item in figures]),
    )


def _row(name: str, means: Sequence[float]) -> tuple[str, ...]:
    score, cp_tokens, seconds, cost_usd = means
    return (
        name,
        f"{100 * score:.1f}",
        f"{cp_tokens:.0f}",
        f"{seconds:.2f}",
        f"{1000 * cost_usd:.3f}",
    )


def print_values(rows: Rows, title: str) -> None:
    """Print the table to stdout."""
    console = table_console()
    console.print(terminal_table(title, HEADERS, rows, words={"operator"}))
    console.print(NOTE, style="dim", highlight=False)


def values_markdown(rows: Rows, title: str) -> str:
    """The same table for a Prefect artifact."""
    return "\n".join([f"# {title}", "", *markdown_table(HEADERS, rows), "", NOTE])
