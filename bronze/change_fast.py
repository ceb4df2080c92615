"""Read change records that are certainly good with msgspec's typed decoder.

Records of one file mostly look alike: the same keys of metadata, the same kinds of values. A shape is learned
from one of them, and it is strict: every key required, no other allowed, every type as the exact rules have
it. What such a decoder takes and the exact rules do not is looked for apart: a key given twice shows in the
count of quotes, and lines with a backslash or with bytes that are not UTF-8 are left out before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from types import NoneType
from typing import Annotated, Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from bronze import sequence
from bronze.blocks import Block, is_utf8
from bronze.change_records import COMMITTED, row_columns
from bronze.contract import BronzeContract, Column
from bronze.lexical import CERTAIN_TIMESTAMP, reading
from bronze.schema import arrow_schema, arrow_type

_FLOAT_MAX = 3.4028234663852886e38


def _whole(bits: int) -> Any:
    return Annotated[int, msgspec.Meta(ge=-(2 ** (bits - 1)), le=2 ** (bits - 1) - 1)]


# No decimal: one written as a text would have quotes that the count cannot foresee.
_TYPES: dict[str, Any] = {
    "int": _whole(32),
    "bigint": _whole(64),
    "float": Annotated[float, msgspec.Meta(ge=-_FLOAT_MAX, le=_FLOAT_MAX)],
    "double": float,
    "boolean": bool,
    "date": str,
    "timestamp": str,
    "string": str,
}
_ORDER = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
# How many lines are looked at to find a record that a shape can be learned from.
_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Shape:
    """How the records of a file look.

    `decode` reads a record to `data.c<n>` for the contract's nth column and `metadata.m<n>` for the nth key
    of metadata; the other fields name some of those. `quotes` is how many quotes the keys and the texts of
    metadata have together.
    """

    decode: Any
    operation: str
    position: str | None
    committed: str | None
    order: str | None
    quotes: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows in the order of their lines, and the indices of the lines left to the exact rules."""

    rows: Any
    left: list[int]


def read(
    contract: BronzeContract, block: Block, lines: Sequence[bytes], *, epoch: int, extract: int
) -> Taken:
    """Read what is certain of `lines`, which are those of `block`, without their newlines."""
    shape = next(filter(None, (_learned(line, contract) for line in lines[:_LOOKED_AT])), None)
    nothing = Taken(arrow_schema(row_columns(contract)).empty_table(), list(range(len(lines))))
    if shape is None:
        return nothing
    records, taken, left = _decoded(shape, block.data, lines)
    raw = _raw_table(contract, shape, records, taken, block.line)
    quotes = block.data.count(b'"') - sum(lines[index].count(b'"') for index in left)
    if quotes != _quotes(contract, shape, raw):
        return nothing  # some key is there twice; which one is for the exact rules to say
    certain = _certain(contract, shape, raw)
    if not pc.all(certain).as_py():
        left = sorted([*left, *(taken[i] for i in pc.indices_nonzero(pc.invert(certain)).to_pylist())])
        raw = raw.filter(certain)
    return Taken(_finished(contract, shape, raw, epoch, extract), left)


def _decoded(shape: Shape, data: bytes, lines: Sequence[bytes]) -> tuple[list[Any], list[int], list[int]]:
    """The records that have the shape, the indices of their lines, and the indices of the other lines."""
    decode = shape.decode
    doubtful = b"\\" in data or not is_utf8(data)
    records: list[Any] = []
    taken: list[int] = []
    left: list[int] = []
    for index, line in enumerate(lines):
        if doubtful and (b"\\" in line or not is_utf8(line)):
            left.append(index)
            continue
        try:
            records.append(decode(line))
            taken.append(index)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            left.append(index)
    return records, taken, left


def _learned(line: bytes, contract: BronzeContract) -> Shape | None:
    if b"\\" in line:  # a key could hold what msgspec allows in no name, such as a newline
        return None
    try:
        record = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(record, dict) or record.keys() != {"data", "metadata"}:
        return None
    metadata = record["metadata"]
    if not isinstance(metadata, dict):
        return None
    kinds = tuple(sorted((key, type(value)) for key, value in metadata.items()))
    return _shape(contract, kinds, metadata.get("operation") == "load")


@lru_cache(maxsize=64)
def _shape(contract: BronzeContract, kinds: tuple[tuple[str, type], ...], loads: bool) -> Shape | None:
    """The shape of records whose metadata has these keys and types; None where no fast reading is certain."""
    types = dict(kinds)
    fields = {key: f"m{index}" for index, key in enumerate(types)}
    places = ("stream-position", *(COMMITTED if contract.position == "timestamp" else ()))
    position = None if loads else _first_text(types, places)
    committed = _first_text(types, COMMITTED)
    order = "transaction-record-id" if types.get("transaction-record-id") is int and not loads else None
    if (
        any(column.type not in _TYPES for column in contract.columns)
        or not {str, int, NoneType}.issuperset(types.values())
        or types.get("operation") is not str
        or types.get("record-type") is not str
        or any(types.get(key) is int for key in (*COMMITTED, *(() if loads else ("stream-position",))))
        or (not loads and (position is None or types.get("transaction-record-id") is str))
    ):
        return None
    read_as: dict[str, Any] = types | {
        "record-type": Literal["data"],
        "operation": Literal["load"] if loads else _change_operations(contract),
    }
    if order:
        read_as[order] = _ORDER
    data = _struct({f"c{index}": (c.name, _type(c)) for index, c in enumerate(contract.columns)})
    metadata = _struct({fields[key]: (key, kind) for key, kind in read_as.items()})
    texts = sum(kind is str for kind in types.values())
    record = _struct({"data": ("data", data), "metadata": ("metadata", metadata)})
    return Shape(
        decode=msgspec.json.Decoder(record).decode,
        operation=fields["operation"],
        position=position and fields[position],
        committed=committed and fields[committed],
        order=order and fields[order],
        quotes=2 * (2 + len(contract.columns) + len(types) + texts),
    )


