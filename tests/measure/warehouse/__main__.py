"""How the warehouse does at scale, printed by `python -m tests.measure.warehouse`."""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from lamas.errors import WarehouseError
from tests.measure.warehouse import ingest as bench_ingest
from tests.measure.warehouse import latency as bench_latency
from tests.measure.warehouse.others import add_others
from tests.measure.warehouse.runs import prepare
from warehouse.warehouse import Warehouse
from warehouse.writer import Writer

LIMIT_SECONDS = 1.0
"""What no view should take longer than."""
_ONE_RUN = {
    "run_id": "run_id = 'bench-0'",
    "rollout_id": "rollout_id IN (SELECT rollout_id FROM rollouts WHERE run_id = 'bench-0')",
}
"""What picks one run of a view that has the column."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print rows per second of the writer and of raw inserts, memory, and each view's latency."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=4000, help="rollouts in all")
    parser.add_argument("--batch", type=int, default=1024, help="rollouts written at once")
    parser.add_argument("--repeats", type=int, default=5, help="times that each view is read")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--keep", type=Path, metavar="FILE", help="keep the warehouse there")
    kept.add_argument("--from", type=Path, metavar="FILE", dest="made", help="read a kept one only")
    options = parser.parse_args(arguments)
    if options.made:
        warehouse = Warehouse.open(options.made)
        _print_reading(warehouse, options.repeats)
        return
    if options.keep and options.keep.exists():
        raise WarehouseError(f"{options.keep} exists: give --keep the path of a new file")
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Warehouse.open(options.keep or Path(folder) / "bench.duckdb", create=True)
        writer = Writer(warehouse)
        prepare(writer, options.rollouts)
        writer.add_latency_fit(bench_latency.fit(options.rollouts), [])
        bench_ingest.measure(warehouse, Path(folder), options.rollouts, options.batch)
        add_others(writer, options.rollouts)
        _print_reading(warehouse, options.repeats)


def _print_reading(warehouse: Warehouse, repeats: int) -> None:
    rollouts = warehouse.query("SELECT count(*) FROM rollouts").item()
    size = warehouse.path.stat().st_size
    print(
        f"size             {size / 2**20:12,.0f} MiB, {size / rollouts:,.0f} bytes a rollout, "
        "with credits"
    )
    _print_views(warehouse, repeats)
    _print_audits(warehouse)


def _print_views(warehouse: Warehouse, repeats: int) -> None:
    names = warehouse.query(
        "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY view_name"
    )["view_name"].to_list()
    slow: list[str] = []
    for name in names:
        whole, height = _p95(warehouse, f"FROM {name}", repeats)
        columns = warehouse.query(f"FROM {name} LIMIT 0").columns
        line = f"{name:<24} in whole {height:10,} rows  p95 {whole:.2f} s"
        condition = next((_ONE_RUN[key] for key in _ONE_RUN if key in columns), None)
        slow += [f"{name} in whole"] * (whole > LIMIT_SECONDS)
        if condition:
            part, height = _p95(warehouse, f"FROM {name} WHERE {condition}", repeats)
            line += f"   one run {height:8,} rows  p95 {part:.2f} s"
            slow += [f"{name} of one run"] * (part > LIMIT_SECONDS)
        print(line, flush=True)
    print(f"views above {LIMIT_SECONDS:g} s  {', '.join(slow) or 'none'}")


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
