"""Convert values in Trino's JSON to Arrow columns, so that the same code formats both engines' answers.

Dates, times, intervals, JSON and the like stay as Trino's text, which is the same as Athena's.
"""

import base64
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from localcloud.athena.types import Type

Read = Callable[[Any], Any]


def table(names: Sequence[str], types: Sequence[Type], pages: Iterable[Sequence[Sequence[Any]]]) -> pa.Table:
    """Return pages of rows as one table, with one batch per page."""
    held = [_held(type_) for type_ in types]
    readers = [_reader(type_) for type_ in types]
    schema = pa.schema([pa.field(name, arrow) for name, arrow in zip(names, held, strict=True)])
    batches = [
        pa.record_batch(
            [
                pa.array([_read(read, row[at]) for row in rows], arrow)
                for at, (read, arrow) in enumerate(zip(readers, held, strict=True))
            ],
            schema=schema,
        )
        for rows in pages
    ]
    return pa.Table.from_batches(batches, schema)


_ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double": pa.float64(),
    "varbinary": pa.binary(),
}
_READERS: dict[str, Read] = {
    "boolean": lambda value: value in (True, "true"),
    "tinyint": int,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "real": float,  # NaN and Infinity are strings, and so is every key of a map
    "double": float,
    "decimal": Decimal,
    "varbinary": base64.b64decode,
}


def _held(type_: Type) -> pa.DataType:
    match type_.name:
        case "decimal":
            return pa.decimal128(*type_.numbers)
        case "array":
            return pa.list_(_held(type_.element))
        case "map":
            return pa.map_(_held(type_.parts[0][1]), _held(type_.element))
        case "row":
            return pa.struct([pa.field(name, _held(part)) for name, part in type_.parts])
    return _ARROW.get(type_.name, pa.string())


def _reader(type_: Type) -> Read:
    """Return a function that converts a non-null JSON value of this type."""
    parts = [_reader(part) for _, part in type_.parts]
    match type_.name:
        case "array":
            return lambda value: [_read(parts[0], one) for one in value]
        case "map":
            return lambda value: [(_read(parts[0], key), _read(parts[1], one)) for key, one in value.items()]
        case "row":
            # Pairs, since fields may share a name or have none.
            names = [name for name, _ in type_.parts]
            return lambda value: [
                (name, _read(read, one)) for name, read, one in zip(names, parts, value, strict=True)
            ]
    return _READERS.get(type_.name, str)


def _read(read: Read, value: Any) -> Any:
    return None if value is None else read(value)
