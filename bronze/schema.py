"""The types of bronze columns, and the columns that the parser adds to those of a contract."""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Literal

import pyarrow as pa

_PLAIN: dict[str, pa.DataType] = {
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    # Without a zone, as in Hive: the value is UTC.
    "timestamp": pa.timestamp("us"),
    "string": pa.string(),
    "binary": pa.binary(),
}
_DECIMAL = re.compile(r"decimal\(([0-9]+),([0-9]+)\)")
_NESTED = re.compile(r"(array|map|struct)<(.+)>", re.IGNORECASE)
_FIELD = re.compile(r"([a-z_][a-z0-9_]*):(.+)")
# The precision of timestamps inside nested values: Athena reads no finer ones, and they have no `_us` column.
MILLISECONDS = "timestamp(3)"
TYPES = (*_PLAIN, "decimal(p,s)", "array<type>", "map<string,type>", "struct<field:type,…>")

# Columns that the parser adds to every row, in this order, after the contract's.
TECHNICAL: tuple[tuple[str, str], ...] = (
    ("_seq", "string"),
    ("_rev", "bigint"),
    ("_op", "string"),
    ("_key_before", "string"),
    ("_committed_at", "timestamp"),
    ("_file_id", "string"),
    ("_line", "bigint"),
    ("_record", "int"),
)
# Before them, with `unknownKeys: evolve`: unknown keys and their values, as a JSON object.
RESCUED = ("_rescued", "string")


@dataclass(frozen=True, slots=True)
class Nested:
    """A nested type. `types`: the item type of an array, the value type of a map, or a struct's field types.

    `names` are the names of a struct's fields.
    """

    kind: Literal["array", "map", "struct"]
    types: tuple[str, ...]
    names: tuple[str, ...] = ()


def normal_type(text: str) -> str | None:
    """Normalise the text of a column type; None if the parser does not support the type."""
    name = re.sub(r"\s", "", text)
    if found := _NESTED.fullmatch(name):
        return _normal_nested(found[1].lower(), _parts(found[2]))
    name = name.lower()
    if name in _PLAIN:
        return name
    found = _DECIMAL.fullmatch(name)
    if found is None:
        return None
    precision, scale = int(found[1]), int(found[2])
    return f"decimal({precision},{scale})" if 1 <= precision <= 38 and scale <= precision else None


def _normal_nested(kind: str, parts: list[str]) -> str | None:
    fields = [_FIELD.fullmatch(part) for part in parts] if kind == "struct" else []
    names = [field[1] for field in fields if field]
    types = [normal_type(field[2] if field else part) for field, part in zip_longest(fields, parts)]
    if None in types:
        return None
    if kind == "struct" and len(set(names)) == len(parts):
        return f"struct<{','.join(f'{name}:{hive}' for name, hive in zip(names, types, strict=True))}>"
    if kind == "array" and len(types) == 1:
        return f"array<{types[0]}>"
    if kind == "map" and len(types) == 2 and types[0] == "string":  # as the keys of JSON are
        return f"map<string,{types[1]}>"
    return None


def _parts(text: str) -> list[str]:
    """Split at the commas outside of brackets."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(text):
        depth += (character in "<(") - (character in ">)")
        if character == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


@lru_cache(maxsize=256)
def nested(hive_type: str) -> Nested | None:
    """Return the parts of a nested type, None for any other type."""
    found = _NESTED.fullmatch(hive_type)
    if found is None:
        return None
    parts = _parts(found[2])
    if found[1] == "array":
        return Nested("array", tuple(parts))
    if found[1] == "map":
        return Nested("map", tuple(parts[1:]))
    fields = [part.partition(":") for part in parts]
    return Nested("struct", tuple(field[2] for field in fields), tuple(field[0] for field in fields))


def decimal_digits(hive_type: str) -> tuple[int, int] | None:
    """Return precision and scale of a decimal type, None for any other type."""
    found = _DECIMAL.fullmatch(hive_type)
    return None if found is None else (int(found[1]), int(found[2]))


def arrow_type(hive_type: str) -> pa.DataType:
    """Return the Arrow type of a normalised column type (see `normal_type`)."""
    digits = decimal_digits(hive_type)
    if digits:
        return pa.decimal128(*digits)
    tree = nested(hive_type)
    if tree is None:
        return _PLAIN[hive_type]
    types = [arrow_type(part) for part in tree.types]
    if tree.kind == "array":
        return pa.list_(pa.field("element", types[0]))  # Parquet's name for it
    if tree.kind == "map":
        return pa.map_(pa.string(), types[0])
    return pa.struct(list(zip(tree.names, types, strict=True)))


def arrow_schema(columns: tuple[tuple[str, str], ...]) -> pa.Schema:
    """Return the Arrow schema of `columns`, given as pairs of name and type."""
    return pa.schema([(name, arrow_type(hive_type)) for name, hive_type in columns])
