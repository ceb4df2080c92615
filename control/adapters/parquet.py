"""A look into Parquet objects that an engine wrote."""

import io
from collections import Counter
from typing import Any

_PLAIN = {
    "int8": "tinyint", "int16": "smallint", "int32": "int", "int64": "bigint", "float": "float",
    "double": "double", "bool": "boolean", "date32[day]": "date",
}  # fmt: skip


def event_kinds(body: bytes) -> dict[str, int]:
    """Count the control records of an events object by kind (`truncate-table`, `add-column`, …)."""
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(body), columns=["event"])
    return dict(Counter(table.column("event").to_pylist()))


def hive_columns(body: bytes) -> tuple[tuple[str, str], ...]:
    """Name and Hive type of each column of a Parquet object, from its footer."""
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
