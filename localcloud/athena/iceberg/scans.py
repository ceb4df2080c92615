"""Plan which files a query of an Iceberg table reads, and build the DuckDB text that reads them."""

# ruff: noqa: S608  (the SQL text holds only quoted names and translated terms)

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pyiceberg import expressions as ice
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import DateType, DecimalType, TimestampType

from localcloud.athena.cache import FileCache
from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.iceberg.schemas import athena_type
from localcloud.athena.translate.reads import Filter
from localcloud.athena.translate.terms import duckdb_type, ident, text

PATH = "$path"
POSITION = "file_row_number"


@dataclass(frozen=True, slots=True)
class Planned:
    """A data file to read, with the position deletes that apply to it."""

    file: DataFile
    deletes: tuple[DataFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """A state of a table: a snapshot (None when the table is empty) and the schema to read it with."""

    table: Table
    snapshot_id: int | None
    schema: Schema


def current(table: Table) -> Version:
    """Return the present state of a table."""
    snapshot = table.current_snapshot()
    return Version(table, snapshot.snapshot_id if snapshot else None, table.schema())


def at_snapshot(table: Table, snapshot_id: int) -> Version:
    """Return a table at a snapshot. Raises INVALID_ARGUMENTS for an unknown snapshot."""
    snapshot = table.snapshot_by_id(snapshot_id)
    if snapshot is None:
        raise AthenaError("INVALID_ARGUMENTS", f"Iceberg snapshot ID does not exists: {snapshot_id}")
    schemas = table.schemas()
    return Version(table, snapshot_id, schemas.get(snapshot.schema_id or 0, table.schema()))


def at_ref(table: Table, name: str) -> Version:
    """Return a table at a branch or tag. Raises INVALID_ARGUMENTS for an unknown reference."""
    ref = table.refs().get(name)
    if ref is None:
        raise AthenaError("INVALID_ARGUMENTS", f"Cannot find snapshot with reference name: {name}")
    return at_snapshot(table, ref.snapshot_id)


def at_time(table: Table, moment: datetime) -> Version:
    """Return a table at a time. Raises INVALID_ARGUMENTS when it has no snapshot that old."""
    milliseconds = int(moment.timestamp() * 1000)
    entries = [entry for entry in table.history() if entry.timestamp_ms <= milliseconds]
    if not entries:
        instant = moment.astimezone(UTC)
        parts = "milliseconds" if instant.microsecond // 1000 else "seconds"
        shown = instant.replace(tzinfo=None).isoformat(timespec=parts)
        raise AthenaError(
            "INVALID_ARGUMENTS",
            f"No version history table {'.'.join(table.name()[-2:])} at or before {shown}Z",
        )
    return at_snapshot(table, entries[-1].snapshot_id)


def plan(version: Version, filters: Sequence[Filter] = ()) -> list[Planned]:
    """Return the files that may hold rows passing the filters, pruned by partition and statistics.

    Raises NOT_SUPPORTED for equality deletes.
    """
    if version.snapshot_id is None:
        return []
    scan = version.table.scan(
        row_filter=condition(filters, version.table.schema()), snapshot_id=version.snapshot_id
    )
    try:
        tasks = list(scan.plan_files())
    except ValueError as error:
        raise not_supported(f"The local cloud cannot read this table: {error}") from None
    return [_planned(task.file, task.delete_files) for task in tasks]


def _planned(file: DataFile, deletes: set[DataFile]) -> Planned:
    for delete in deletes:
        if delete.content != DataFileContent.POSITION_DELETES or delete.file_format != FileFormat.PARQUET:
            raise not_supported("The local cloud reads position deletes in Parquet only")
    if file.file_format != FileFormat.PARQUET:
        raise not_supported(f"The local cloud reads Iceberg data in Parquet only, not {file.file_format}")
    return Planned(file, tuple(deletes))


_COMPARISONS = {
    "=": ice.EqualTo,
    "<": ice.LessThan,
    "<=": ice.LessThanOrEqual,
    ">": ice.GreaterThan,
    ">=": ice.GreaterThanOrEqual,
}


def condition(filters: Sequence[Filter], schema: Schema) -> ice.BooleanExpression:
    """Convert the filters to one pyiceberg expression; those that do not convert are left out."""
    found: ice.BooleanExpression = ice.AlwaysTrue()
    for filter_ in filters:
        try:
            field = schema.find_field(filter_.column)
        except ValueError:
            continue
        values = [_value(value, field.field_type) for value in filter_.values]
        if any(value is None for value in values):
            continue
        part: ice.BooleanExpression
        if filter_.op == "in":
            part = ice.In(filter_.column, set(values))  # type: ignore[call-arg, arg-type, misc]
        else:
            part = _COMPARISONS[filter_.op](filter_.column, values[0])
        found = ice.And(found, part)
    return found


def _value(value: object, type_: object) -> str | int | None:
    """Return a literal that pyiceberg reads as the column's type: ISO text for dates and times."""
    if isinstance(type_, DecimalType):
        return None
    if isinstance(value, datetime):
        return value.isoformat() if isinstance(type_, TimestampType) and value.tzinfo is None else None
    if hasattr(value, "isoformat"):
        return str(value) if isinstance(type_, DateType) else None
    return value if isinstance(value, (int, str)) else None


def relation(schema: Schema, planned: Sequence[Planned], cache: FileCache, *, positions: bool = False) -> str:
    """DuckDB text of the rows: columns by field id, then `$path` (and the row's position in the file)."""
    if not planned:
        return _empty(schema, positions=positions)
    local = cache.fetch((one.file.file_path, tag(one.file)) for one in planned)
    listed = ", ".join(map(text, local))
    fields = ", ".join(
        f"{field.field_id}: {{name: {text(field.name)}, "
        f"type: {text(duckdb_type(athena_type(field.field_type)))}, default_value: NULL}}"
        for field in schema.fields
    )
    deletes = {delete.file_path: delete for one in planned for delete in one.deletes}
    numbered = ", file_row_number = true" if positions or deletes else ""
    # Given a schema, DuckDB plans without opening a file: with no count, it would order joins blindly.
    count = max(1, sum(one.file.record_count for one in planned))
    source = (
        f"read_parquet([{listed}], schema = MAP {{{fields}}}, filename = '__file', "
        f"explicit_cardinality = {count}{numbered})"
    )
    names = [ident(field.name) for field in schema.fields] + [f"{cache.uri_of('__file')} AS {ident(PATH)}"]
    if positions:
        names.append(POSITION)
    where = ""
    if deletes:
        gone = cache.fetch((delete.file_path, tag(delete)) for delete in deletes.values())
        listed = ", ".join(map(text, gone))
        where = (
            f" WHERE NOT EXISTS (SELECT 1 FROM read_parquet([{listed}]) AS gone "
            f"WHERE gone.file_path = {cache.uri_of('s.__file')} AND gone.pos = s.{POSITION})"
        )
    return f"(SELECT {', '.join(names)} FROM {source} AS s{where})"


def tag(file: DataFile) -> str:
    """Return a cache tag for a data file: names are unique, so the size is enough."""
    return str(file.file_size_in_bytes)


def _empty(schema: Schema, *, positions: bool) -> str:
    items = [
        f"CAST(NULL AS {duckdb_type(athena_type(field.field_type))}) AS {ident(field.name)}"
        for field in schema.fields
    ]
    items.append(f"CAST(NULL AS VARCHAR) AS {ident(PATH)}")
    if positions:
        items.append(f"CAST(NULL AS BIGINT) AS {POSITION}")
    return f"(SELECT {', '.join(items)} WHERE FALSE)"
