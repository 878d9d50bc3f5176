"""What a home folder holds after a kill, and what of that is wrong."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lamas.domain import digest
from lamas.errors import WarehouseError
from warehouse import Warehouse, schema

# Of these two the status and the end change while a run goes on.
CHANGING = {"runs": "status, ended_at, error", "checkpoints": "status"}
TABLES = tuple(table.name for table in schema.TABLES)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What is stored at one moment."""

    rows: Mapping[str, frozenset[int]]
    """Hashes of whole rows by table."""
    answers: frozenset[str]
    """Keys of the answers in the response store."""
    replayed: frozenset[str]
    """Calls in the warehouse that were answered from the response store."""
    asked: frozenset[str]
    """Calls in the warehouse that the process which stored them asked itself, with success."""
    cancelled: frozenset[str] = frozenset()
    """Calls in the warehouse that were cancelled because their layer had ended."""
    cancelled_anew: frozenset[str] = frozenset()
    """Those of them that the process which stored them cancelled itself."""
    raced: int = 0
    """Rollouts in the warehouse of which a layer has a quorum."""
    completed: bool = False
    """Whether the run is marked as completed."""


NOTHING = Contents(
    rows={name: frozenset[int]() for name in TABLES},
    answers=frozenset[str](),
    replayed=frozenset[str](),
    asked=frozenset[str](),
)


def contents(home: Path) -> Contents:
    """What a home folder holds now; raises WarehouseError when its warehouse cannot be read."""
    path = home / "warehouse.duckdb"
    if not path.exists():
        return Contents(
            rows=NOTHING.rows,
            answers=_answers(home),
            replayed=frozenset[str](),
            asked=frozenset[str](),
        )
    warehouse = Warehouse.open(path)
    return Contents(
        rows={name: _rows(warehouse, name) for name in TABLES},
        answers=_answers(home),
        replayed=_calls(warehouse, replayed=True),
        asked=_calls(warehouse, replayed=False),
        cancelled=_calls(warehouse, status="cancelled"),
        cancelled_anew=_calls(warehouse, status="cancelled", replayed=False),
        raced=warehouse.query(
            "SELECT DISTINCT rollout_id FROM decisions WHERE quorum IS NOT NULL"
        ).height,
        completed=not warehouse.query("FROM runs WHERE status = 'completed'").is_empty(),
    )


def faults_of_now(home: Path) -> list[str]:
    """Sentences about what cannot be opened or fails an audit."""
    if not (home / "warehouse.duckdb").exists():
        return []
    try:
        warehouse = Warehouse.open(home / "warehouse.duckdb")
        return [
            f"audit {result.name} has {result.rows.height} findings"
            for result in warehouse.audit()
            if result.rows.height
        ]
    except WarehouseError as error:
        return [f"the warehouse does not open: {error}"]


def running(home: Path) -> int:
    """How many runs of a home count as running."""
    if not (home / "warehouse.duckdb").exists():
        return 0
    warehouse = Warehouse.open(home / "warehouse.duckdb")
    return warehouse.query("FROM runs WHERE status = 'running'").height


def faults_since(before: Contents, now: Contents) -> list[str]:
    """Sentences about what is lost, doubled or paid twice between two moments of one home."""
    faults: list[str] = []
    for table, rows in before.rows.items():
        lost = len(rows - now.rows[table])
        if lost:
            faults.append(f"{lost} rows of {table} that were stored are gone or changed")
    lost_answers = len(before.answers - now.answers)
    if lost_answers:
        faults.append(f"{lost_answers} paid answers are gone")
    # Whoever stores a rollout now had these answers from the start.
    again = len((now.asked - before.asked) & before.answers)
    if again:
        faults.append(f"{again} calls were asked again although their answers were stored")
    cut = {digest("cancelled", call) for call in now.cancelled_anew - before.cancelled}
    if cut & before.answers:
        faults.append(f"{len(cut & before.answers)} calls were made again that were cancelled")
    if len(now.rows["runs"]) > 1:
        faults.append(f"there are {len(now.rows['runs'])} runs where one was to be gone on with")
    return faults


def faults_of_the_end(now: Contents) -> list[str]:
    """Sentences about answers that a completed run paid for more or less often than it used."""
    # A cancelled call is kept under a key of its own; one that had ended when its layer did, or
    # before a restart, as any other.
    cut = {digest("cancelled", call): call for call in now.cancelled}
    used = now.asked | now.replayed | {key for key in cut if key in now.answers}
    used |= {call for key, call in cut.items() if call in now.answers or key not in used}
    if used == now.answers:
        return []
    return [
        f"{len(now.answers - used)} paid answers belong to no stored call, "
        f"{len(used - now.answers)} stored calls to no paid answer"
    ]


def _rows(warehouse: Warehouse, table: str) -> frozenset[int]:
    but = f"EXCLUDE ({CHANGING[table]})" if table in CHANGING else ""
    found = warehouse.query(f"SELECT hash(t) FROM (SELECT * {but} FROM {table}) AS t").rows()
    return frozenset(int(value) for (value,) in found)


def _calls(
    warehouse: Warehouse, *, status: str = "ok", replayed: bool | None = None
) -> frozenset[str]:
    found = warehouse.query(
        "SELECT DISTINCT call_id FROM model_calls "
        "WHERE status = $1 AND coalesce(replayed = $2, TRUE)",
        [status, replayed],
    ).rows()
    return frozenset(str(name) for (name,) in found)


def _answers(home: Path) -> frozenset[str]:
    path = home / "responses.sqlite"
    if not path.exists():
        return frozenset[str]()
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        if ("responses",) not in tables:
            return frozenset[str]()
        found = connection.execute("SELECT key FROM responses").fetchall()
    return frozenset(str(key) for (key,) in found)
