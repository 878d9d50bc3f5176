"""`lamas export`: the warehouse as it is now, as Parquet files or as a DuckDB file."""

import argparse
from pathlib import Path

from flows.cli.line import Command, add_overrides, settings_of


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", type=Path, help="a new folder for Parquet files, or a new file ending in .duckdb"
    )
    add_overrides(parser)


def _handle(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    from flows.wiring.parts import open_warehouse
    from warehouse.snapshot import export_duckdb, export_parquet

    warehouse, target = open_warehouse(settings), options.target
    export = (
        export_duckdb(warehouse, target)
        if target.suffix == ".duckdb"
        else export_parquet(warehouse, target, views=settings.export.views)
    )
    size = sum(item.bytes for item in export.files) / 1e6
    rows = sum(export.rows.values())
    print(f"{target}: {rows:,} rows of {len(export.rows)} tables, {size:,.1f} MB, read back")
    return 0


COMMAND = Command(
    name="export",
    text="write the warehouse as it is now to Parquet files or a DuckDB file",
    add=_add,
    handle=_handle,
)
