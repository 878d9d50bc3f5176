"""How the warehouse does at scale, printed by `python -m warehouse.bench`: ingest, views, size."""

import argparse
import resource
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import duckdb
import polars as pl

from warehouse import bench_rollouts, rows
from warehouse.arrow import ArrowTable, Layout, arrow_table, layout_of
from warehouse.schema import DECISIONS, INVOCATIONS, LABELS, MODEL_CALLS, ROLLOUTS
from warehouse.warehouse import Warehouse
from warehouse.writer import ROLLOUTS_IN_TRANSACTION, LabelledRollout, Writer

_ONE_RUN = {
    "run_id": "run_id = 'bench-0'",
    "rollout_id": "rollout_id IN (SELECT rollout_id FROM rollouts WHERE run_id = 'bench-0')",
}
"""What picks one run of a view that has the column."""
_TABLES = (ROLLOUTS, DECISIONS, INVOCATIONS, MODEL_CALLS, LABELS)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print rows per second of the writer and of raw inserts, then each view's latency."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=4000, help="rollouts in all")
    parser.add_argument("--batch", type=int, default=1024, help="rollouts written at once")
    parser.add_argument("--repeats", type=int, default=5, help="times that each view is read")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Warehouse.open(Path(folder) / "bench.duckdb", create=True)
        bench_rollouts.prepare(Writer(warehouse), options.rollouts)
        measured = _write(warehouse, options.rollouts, options.batch)
        layouts = _layouts(warehouse)
        keyed = Warehouse.open(Path(folder) / "keyed.duckdb", create=True)
        bench_rollouts.prepare(Writer(keyed), options.rollouts)
        raw = _raw(keyed.path, options.rollouts, layouts)
        keyed.path.unlink()
        bare = _raw(Path(folder) / "bare.duckdb", options.rollouts, layouts)
        _print_ingest(options.rollouts, measured, raw, bare)
        size = warehouse.path.stat().st_size
        print(f"size             {size / options.rollouts:12,.0f} bytes a rollout, with credits")
        _print_views(warehouse, options.repeats)
        _print_audits(warehouse)


class _Measured:
    """Seconds of writing, and resident memory on the way."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.rows = 0
        self.peak_mib: list[float] = []


def _write(warehouse: Warehouse, rollouts: int, size: int) -> _Measured:
    writer, measured = Writer(warehouse), _Measured()
    for batch in bench_rollouts.batches(rollouts, size):
        started = time.perf_counter()
        writer.add_rollouts(batch)
        measured.seconds.append(time.perf_counter() - started)
        measured.peak_mib.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        measured.rows += sum(len(labels) for _, labels in batch) * 4 + len(batch)
        writer.add_credits(bench_rollouts.credits(batch))
    return measured


def _raw(path: Path, rollouts: int, layouts: dict[str, Layout]) -> float:
    """Seconds of inserting ready Arrow tables in the same transactions on one open connection."""
    seconds = 0.0
    with duckdb.connect(str(path)) as connection:
        stored = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        known = {name for (name,) in stored}
        for batch in bench_rollouts.batches(rollouts, ROLLOUTS_IN_TRANSACTION):
            tables = _arrow(batch, layouts)
            for name in tables.keys() - known:
                connection.register("incoming", tables[name])
                connection.execute(f"CREATE TABLE {name} AS FROM incoming LIMIT 0")
                known.add(name)
            started = time.perf_counter()
            connection.begin()
            for name, table in tables.items():
                connection.register("incoming", table)
                connection.execute(f"INSERT INTO {name} BY NAME FROM incoming")
            connection.commit()
            seconds += time.perf_counter() - started
        started = time.perf_counter()
        connection.execute("CHECKPOINT")
        return seconds + time.perf_counter() - started


def _arrow(batch: Sequence[LabelledRollout], layouts: dict[str, Layout]) -> dict[str, ArrowTable]:
    rollouts = [rollout for rollout, _ in batch]
    columns = {
        ROLLOUTS.name: partial(rows.rollout_columns, rollouts),
        DECISIONS.name: partial(rows.decision_columns, rollouts),
        INVOCATIONS.name: partial(rows.invocation_columns, rollouts),
        MODEL_CALLS.name: partial(rows.call_columns, rollouts),
        LABELS.name: partial(rows.label_columns, [labels for _, labels in batch]),
    }
    return {
        name: arrow_table(build([field.name for field in layouts[name]]), layouts[name])
        for name, build in columns.items()
    }


def _layouts(warehouse: Warehouse) -> dict[str, Layout]:
    with warehouse.reading() as connection:
        return {table.name: layout_of(connection, table.name) for table in _TABLES}


def _print_ingest(rollouts: int, measured: _Measured, raw: float, bare: float) -> None:
    written, quarter = sum(measured.seconds), max(1, len(measured.seconds) // 4)
    first, last = measured.seconds[:quarter], measured.seconds[-quarter:]
    print(
        f"{rollouts} rollouts, {measured.rows} rows, {len(measured.seconds)} transactions\n"
        f"writer           {measured.rows / written:12,.0f} rows/s  {written:.1f} s  "
        f"(builds Arrow, opens and releases the file for each batch)\n"
        f"raw, same tables {measured.rows / raw:12,.0f} rows/s  {raw:.1f} s  "
        f"(ready Arrow, one connection)  writer takes {written / raw:.2f} ×\n"
        f"raw, no keys     {measured.rows / bare:12,.0f} rows/s  {bare:.1f} s  "
        f"(ready Arrow, one connection)  writer takes {written / bare:.2f} ×\n"
        f"a batch          {1000 * sum(first) / len(first):12.0f} ms in the first quarter, "
        f"{1000 * sum(last) / len(last):.0f} ms in the last\n"
        f"peak memory      {measured.peak_mib[quarter - 1]:12.0f} MiB after the first quarter, "
        f"{measured.peak_mib[-1]:.0f} MiB at the end",
        flush=True,
    )


def _print_views(warehouse: Warehouse, repeats: int) -> None:
    names = warehouse.query(
        "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY view_name"
    )["view_name"].to_list()
    for name in names:
        whole, height = _p95(warehouse, f"FROM {name}", repeats)
        columns = warehouse.query(f"FROM {name} LIMIT 0").columns
        line = f"{name:<24} {height:10,} rows  p95 {whole:.2f} s"
        condition = next((_ONE_RUN[key] for key in _ONE_RUN if key in columns), None)
        if condition:
            part, height = _p95(warehouse, f"FROM {name} WHERE {condition}", repeats)
            line += f"   of one run {height:8,} rows  p95 {part:.2f} s"
        print(line, flush=True)


def _p95(warehouse: Warehouse, sql: str, repeats: int) -> tuple[float, int]:
    """Seconds from opening the file to having all rows here, and how many they are."""
    seconds: list[float] = []
    height = 0
    for _ in range(repeats):
        started = time.perf_counter()
        height = warehouse.query(sql).height
        seconds.append(time.perf_counter() - started)
    return float(pl.Series(seconds).quantile(0.95, "higher") or 0.0), height


def _print_audits(warehouse: Warehouse) -> None:
    started = time.perf_counter()
    found = [result.name for result in warehouse.audit() if result.rows.height]
    print(f"audits           {time.perf_counter() - started:12.1f} s  {found or 'all clean'}")


if __name__ == "__main__":
    main()
