"""How Python values become an Arrow table of a DuckDB table's own types."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lamas.errors import WarehouseError

Columns = Mapping[str, Sequence[object] | NDArray[np.float32]]
"""Values of each column, all of one length; a matrix has a row for each value."""


class ArrowTable(Protocol):
    """The part of `pyarrow.Table` used here; pyarrow has no type information of its own."""

    @property
    def num_rows(self) -> int: ...


class ArrowField(Protocol):
    """The part of `pyarrow.Field` used here."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> object: ...


Layout = Sequence[ArrowField]
"""Names and types of a table's columns in their order."""


def layout_of(connection: duckdb.DuckDBPyConnection, table: str) -> Layout:
    """Columns of a stored table."""
    schema = connection.sql(f"FROM {table} LIMIT 0").to_arrow_table().schema
    return cast("Layout", list(schema))


def arrow_table(columns: Columns, layout: Layout) -> ArrowTable:
    """The values of all columns of the layout as Arrow.

    Half a surrogate pair, which a model's text may hold and UTF-8 cannot, becomes "?". Raises
    WarehouseError for a value that its column cannot hold.
    """
    try:
        return _built(columns, layout)
    except UnicodeEncodeError:
        return _built({name: _encodable(values) for name, values in columns.items()}, layout)


def _built(columns: Columns, layout: Layout) -> ArrowTable:
    arrays: dict[str, object] = {}
    for field in layout:
        values = list(columns[field.name])
        try:
            arrays[field.name] = pa.array(values, type=field.type)
        except UnicodeEncodeError:
            raise
        except (OverflowError, ValueError, TypeError) as error:
            row = _first_refused(values, field)
            raise WarehouseError(
                f"{_whose(columns, layout, row)}: {field.name}={str(values[row])[:40]} cannot be "
                f"stored as {field.type} ({str(error)[:120]}); nothing of its batch was stored"
            ) from None
    return cast("ArrowTable", pa.table(arrays))


def _first_refused(values: Sequence[object], field: ArrowField) -> int:
    for row, value in enumerate(values):
        try:
            pa.array([value], type=field.type)
        except (OverflowError, ValueError, TypeError):
            return row
    raise AssertionError("one of the values was refused")


def _whose(columns: Columns, layout: Layout, row: int) -> str:
    """The row by its identifiers: of a rollout's parts they begin with the rollout's."""
    names = [field.name for field in layout if field.name.endswith("_id")]
    return next((f"{name} {columns[name][row]}" for name in names), f"row {row}")


def _encodable(values: Sequence[object] | NDArray[np.float32]) -> Sequence[object]:
    return [_clean(value) for value in values]


def _clean(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list | tuple):
        return [_clean(item) for item in cast("Sequence[object]", value)]
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        return {key: _clean(item) for key, item in entries.items()}
    return value
