"""Read and write small Parquet objects."""

import io
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from control.ports import CatalogColumn

_PLAIN = {
    "int8": "tinyint", "int16": "smallint", "int32": "int", "int64": "bigint", "float": "float",
    "double": "double", "bool": "boolean", "date32[day]": "date",
}  # fmt: skip


def event_kinds(body: bytes) -> dict[str, int]:
    """Count the control records of an events object by kind (`truncate-table`, `add-column`, …)."""
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(body), columns=["event"])
    return dict(Counter(table.column("event").to_pylist()))


def encode(columns: Sequence[CatalogColumn], rows: Sequence[Sequence[object]]) -> bytes:
    """Encode rows as a Parquet object. Supported types: string, bigint, double, timestamp."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "string": pa.string(),
        "bigint": pa.int64(),
        "double": pa.float64(),
        "timestamp": pa.timestamp("us"),
    }
    arrays = [
        pa.array([_naive(row[at]) for row in rows], types[column.type]) for at, column in enumerate(columns)
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays, names=[column.name for column in columns]), sink)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def decode(body: bytes) -> list[dict[str, Any]]:
    """Return the rows of a small Parquet object, times in UTC."""
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(body)).to_pylist()
    return [{name: _aware(value) for name, value in row.items()} for row in rows]


def _aware(value: object) -> object:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _naive(value: object) -> object:
    """Convert times to UTC without a time zone, as Athena stores them."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def hive_columns(body: bytes) -> tuple[tuple[str, str], ...]:
    """Return name and Hive type of each column of a Parquet object, from its footer."""
    import pyarrow.parquet as pq

    return tuple((field.name, _hive(field.type)) for field in pq.read_schema(io.BytesIO(body)))


def _hive(kind: Any) -> str:
    import pyarrow as pa

    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_list(kind):
        return f"array<{_hive(kind.value_type)}>"
    if pa.types.is_map(kind):
        return f"map<{_hive(kind.key_type)},{_hive(kind.item_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{field.name}:{_hive(field.type)}' for field in kind)}>"
    return _PLAIN.get(str(kind), str(kind))
