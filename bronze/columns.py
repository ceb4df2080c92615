"""Build the columns of a bronze file: the contract's, those derived from them, and the parser's own."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa

from bronze.contract import BronzeContract
from bronze.errors import TokenKeyError
from bronze.tokens import token

# Up to this many rows, Python is faster than importing Arrow's functions, which takes 25 ms.
FEW_ROWS = 500
OPERATIONS = ("load", "insert", "update", "delete")
# Their type: indices into the same dictionary in all row groups.
OPERATION = pa.dictionary(pa.int32(), pa.string())


def table_of(rows: Iterable[Sequence[object]], schema: Any) -> Any:
    """Return an Arrow table of Python rows, each in the order of `schema`."""
    columns = tuple(zip(*rows, strict=True)) or ((),) * len(schema)
    arrays = [_array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(values: Sequence[object], kind: Any) -> Any:
    if kind != OPERATION:
        return pa.array(values, kind)
    return pa.DictionaryArray.from_arrays(pa.array(map(OPERATIONS.index, values), pa.int32()), OPERATIONS)


def loads(count: int) -> Any:
    """Return the operations column of `count` loads."""
    return operations(pa.repeat(pa.scalar(0, pa.int32()), count))


def operations(places: Any) -> Any:
    """Return the operations column with these indices in OPERATIONS."""
    return pa.DictionaryArray.from_arrays(places, OPERATIONS)


def in_order(tables: Iterable[Any], order: Sequence[str]) -> Any:
    """Merge `tables`, which have one schema and are sorted each, by the columns `order`, ascending."""
    first, *others = tables
    filled = [table for table in (first, *others) if table.num_rows]
    if len(filled) < 2:
        return filled[0] if filled else first
    return pa.concat_tables(filled).sort_by([(name, "ascending") for name in order])


def finisher(
    contract: BronzeContract, constants: dict[str, object], token_key: bytes | None
) -> Callable[[Any], Any]:
    """Return a function that turns a table of parsed rows into the contract's bronze columns.

    `constants` has the columns with the same value in every row. Raises TokenKeyError if the contract has
    tokens but there is no key.
    """
    tokens = {f"{column.stored}_token": column.name for column in contract.columns if column.token}
    exact = {f"{column.stored}_us": column.name for column in contract.columns if column.type == "timestamp"}
    read = {column.stored: column.name for column in contract.columns}
    if tokens and not token_key:
        raise TokenKeyError(
            f"{contract.table} has tokens of {', '.join(tokens.values())}, and no key is set to make them",
            hint="set DM_TOKEN_KEY to the secret that all tables share",
        )
    key = token_key or b""
    repeated: dict[str, Any] = {}  # the longest column needed so far; shorter ones are slices of it

    def constant(field: Any, count: int) -> Any:
        if field.name not in repeated or len(repeated[field.name]) < count:
            repeated[field.name] = _repeated(constants[field.name], field.type, count)
        return repeated[field.name].slice(0, count)

    def finish(table: Any) -> Any:
        columns = []
        for field in contract.arrow_schema:
            if field.name in tokens:
                column = _tokens(table.column(tokens[field.name]), key)
            elif field.name in exact:
                column = _microseconds(table.column(exact[field.name]))
            elif field.name in constants:
                column = constant(field, table.num_rows)
            else:
                column = table.column(read.get(field.name, field.name))
            columns.append(column)
        return pa.Table.from_arrays(columns, names=contract.arrow_schema.names)

    return finish


def _tokens(column: Any, key: bytes) -> Any:
    """Return the HMAC-SHA256 of each text, in hex; null stays null."""
    texts = column.to_pylist()
    return pa.array([None if text is None else token(text, key) for text in texts], pa.string())


def _microseconds(column: Any) -> Any:
    """Reinterpret timestamps as microseconds since 1970 UTC; null stays null."""
    return pa.chunked_array([chunk.view(pa.int64()) for chunk in column.chunks], pa.int64())


def _repeated(value: object, kind: Any, count: int) -> Any:
    if value is None:
        return pa.nulls(count, kind)
    if pa.types.is_string(kind):
        # 4 bytes per row instead of the text: file ids alone would take 17 MB per row group.
        return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), pa.array([value]))
    return pa.repeat(pa.scalar(value, kind), count)
