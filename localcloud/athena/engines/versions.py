"""`FOR … AS OF`: the snapshot of an Iceberg table that a query names."""

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from pyiceberg.table import Table
from sqlglot import exp

from localcloud.athena.engines.failures import as_athena
from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.iceberg import scans
from localcloud.athena.translate.casts import cast
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Scope, mismatch
from localcloud.athena.translate.terms import VARCHAR, Term

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOMENTS = ("timestamp", "timestamp with time zone", "date", "unknown")


def named(
    table: Table, version: exp.Expression, scope: Scope, connection: "DuckDBPyConnection"
) -> scans.Version:
    """Return the version that the node names. Raises Athena's error where the table has no such version."""
    pointer = scope.term(version.expression)
    if str(version.this).upper() == "TIMESTAMP":
        return _at_time(table, version, pointer, scope, connection)
    if pointer.type.name not in ("bigint", "varchar", "unknown"):
        raise not_supported(f"Unsupported type for table version: {pointer.type.athena}")
    value, _ = _constant(pointer, version, connection)
    return scans.at_snapshot(table, value) if isinstance(value, int) else scans.at_ref(table, str(value))


def _at_time(
    table: Table, version: exp.Expression, pointer: Term, scope: Scope, connection: "DuckDBPyConnection"
) -> scans.Version:
    if pointer.type.name not in _MOMENTS:
        raise mismatch(
            version,
            f"Type {pointer.type.athena} invalid. Temporal pointers must be of type Timestamp, Timestamp "
            "with Time Zone, or Date.",
        )
    value, shown = _constant(pointer, version, connection)
    moment = _moment(value)
    now = scope.statement.now
    if moment >= now.replace(microsecond=now.microsecond // 1000 * 1000):
        raise _invalid(version, f"Pointer value '{shown}' is not in the past")
    return scans.at_time(table, moment)


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    assert isinstance(value, date)
    return datetime.combine(value, time(), UTC)


def _constant(
    pointer: Term, version: exp.Expression, connection: "DuckDBPyConnection"
) -> tuple[object, object]:
    """Return the pointer's value, and its text for messages."""
    with as_athena():
        found = connection.execute(f"SELECT {pointer.sql}, {cast(pointer, VARCHAR).sql}").fetchone()
    if found is None or found[0] is None:
        raise _invalid(version, "Pointer value cannot be NULL")
    return found[0], found[1]


def _invalid(version: exp.Expression, message: str) -> AthenaError:
    line, column = place(version)
    return AthenaError("INVALID_ARGUMENTS", f"line {line}:{column}: {message}")
