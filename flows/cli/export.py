"""`lamas export`: the warehouse as it is now, or its answers so that they can be given again."""

import argparse
from pathlib import Path

from flows.cli.line import Command, add_overrides, settings_of


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target",
        type=Path,
        help="a new folder for Parquet files, a new file ending in .duckdb, or one ending in "
        ".parquet or .jsonl for the answers alone, as llm=recorded reads them",
    )
    add_overrides(parser)


def _handle(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings is None:
        return 0
    from flows.wiring.warehouse import open_warehouse
    from warehouse.replay import FORMATS, export_answers
    from warehouse.snapshot import export_duckdb, export_parquet
    from warehouse.traffic import export_questions

    warehouse, target = open_warehouse(settings), options.target
    if settings.export.questions:
        questions = export_questions(warehouse, target)
        print(f"{target}: {questions:,} questions; learn from them with benchmark=traffic")
        return 0
    if target.suffix in FORMATS:
        answers = export_answers(warehouse, target, run_id=settings.run)
        print(f"{target}: {answers:,} answers; give them again with llm=recorded llm.path={target}")
        return 0
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
    text="write the warehouse to Parquet files or a DuckDB file, or its answers to be given again",
    add=_add,
    handle=_handle,
)