def _struct(fields: dict[str, tuple[str, Any]]) -> Any:
    """A strict struct: name of each field, its JSON key and its type."""
    return msgspec.defstruct(
        "Record",
        [(name, kind) for name, (_, kind) in fields.items()],
        rename={name: key for name, (key, _) in fields.items()},
        forbid_unknown_fields=True,
        gc=False,
    )


def _type(column: Column) -> Any:
    return _TYPES[column.type] if column.required else _TYPES[column.type] | None


def _change_operations(contract: BronzeContract) -> Any:
    """The operations whose records need no before-image."""
    return (
        Literal["insert", "update", "delete"]
        if contract.before_image == "optional"
        else Literal["insert", "delete"]
    )


def _first_text(types: dict[str, type], keys: Iterable[str]) -> str | None:
    return next((key for key in keys if types.get(key) is str), None)


def _raw_table(
    contract: BronzeContract, shape: Shape, records: list[Any], taken: list[int], first_line: int
) -> Any:
    """The records as columns, times still as text; `_line` and what the shape names beside them."""
    data = [record.data for record in records]
    columns = {
        column.name: pa.array(map(attrgetter(f"c{index}"), data), _raw_type(column))
        for index, column in enumerate(contract.columns)
    }
    metadata = [record.metadata for record in records]
    columns["_op"] = pa.array(map(attrgetter(shape.operation), metadata), pa.string())
    if shape.position:
        columns["_position"] = pa.array(map(attrgetter(shape.position), metadata), pa.string())
    if shape.committed:
        columns["_committed"] = pa.array(map(attrgetter(shape.committed), metadata), pa.string())
    if shape.order:
        columns["_order"] = pa.array(map(attrgetter(shape.order), metadata), pa.int64())
    columns["_line"] = pc.add(pa.array(taken, pa.int64()), first_line)
    return pa.table(columns)


def _raw_type(column: Column) -> Any:
    return pa.string() if column.type in ("date", "timestamp") else arrow_type(column.type)


def _quotes(contract: BronzeContract, shape: Shape, raw: Any) -> int:
    """How many quotes the lines of `raw` have when no key is there twice."""
    texts = [column.name for column in contract.columns if pa.types.is_string(_raw_type(column))]
    values = sum(raw.num_rows - raw.column(name).null_count for name in texts)
    return int(shape.quotes * raw.num_rows + 2 * values)


def _certain(contract: BronzeContract, shape: Shape, raw: Any) -> Any:
    """Which rows have only times and positions that are certainly good."""
    patterns = {c.name: reading(c.type).certain for c in contract.columns if c.type in ("date", "timestamp")}
    if shape.position:
        patterns["_position"] = sequence.CERTAIN[contract.position]
    if shape.committed:
        patterns["_committed"] = CERTAIN_TIMESTAMP
    certain = pa.repeat(pa.scalar(True), raw.num_rows)
    for name, pattern in patterns.items():
        matches = pc.match_substring_regex(raw.column(name), rf"\A(?:{pattern})\z")
        certain = pc.and_(certain, pc.fill_null(matches, True))
    return certain


def _finished(contract: BronzeContract, shape: Shape, raw: Any, epoch: int, extract: int) -> Any:
    """The rows of `raw`, all certain, in the columns of `row_columns`."""
    count = raw.num_rows
    columns: dict[str, Any] = {
        column.name: _typed(raw.column(column.name), column.type) for column in contract.columns
    }
    columns["_rescued"] = pa.nulls(count, pa.string())
    if shape.position:
        places = sequence.positions(contract.position, raw.column("_position"))
        orders = raw.column("_order") if shape.order else pa.repeat(pa.scalar(0, pa.int64()), count)
        columns["_seq"] = sequence.changes(epoch, places, orders)
    else:
        columns["_seq"] = pa.repeat(sequence.load(epoch, contract.position, extract), count)
    columns["_op"] = raw.column("_op")
    columns["_key_before"] = pa.nulls(count, pa.string())
    committed = raw.column("_committed") if shape.committed else pa.nulls(count, pa.string())
    columns["_committed_at"] = _typed(committed, "timestamp")
    columns["_line"] = raw.column("_line")
    columns["_record"] = pa.repeat(pa.scalar(0, pa.int32()), count)
    schema = arrow_schema(row_columns(contract))
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _typed(column: Any, hive_type: str) -> Any:
    if hive_type == "timestamp":
        return column.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    return column.cast(arrow_type(hive_type))
