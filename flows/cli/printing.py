"""Tables for the terminal and for Prefect artifacts."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import polars as pl
from rich.table import Table

from lamas.domain.printable import printable
from lamas.errors import ConfigurationError
from lamas.report.terminal import table_console
from warehouse import AuditResult


def read_sql_file(path: Path) -> str:
    """The text of a .sql file; ConfigurationError when it cannot be read."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the SQL file {path} cannot be read: {error}") from None


def print_frame(frame: pl.DataFrame, style: Literal["table", "csv", "json"]) -> None:
    """Print a query's result to stdout, every row and column."""
    if style == "csv":
        print(_for_stdout(frame.write_csv()), end="")
    elif style == "json":
        print(_for_stdout(frame.write_json()))
    else:
        console = table_console()
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name, dtype in frame.schema.items():
            table.add_column(name, justify="right" if dtype.is_numeric() else "left")
        for row in frame.iter_rows():
            table.add_row(*(_cell(value) for value in row))
        console.print(table)
        console.print(f"({frame.height} row{'' if frame.height == 1 else 's'})", style="dim")


def _for_stdout(text: str) -> str:
    # A program that reads a pipe wants what is stored; a terminal would obey it.
    return printable(text) if sys.stdout.isatty() else text


def print_audit(results: Sequence[AuditResult]) -> int:
    """Print one line per audit and the first bad rows; 1 when any audit returned a row."""
    console = table_console()
    bad = [result for result in results if result.rows.height]
    for result in results:
        mark = f"{result.rows.height} bad rows" if result.rows.height else "ok"
        console.print(f"{result.name:<44} {mark}", highlight=False)
    for result in bad:
        console.print(f"\n{result.name}: {result.description}", highlight=False)
        print_frame(result.rows.head(10), "table")
    console.print(f"\n{len(results)} audits, {len(bad)} with findings", highlight=False)
    return 1 if bad else 0


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
