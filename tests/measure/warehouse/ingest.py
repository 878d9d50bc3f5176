"""How fast rollouts are stored, beside raw inserts of the same rows, and in how much memory."""

import resource
import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from tests.measure.warehouse import latency as bench_latency
from tests.measure.warehouse import rollouts as bench_rollouts
from tests.measure.warehouse.runs import prepare
from warehouse import rows
from warehouse.arrow import ArrowTable, Layout, arrow_table, layout_of
from warehouse.connection import connect
from warehouse.schema import (
    DECISIONS,
    INVOCATIONS,
    LABELS,
    MODEL_CALLS,
    ROLLOUTS,
    TOOL_EXECUTIONS,
)
from warehouse.warehouse import Warehouse
from warehouse.writer import ROLLOUTS_IN_TRANSACTION, LabelledRollout, Writer

_TABLES = (ROLLOUTS, DECISIONS, INVOCATIONS, MODEL_CALLS, TOOL_EXECUTIONS, LABELS)


def measure(warehouse: Warehouse, folder: Path, rollouts: int, size: int) -> None:
    """Store `rollouts` rollouts, `size` at once; then the same raw, in `folder`; print both."""
    measured = _write(warehouse, rollouts, size)
    measured.print_memory()
    layouts = _layouts(warehouse)
    keyed = Warehouse.open(folder / "keyed.duckdb", create=True)
    prepare(Writer(keyed), rollouts)
    raw = _raw(keyed.path, rollouts, layouts)
    keyed.path.unlink()
    bare_file = folder / "bare.duckdb"
    bare = _raw(bare_file, rollouts, layouts)
    bare_file.unlink()
    measured.print_rates(rollouts, raw, bare)


class _Measured:
    """Seconds of writing each batch, and memory of the process on the way."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.rows = 0
        self.resident_mib: list[float] = []
        """After each batch."""
        self.peak_mib: list[float] = []
        """Up to the end of each batch."""

    def print_rates(self, rollouts: int, raw: float, bare: float) -> None:
        written = sum(self.seconds)
        first, last = self._quarters(self.seconds)[0], self._quarters(self.seconds)[-1]
        print(
            f"{rollouts} rollouts, {self.rows} rows, {len(self.seconds)} batches\n"
            f"writer           {self.rows / written:12,.0f} rows/s  {written:.1f} s  "
            f"(builds Arrow, opens and releases the file for each batch)\n"
            f"raw, same tables {self.rows / raw:12,.0f} rows/s  {raw:.1f} s  "
            f"(ready Arrow, one connection)  writer takes {written / raw:.2f} ×\n"
            f"raw, no keys     {self.rows / bare:12,.0f} rows/s  {bare:.1f} s  "
            f"(ready Arrow, one connection)  writer takes {written / bare:.2f} ×\n"
            f"a batch          {1000 * sum(first) / len(first):12.0f} ms in the first quarter, "
            f"{1000 * sum(last) / len(last):.0f} ms in the last",
            flush=True,
        )

    def print_memory(self) -> None:
        for name, values in (("resident", self.resident_mib), ("peak", self.peak_mib)):
            ends = " / ".join(f"{quarter[-1]:,.0f}" for quarter in self._quarters(values))
            print(f"{name:<16} {ends} MiB after 25 / 50 / 75 / 100 % of the rollouts", flush=True)

    def _quarters(self, values: Sequence[float]) -> list[Sequence[float]]:
        count = min(4, len(values))
        ends = [len(values) * part // count for part in range(count + 1)]
        return [values[low:high] for low, high in pairwise(ends)]


def _write(warehouse: Warehouse, rollouts: int, size: int) -> _Measured:
    writer, measured = Writer(warehouse), _Measured()
    for batch in bench_rollouts.batches(rollouts, size):
        started = time.perf_counter()
        writer.add_rollouts(batch)
        measured.seconds.append(time.perf_counter() - started)
        measured.rows += bench_rollouts.row_count(batch)
        writer.add_credits(
            bench_rollouts.credits(batch), predictions=bench_latency.predictions(batch)
        )
        measured.resident_mib.append(_resident_mib())
        measured.peak_mib.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return measured


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _raw(path: Path, rollouts: int, layouts: dict[str, Layout]) -> float:
    """Seconds of inserting ready Arrow tables in the same transactions on one open connection."""
    seconds = 0.0
    with connect(path, read_only=False, timeout_seconds=0) as connection:
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
        TOOL_EXECUTIONS.name: partial(rows.tool_columns, rollouts),
        LABELS.name: partial(rows.label_columns, [labels for _, labels in batch]),
    }
    return {
        name: arrow_table(build([field.name for field in layouts[name]]), layouts[name])
        for name, build in columns.items()
    }


def _layouts(warehouse: Warehouse) -> dict[str, Layout]:
    with warehouse.reading() as connection:
        return {table.name: layout_of(connection, table.name) for table in _TABLES}
