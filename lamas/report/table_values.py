"""What every operator of an outcome table is worth, as tables for terminal, Markdown and HTML."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from pydantic import TypeAdapter

from lamas.report.tables import html_table, markdown_table, terminal_table
from lamas.report.terminal import table_console

HEADERS = ("operator", "score %", "CP_len mean", "seconds", "USD/1000")
NOTE = (
    "means over problems and samples; the last row takes for each problem the operator of the "
    "highest score, at a tie the shortest: what choosing could come to. Seconds are those of the "
    "calls and tools on the longest chain"
)
ORACLE = "best for each problem"


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorValue:
    """One operator on all problems of a table, or on those of one category."""

    category: str | None
    """None: all problems."""
    operator: str
    problems: int
    score: float
    cp_tokens: float
    seconds: float
    cost_usd: float


@dataclass(frozen=True, kw_only=True, slots=True)
class OracleGap:
    """The best fixed operator of a table against the best for each problem."""

    category: str | None
    """None: all problems."""
    best_fixed: str
    problems: int
    fixed_score: float
    oracle_score: float
    fixed_cp_tokens: float
    oracle_cp_tokens: float
    oracle_seconds: float


_VALUES = TypeAdapter(tuple[OperatorValue, ...])
_GAPS = TypeAdapter(tuple[OracleGap, ...])

Rows = tuple[tuple[str, ...], ...]
Dicts = Iterable[Mapping[str, object]]


def value_rows(values: Dicts, gap: Dicts, operators: Sequence[str]) -> Rows:
    """A row for each operator in the order of `operators`, then the oracle; columns as HEADERS.

    `values` and `gap` are rows of the views `operator_values` and `oracle_gap`.
    """
    found = sorted(
        _VALUES.validate_python(list(values)), key=lambda item: operators.index(item.operator)
    )
    return (
        *(
            (
                item.operator,
                f"{100 * item.score:.1f}",
                f"{item.cp_tokens:.0f}",
                f"{item.seconds:.2f}",
                f"{1000 * item.cost_usd:.3f}",
            )
            for item in found
        ),
        *(
            (
                ORACLE,
                f"{100 * item.oracle_score:.1f}",
                f"{item.oracle_cp_tokens:.0f}",
                f"{item.oracle_seconds:.2f}",
                "–",
            )
            for item in _GAPS.validate_python(list(gap))
        ),
    )


def print_values(rows: Rows, title: str) -> None:
    """Print the table to stdout."""
    console = table_console()
    console.print(terminal_table(title, HEADERS, rows, words={"operator"}))
    console.print(NOTE, style="dim", highlight=False)


def values_markdown(rows: Rows, title: str) -> str:
    """The same table for a Prefect artifact."""
    return "\n".join([f"# {title}", "", *markdown_table(HEADERS, rows), "", NOTE])


def values_html(values: Sequence[OperatorValue], gaps: Sequence[OracleGap]) -> str:
    """Categories by operators: score in per cent over CP_len; the best fixed one is bold."""
    names = list(dict.fromkeys(item.operator for item in values))
    cells = {(item.category, item.operator): item for item in values}
    rows = [
        [
            "<strong>all</strong>" if gap.category is None else escape(gap.category),
            str(gap.problems),
            *(_cell(cells.get((gap.category, name)), gap) for name in names),
            f"{100 * gap.oracle_score:.1f}<br><small>{gap.oracle_cp_tokens:.0f}</small>",
        ]
        for gap in gaps
    ]
    return html_table(
        ("category", "problems", *names, ORACLE), rows, cards=True, minor=("problems",)
    )


def _cell(value: OperatorValue | None, gap: OracleGap) -> str:
    if value is None:
        return "–"
    score = f"{100 * value.score:.1f}"
    marked = f"<strong>{score}</strong>" if value.operator == gap.best_fixed else score
    return f"{marked}<br><small>{value.cp_tokens:.0f}</small>"
