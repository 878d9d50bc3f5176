"""Tables alike in every report: a value with its interval, rows for terminal, Markdown and HTML."""

from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Protocol

from rich.table import Table


class Estimated(Protocol):
    """A figure with the ends of its 95 % interval, where it has one."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


def with_interval(item: Estimated | None, factor: float, digits: int) -> str:
    """`value [low, high]`, each times `factor`; a dash for no figure."""
    if item is None:
        return "–"
    text = f"{factor * item.value:.{digits}f}"
    if item.low is None or item.high is None:
        return text
    return f"{text} [{factor * item.low:.{digits}f}, {factor * item.high:.{digits}f}]"


def terminal_table(
    title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], *, words: Collection[str]
) -> Table:
    """For a console; columns of `words` stand left, figures right."""
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    for header in headers:
        table.add_column(header, justify="left" if header in words else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Its lines."""
    return [
        f"| {' | '.join(headers)} |",
        f"|{' --- |' * len(headers)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def html_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    cards: bool = False,
    minor: Collection[str] = (),
) -> str:
    """A table whose cells are HTML already; the first column is a row's name.

    On a phone each row of `cards` becomes a block of its own, and `minor` columns are left out.
    """
    marks = {name: ' class="minor"' if name in minor else "" for name in headers}
    head = "".join(f'<th scope="col"{marks[name]}>{escape(name)}</th>' for name in headers)
    body = "\n".join(
        "<tr>"
        + f'<th scope="row">{row[0]}</th>'
        + "".join(
            f'<td data-label="{escape(name)}"{marks[name]}>{cell}</td>'
            for name, cell in zip(headers[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    kind = ' class="cards"' if cards else ""
    return (
        f'<div class="wide"><table{kind}><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def facts(items: Mapping[str, str]) -> str:
    """Names and values, one a line; values are HTML already."""
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in items.items())
    return f"<dl>{lines}</dl>"


def bar(share: float | None) -> str:
    """A share as a number over a bar of that length."""
    if share is None:
        return "–"
    percent = 100 * share
    return f'<span class="bar" style="--share:{percent:.1f}%">{percent:.1f}</span>'
