"""Whether a key stands anywhere in a home folder: `python -m flows.secret_scan HOME --env NAME`."""

import argparse
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import duckdb

from warehouse import Warehouse

_Look = Callable[[Path, str], Iterator[str]]


def leaks(home: Path, secret: str) -> list[str]:
    """Places that hold `secret`: files, and columns of databases, whose files may compress it."""
    found: list[str] = []
    databases: list[tuple[Path, _Look]] = []
    for file in sorted(path for path in home.rglob("*") if path.is_file()):
        content = file.read_bytes()
        if secret.encode() in content:
            found.append(str(file))
        if content[8:12] == b"DUCK":
            databases.append((file, _in_warehouse))
        elif content.startswith(b"SQLite format 3"):
            databases.append((file, _in_sqlite))
    # Closing a database removes its log: not before that was read, too.
    for file, look in databases:
        found += [f"{file}: {place}" for place in look(file, secret)]
    return found


def _in_warehouse(file: Path, secret: str) -> Iterator[str]:
    warehouse = Warehouse.open(file)
    columns = warehouse.query(
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE NOT internal AND table_name IN (SELECT table_name FROM duckdb_tables()) "
        "ORDER BY ALL"
    ).rows()
    for table, column in columns:
        # A cast finds it in lists, structures and JSON, too.
        sql = f'SELECT count(*) FROM {table} WHERE contains("{column}"::VARCHAR, ?)'
        if warehouse.query(sql, [secret]).item():
            yield f"{table}.{column}"


def _in_sqlite(file: Path, secret: str) -> Iterator[str]:
    with closing(sqlite3.connect(file)) as connection:
        tables: list[tuple[str]] = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
        for (table,) in tables:
            columns: list[tuple[int, str]] = connection.execute(
                f'PRAGMA table_info("{table}")'
            ).fetchall()
            for _, column, *_ in columns:
                sql = f'SELECT 1 FROM "{table}" WHERE instr("{column}", ?) LIMIT 1'
                if connection.execute(sql, (secret,)).fetchone():
                    yield f"{table}.{column}"


def main(arguments: Sequence[str] | None = None) -> int:
    """1 when the key is found somewhere, and where; the key itself is not printed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--env", required=True, help="environment variable that holds the key")
    options = parser.parse_args(arguments)
    secret = os.environ.get(options.env, "")
    if len(secret) < 8:
        print(f"secret_scan: {options.env} holds no key of 8 characters or more", file=sys.stderr)
        return 2
    try:
        found = leaks(options.home, secret)
    except (OSError, sqlite3.Error, duckdb.Error) as error:
        print(f"secret_scan: {options.home} cannot be read ({error})", file=sys.stderr)
        return 2
    for place in found:
        print(place)
    print(f"{len(found)} places hold the key" if found else "the key is nowhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
