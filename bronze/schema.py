"""The types of bronze columns, and the columns that the parser adds to a contract's own."""

import re

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
}
_DECIMAL = re.compile(r"decimal\(([0-9]+),([0-9]+)\)")
TYPES = (*_PLAIN, "decimal(p,s)")

# What the parser adds to every row, in this order, after the contract's columns.
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
# Before them, when the contract says `unknownKeys: evolve`: what it does not know, as a JSON object.
RESCUED = ("_rescued", "string")


def normal_type(text: str) -> str | None:
    """Write a column type the one way it is written here, or None when the parser has no such type."""
    name = re.sub(r"\s", "", text).lower()
    if name in _PLAIN:
        return name
    found = _DECIMAL.fullmatch(name)
    if found is None:
        return None
    precision, scale = int(found[1]), int(found[2])
    return f"decimal({precision},{scale})" if 1 <= precision <= 38 and scale <= precision else None


def decimal_digits(hive_type: str) -> tuple[int, int] | None:
    """Precision and scale of a decimal type, None for any other type."""
    found = _DECIMAL.fullmatch(hive_type)
    return None if found is None else (int(found[1]), int(found[2]))


def arrow_type(hive_type: str) -> pa.DataType:
    """The Arrow type of a column whose type is written as `normal_type` does."""
    digits = decimal_digits(hive_type)
    return pa.decimal128(*digits) if digits else _PLAIN[hive_type]


def arrow_schema(columns: tuple[tuple[str, str], ...]) -> pa.Schema:
    """The Arrow schema of `columns`, given as pairs of name and type."""
    return pa.schema([(name, arrow_type(hive_type)) for name, hive_type in columns])
