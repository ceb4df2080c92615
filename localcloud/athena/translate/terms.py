"""Translated expressions, and quoting for DuckDB, so that no name or value can break out of the text."""

from dataclasses import dataclass

from localcloud.athena.errors import AthenaError
from localcloud.athena.types import Type

BOOLEAN = Type("boolean")
TINYINT = Type("tinyint")
INTEGER = Type("integer")
BIGINT = Type("bigint")
DOUBLE = Type("double")
REAL = Type("real")
VARCHAR = Type("varchar")
VARBINARY = Type("varbinary")
DATE = Type("date")
UNKNOWN = Type("unknown")
JSON = Type("json")
YEAR_MONTH = Type("interval year to month")
DAY_SECOND = Type("interval day to second")
INTEGERS = ("tinyint", "smallint", "integer", "bigint")


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment whose time zone differs between rows: SQL of the instant, and of the clock in its zone."""

    instant: str
    clock: str


@dataclass(frozen=True, slots=True)
class Term:
    """An expression in DuckDB text, with its Athena type.

    `zone` is the time zone of a `timestamp with time zone` (DuckDB keeps only the instant). If it differs
    between rows, `sql` fails for any zone but UTC, and `moment` holds the SQL for uses that do not show it.
    `value` is the Python value of a literal, else None.
    """

    sql: str
    type: Type
    zone: str = "UTC"
    value: str | int | None = None
    moment: Moment | None = None


def ident(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Quote a string literal."""
    return "'" + value.replace("'", "''") + "'"


def decimal(precision: int, scale: int) -> Type:
    """`decimal(precision,scale)`; the precision is limited to 38, as in Athena."""
    return Type("decimal", (min(precision, 38), scale))


def timestamp(digits: int, *, zoned: bool = False) -> Type:
    """`timestamp(digits)`, with or without time zone."""
    return Type("timestamp with time zone" if zoned else "timestamp", (digits,))


def varchar(length: int) -> Type:
    """`varchar(length)`."""
    return Type("varchar", (length,))


def array(element: Type) -> Type:
    """`array(element)`."""
    return Type("array", (), (("", element),))


def map_(key: Type, value: Type) -> Type:
    """`map(key, value)`."""
    return Type("map", (), (("", key), ("", value)))


def row(*fields: tuple[str, Type]) -> Type:
    """`row(name type, …)`; a field without a name has the empty name."""
    return Type("row", (), fields)


def field_names(type_: Type) -> list[str]:
    """Return the names of a row's fields in a DuckDB struct: their own, or field0, field1, …"""
    return [name or f"field{at}" for at, (name, _) in enumerate(type_.parts)]


_DUCKDB = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "varbinary": "BLOB",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMPTZ",
    "interval day to second": "INTERVAL",
    "interval year to month": "INTERVAL",
    "json": "VARCHAR",
    "uuid": "UUID",
    "ipaddress": "BLOB",
    "time with time zone": "VARCHAR",
    "unknown": "INTEGER",
}


def duckdb_type(type_: Type) -> str:
    """Return the DuckDB type for values of an Athena type. Raises NOT_SUPPORTED when there is none."""
    if type_.name == "decimal":
        return f"DECIMAL({type_.numbers[0]},{type_.numbers[1]})"
    if type_.name == "array":
        return duckdb_type(type_.element) + "[]"
    if type_.name == "map":
        return f"MAP({duckdb_type(type_.parts[0][1])}, {duckdb_type(type_.parts[1][1])})"
    if type_.name == "row":
        fields = zip(field_names(type_), type_.parts, strict=True)
        return "STRUCT(" + ", ".join(f"{ident(name)} {duckdb_type(part)}" for name, (_, part) in fields) + ")"
    if type_.numbers and type_.name.startswith("time") and type_.numbers[0] > 6:
        raise AthenaError(
            "NOT_SUPPORTED", f"The local cloud keeps at most 6 digits of a second: {type_.athena}"
        )
    try:
        return _DUCKDB[type_.name]
    except KeyError:
        raise AthenaError("NOT_SUPPORTED", f"The local cloud has no values of type {type_.athena}") from None


def raw_cast(sql: str, type_: Type) -> str:
    """DuckDB's own cast, for values known to fit."""
    return f"CAST({sql} AS {duckdb_type(type_)})"


def nan_first(term: Term) -> str:
    """Return a sort key with NaN before all numbers; DuckDB sorts it after them."""
    least = raw_cast("'-inf'", term.type)
    return f"CASE WHEN isnan({term.sql}) THEN {least} ELSE {term.sql} END"


# The errors that TRY turns into null in Trino; any other passes through.
_TRIED = (
    "DIVISION_BY_ZERO",
    "INVALID_CAST_ARGUMENT",
    "INVALID_FUNCTION_ARGUMENT",
    "NUMERIC_VALUE_OUT_OF_RANGE",
)


def fail(code: str, message_sql: str, type_: Type) -> str:
    """Return DuckDB text that raises `code: message` for a row that evaluates it.

    It uses a failing cast instead of `error()`, which is volatile: DuckDB's TRY refuses volatile functions.
    Errors that TRY must not catch use `athena_fail`.
    """
    if code not in _TRIED:
        return f"CAST(athena_fail({text(code)}, {message_sql}) AS {duckdb_type(type_)})"
    failing = f"CAST({text(code + ': ')} || {message_sql} AS INTEGER)"
    return f"CAST(CAST({failing} AS VARCHAR) AS {duckdb_type(type_)})"


def fails_when(condition: str, code: str, message_sql: str) -> str:
    """Return a condition that is never true: it raises `code: message` where `condition` holds.

    For results whose type is unknown where the template is written: `CASE WHEN {this} THEN NULL ELSE …`.
    """
    return f"CASE WHEN {condition} THEN {fail(code, message_sql, BOOLEAN)} ELSE FALSE END"
