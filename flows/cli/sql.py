"""`lamas sql`: a read-only query on the warehouse."""

import argparse
import sys
from pathlib import Path

from flows.cli.line import Command, add_overrides, settings_of
from lamas.errors import ConfigurationError


def _add(parser: argparse.ArgumentParser) -> None:
    text_help = 'SQL in quotes, for instance "FROM run_summary"'
    add_overrides(parser, text="QUERY", text_help=text_help)
    parser.add_argument("--file", type=Path, help="a .sql file, such as warehouse/queries/…")
    parser.add_argument("--format", choices=["table", "csv", "json"], default="table")
    parser.add_argument(
        "--unrestricted",
        action="store_true",
        help="let the query read and write other files (COPY, ATTACH, read_csv, extensions)",
    )


def _handle(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    from flows.cli.printing import print_frame, read_sql_file
    from flows.wiring.parts import open_warehouse

    query: str | None = options.text if options.file is None else read_sql_file(options.file)
    if not (query and query.strip()):
        raise ConfigurationError('give one query in quotes, as in lamas sql "FROM run_summary"')
    warehouse = open_warehouse(settings)
    try:
        frame = warehouse.ask(query, run_id=settings.run, unrestricted=options.unrestricted)
    except KeyboardInterrupt:
        print("lamas: the query was stopped before it had an answer", file=sys.stderr)
        return 130
    print_frame(frame, options.format)
    return 0


COMMAND = Command(
    name="sql",
    text="print the result of a read-only query on the warehouse",
    add=_add,
    handle=_handle,
)
