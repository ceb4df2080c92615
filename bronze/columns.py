"""Build the columns of a bronze file: the contract's own, what is made of them, and what the parser adds."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa

from bronze.contract import BronzeContract
from bronze.errors import TokenKeyError
from bronze.tokens import token

# For so many, Python is quicker than importing Arrow's functions, which takes 25 ms.
FEW_ROWS = 500
OPERATIONS = ("load", "insert", "update", "delete")
# Their type: everywhere as places in the same dictionary, so that no row group has another.
OPERATION = pa.dictionary(pa.int32(), pa.string())


def table_of(rows: Iterable[Sequence[object]], schema: Any) -> Any:
    """An Arrow table of Python rows, each in the order of `schema`."""
    columns = tuple(zip(*rows, strict=True)) or ((),) * len(schema)
    arrays = [_array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(values: Sequence[object], kind: Any) -> Any:
    if kind != OPERATION:
        return pa.array(values, kind)
    return pa.DictionaryArray.from_arrays(pa.array(map(OPERATIONS.index, values), pa.int32()), OPERATIONS)


def loads(count: int) -> Any:
    """The operations of so many loads."""
    return operations(pa.repeat(pa.scalar(0, pa.int32()), count))


def operations(places: Any) -> Any:
    """The operations that have these places in OPERATIONS."""
    return pa.DictionaryArray.from_arrays(places, OPERATIONS)


def in_order(tables: Iterable[Any], order: Sequence[str]) -> Any:
    """The rows of `tables`, which are of one schema and each in order, by the columns `order`, ascending."""
    first, *others = tables
    filled = [table for table in (first, *others) if table.num_rows]
    if len(filled) < 2:
        return filled[0] if filled else first
    return pa.concat_tables(filled).sort_by([(name, "ascending") for name in order])


def finisher(
    contract: BronzeContract, constants: dict[str, object], token_key: bytes | None
) -> Callable[[Any], Any]:
    """A function that gives a table of parsed rows the contract's bronze columns.

    `constants` has the values of columns that are the same in every row. Raises TokenKeyError when the
    contract wants tokens and there is no key.
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
    repeated: dict[str, Any] = {}  # the longest that was needed, of which others are a part

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
    """HMAC-SHA256 of each text, in hex; null stays null."""
    texts = column.to_pylist()
    return pa.array([None if text is None else token(text, key) for text in texts], pa.string())


def _microseconds(column: Any) -> Any:
    """The same bytes as integers: since 1970 UTC; null stays null."""
    return pa.chunked_array([chunk.view(pa.int64()) for chunk in column.chunks], pa.int64())


def _repeated(value: object, kind: Any, count: int) -> Any:
    if value is None:
        return pa.nulls(count, kind)
    if pa.types.is_string(kind):
        # 4 bytes a row instead of the text: a file id alone is 17 MB a row group.
        return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), pa.array([value]))
    return pa.repeat(pa.scalar(value, kind), count)
