"""The tables and views that a statement reads: looked up in Glue, turned into DuckDB text."""

# ruff: noqa: S608  (the SQL text holds only quoted names and translated terms)

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pyiceberg.table import Table as IcebergMetadata
from sqlglot import exp

from localcloud.athena import hive, presto_views
from localcloud.athena.cache import FileCache
from localcloud.athena.catalog import Catalog
from localcloud.athena.catalog import Table as GlueTable
from localcloud.athena.dialect import parse as parse_sql
from localcloud.athena.engines import schemata, versions
from localcloud.athena.errors import BytesLimitError, not_supported, table_not_found
from localcloud.athena.iceberg import chunks, metadata, scans
from localcloud.athena.iceberg.schemas import columns
from localcloud.athena.iceberg.tables import of_entry
from localcloud.athena.translate.reads import Filter, Read, Scanned, scanned_bytes
from localcloud.athena.translate.scope import Field, Table, View
from localcloud.athena.translate.terms import VARCHAR, ident
from localcloud.athena.translate.translator import new_scope
from localcloud.athena.types import parse as parse_type

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(slots=True)
class Lake:
    """One statement's view of the catalog: one version per table, also for its metadata tables."""

    catalog: Catalog
    cache: FileCache
    connection: "DuckDBPyConnection"
    most_bytes: int = 0
    _found: dict[tuple[str, str], GlueTable | None] = field(default_factory=dict)
    _loaded: dict[tuple[str, str], IcebergMetadata] = field(default_factory=dict)
    _registered: int = 0

    def scanned(self, reads: Iterable[Read]) -> int:
        """Return the bytes that the statement reads. Raises BytesLimitError: call it before any write."""
        found = scanned_bytes(reads)
        if found > self.most_bytes > 0:
            raise BytesLimitError
        return found

    def glue(self, database: str, name: str) -> GlueTable | None:
        """Return the Glue entry, which is requested once per statement."""
        key = (database, name)
        if key not in self._found:
            self._found[key] = self.catalog.find_table(database, name)
        return self._found[key]

    def iceberg(self, database: str, name: str) -> IcebergMetadata:
        """Return the table as of the statement's first access. Raises AthenaError TABLE_NOT_FOUND."""
        key = (database, name)
        if key not in self._loaded:
            entry = self.glue(database, name)
            if entry is None:
                raise table_not_found(database, name)
            self._loaded[key] = of_entry(self.catalog, entry)
        return self._loaded[key]

    def find(self, database: str, name: str, version: exp.Expression | None) -> Table | View | None:
        """Return the relation with this name, or None."""
        if database == schemata.NAME:
            _refuse_versions(version)
            return self._information_schema(name)
        if "$" in name and (made := self._metadata_table(database, name)) is not None:
            _refuse_versions(version)
            return made
        found = self.glue(database, name)
        if found is None:
            return None
        if found.is_view:
            _refuse_versions(version)
            return view(found)
        if found.is_iceberg:
            return IcebergTable(self, self._version(self.iceberg(database, name), version))
        _refuse_versions(version)
        return HiveTable(self, found)

    def has_database(self, name: str) -> bool:
        """Whether Glue has this database; information_schema always exists."""
        return name == schemata.NAME or self.catalog.find_database(name) is not None

    def register(self, name: str, rows: object) -> str:
        """Register an Arrow table with DuckDB; returns the name to read it by."""
        self._registered += 1
        label = f"arrow_{name}_{self._registered}"
        self.connection.register(label, rows)
        return ident(label)

    def _version(self, table: IcebergMetadata, version: exp.Expression | None) -> scans.Version:
        if version is None:
            return scans.current(table)
        return versions.named(table, version, new_scope(self, ""), self.connection)

    def _information_schema(self, name: str) -> Table | None:
        fields = schemata.fields(name)
        return ArrowTable(fields, self.register(name, schemata.read(self.catalog, name))) if fields else None

    def _metadata_table(self, database: str, name: str) -> Table | None:
        base, dollar, kind = name.rpartition("$")
        found = self.glue(database, base) if dollar and base else None
        if found is None or found.is_view:
            return None
        if not found.is_iceberg:
            return HivePartitions(self, found) if kind == "partitions" and found.partition_keys else None
        made = metadata.table(self.iceberg(database, base), kind)
        if made is None:
            return None
        fields, rows = made
        return ArrowTable(fields, self.register(kind, rows))


def _refuse_versions(version: exp.Expression | None) -> None:
    if version is not None:
        raise not_supported("This connector does not support versioned tables")


def view(found: GlueTable) -> View:
    """Return a view from its Glue entry. Raises INVALID_VIEW when Athena did not create it."""
    body = presto_views.decode(found)
    declared = tuple((column["name"], parse_type(column["type"])) for column in body.get("columns", ()))
    return View(parse_sql(body["originalSql"]), body.get("schema") or found.database, declared)


@dataclass(frozen=True, slots=True)
class IcebergTable:
    """An Iceberg table at one version."""

    lake: Lake
    version: scans.Version

    @property
    def fields(self) -> tuple[Field, ...]:
        """The columns of the version's schema, then `$path`."""
        shown = tuple(Field(name, type_, ident(name)) for name, type_ in columns(self.version.schema))
        return (*shown, Field(scans.PATH, VARCHAR, ident(scans.PATH), hidden=True))

    def scan(self, filters: tuple[Filter, ...]) -> Scanned:
        """Return the rows of the files that may pass the filters."""
        planned = scans.plan(self.version, filters)
        sql = scans.relation(self.version.schema, planned, self.lake.cache)
        return Scanned(sql, partial(chunks.size, self.version, planned))


@dataclass(frozen=True, slots=True)
class HiveTable:
    """A Hive table."""

    lake: Lake
    table: GlueTable

    @property
    def fields(self) -> tuple[Field, ...]:
        """Data columns, partition keys, then `$path`."""
        shown = tuple(Field(name, type_, ident(name)) for name, type_ in hive.columns(self.table))
        return (*shown, Field(scans.PATH, VARCHAR, ident(scans.PATH), hidden=True))

    def scan(self, filters: tuple[Filter, ...]) -> Scanned:
        """Return the rows of the partitions that may pass the filters."""
        return hive.relation(self.lake.catalog, self.table, filters, self.lake.cache)


@dataclass(frozen=True, slots=True)
class HivePartitions:
    """`t$partitions` of a Hive table."""

    lake: Lake
    table: GlueTable

    @property
    def fields(self) -> tuple[Field, ...]:
        """The partition keys."""
        return hive.partition_fields(self.table)

    def scan(self, filters: tuple[Filter, ...]) -> Scanned:
        """Return the partitions that may pass the filters."""
        rows = hive.partitions_table(self.lake.catalog, self.table, filters)
        return Scanned(f"(SELECT * FROM {self.lake.register('partitions', rows)})")


@dataclass(frozen=True, slots=True)
class ArrowTable:
    """A table that exists only in this statement, such as `t$snapshots`."""

    fields: tuple[Field, ...]
    label: str

    def scan(self, filters: tuple[Filter, ...]) -> Scanned:  # noqa: ARG002  metadata is small
        """Return all rows."""
        return Scanned(f"(SELECT * FROM {self.label})")
