"""The Glue catalog, as both halves of the gateway see it: databases, tables, partitions.

All Glue calls go through `Catalog`; `Table` wraps one Glue table without copying it.

For what only Iceberg metadata can answer or change, statements call `localcloud.athena.iceberg`:
`load(catalog, database, name) -> pyiceberg.table.Table`,
`create_table(catalog, new: NewTable)`,
`add_columns(catalog, database, name, columns)`, `drop_column(catalog, database, name, column)`,
`change_column(catalog, database, name, column, TableColumn)` (rename, widen, comment),
`set_properties(catalog, database, name, properties)`, `unset_properties(catalog, database, name, keys)`,
`compact(catalog, database, name, where: sqlglot tree | None)` and `expire(catalog, database, name)`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.athena import callers
from localcloud.athena.direct import Direct
from localcloud.athena.errors import AthenaError, table_not_found
from localcloud.athena.types import Type
from localcloud.config import ATHENA_KEY
from localcloud.faults.injection import NO_FAULTS, Faults

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

# What UpdateTable accepts of GetTable's answer; the rest is Glue's own bookkeeping.
_INPUT_FIELDS = (
    "Name",
    "Description",
    "Owner",
    "LastAccessTime",
    "Retention",
    "StorageDescriptor",
    "PartitionKeys",
    "ViewOriginalText",
    "ViewExpandedText",
    "TableType",
    "Parameters",
    "TargetTable",
)
_ADD_LIMIT, _DELETE_LIMIT = 100, 25


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column as Glue keeps it: `type` is Hive text."""

    name: str
    type: str
    comment: str = ""

    def as_input(self) -> dict[str, str]:
        """Glue's own form."""
        given = {"Name": self.name, "Type": self.type}
        return {**given, "Comment": self.comment} if self.comment else given


@dataclass(frozen=True, slots=True)
class NewTable:
    """A table to be created: its columns (name, type and comment), and what a statement says about it.

    `partitioning` has names of columns, and for Iceberg also `day(ts)` or `bucket(4, n)`; `properties` are
    named as Athena names them.
    """

    database: str
    name: str
    columns: Sequence[tuple[str, Type, str]]
    location: str
    partitioning: Sequence[str]
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of a Hive table: a value for each partition key, and the location of its files."""

    values: tuple[str, ...]
    raw: Mapping[str, Any]

    @property
    def location(self) -> str:
        """The partition's folder."""
        return str(self.raw["StorageDescriptor"].get("Location", ""))


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view in Glue; `raw` is GetTable's answer."""

    database: str
    name: str
    raw: Mapping[str, Any]

    @property
    def parameters(self) -> Mapping[str, str]:
        """The table's properties."""
        found: Mapping[str, str] = self.raw.get("Parameters") or {}
        return found

    @property
    def storage(self) -> Mapping[str, Any]:
        """Glue's StorageDescriptor."""
        found: Mapping[str, Any] = self.raw.get("StorageDescriptor") or {}
        return found

    @property
    def location(self) -> str:
        """Where the table's files are, as given."""
        return str(self.storage.get("Location") or "")

    @property
    def serde(self) -> str:
        """The class name of the table's SerDe."""
        return str((self.storage.get("SerdeInfo") or {}).get("SerializationLibrary") or "")

    @property
    def serde_parameters(self) -> Mapping[str, str]:
        """The SerDe's own properties."""
        found: Mapping[str, str] = (self.storage.get("SerdeInfo") or {}).get("Parameters") or {}
        return found

    @property
    def is_iceberg(self) -> bool:
        """Whether Iceberg metadata, rather than Glue, describes this table."""
        return self.parameters.get("table_type", "").lower() == "iceberg"

    @property
    def is_view(self) -> bool:
        """Whether this is a view."""
        return bool(self.raw.get("TableType") == "VIRTUAL_VIEW")

    @property
    def columns(self) -> tuple[TableColumn, ...]:
        """The current columns without the partition keys.

        Glue also keeps dropped columns of Iceberg tables, marked `iceberg.field.current` = false.
        """
        current = (
            column
            for column in self.storage.get("Columns", [])
            if (column.get("Parameters") or {}).get("iceberg.field.current", "true") != "false"
        )
        return tuple(_column(column) for column in current)

    @property
    def partition_keys(self) -> tuple[TableColumn, ...]:
        """The partition keys; empty for Iceberg tables, whose spec is in their metadata."""
        return tuple(_column(column) for column in self.raw.get("PartitionKeys") or [])

    def as_input(self, **changes: Any) -> dict[str, Any]:
        """Return the TableInput that writes this table back, with `changes`."""
        kept = {name: self.raw[name] for name in _INPUT_FIELDS if name in self.raw}
        return {**kept, **changes}


def _column(raw: Mapping[str, Any]) -> TableColumn:
    return TableColumn(raw["Name"], raw.get("Type", "string"), raw.get("Comment") or "")


@dataclass(frozen=True, slots=True)
class Catalog:
    """Glue and S3 of one endpoint."""

    glue: "GlueClient"
    s3: "S3Client"
    endpoint: str
    region: str
    faults: Faults = NO_FAULTS

    def databases(self) -> Iterator[Mapping[str, Any]]:
        """All databases in Glue, by name."""
        pages = self.glue.get_paginator("get_databases").paginate()
        yield from sorted((found for page in pages for found in page["DatabaseList"]), key=_name)

    def find_database(self, name: str) -> Mapping[str, Any] | None:
        """One database, or None."""
        return _or_none(lambda: self.glue.get_database(Name=name.lower())["Database"])

    def tables(self, database: str) -> Iterator[Table]:
        """The tables and views of a database, by name; empty when there is no such database."""
        pages = self.glue.get_paginator("get_tables").paginate(DatabaseName=database.lower())
        found = _or_none(lambda: [table for page in pages for table in page["TableList"]]) or []
        yield from (Table(database.lower(), raw["Name"], raw) for raw in sorted(found, key=_name))

    def find_table(self, database: str, name: str) -> Table | None:
        """One table or view, or None."""
        database, name = database.lower(), name.lower()
        raw = _or_none(lambda: self.glue.get_table(DatabaseName=database, Name=name)["Table"])
        return None if raw is None else Table(database, name, raw)

    def table(self, database: str, name: str) -> Table:
        """One table or view. Raises AthenaError TABLE_NOT_FOUND."""
        found = self.find_table(database, name)
        if found is None:
            raise table_not_found(database, name)
        return found

    def create_table(self, database: str, table: Mapping[str, Any]) -> None:
        """Create a table from Glue's TableInput. Raises AthenaError ALREADY_EXISTS or SCHEMA_NOT_FOUND."""
        try:
            self.glue.create_table(DatabaseName=database, TableInput=table)  # type: ignore[arg-type]
        except ClientError as error:
            if code_of(error) == "AlreadyExistsException":
                raise AthenaError("ALREADY_EXISTS", f"Table {table['Name']} already exists") from None
            if code_of(error) == "EntityNotFoundException":
                text = f"Schema {database} not found"
                raise AthenaError("SCHEMA_NOT_FOUND", text) from None
            raise

    def update_table(self, table: Table, **changes: Any) -> None:
        """Write a table back with `changes` to its TableInput fields; no old version is archived.

        Raises AthenaError TABLE_NOT_FOUND when it is gone.
        """
        given = table.as_input(**changes)
        try:
            self.glue.update_table(DatabaseName=table.database, TableInput=given, SkipArchive=True)  # type: ignore[arg-type]
        except ClientError as error:
            if code_of(error) == "EntityNotFoundException":
                raise table_not_found(table.database, table.name) from None
            raise

    def drop_table(self, database: str, name: str) -> bool:
        """Delete a table's entry, not its files. Returns whether it existed."""
        gone = _or_none(lambda: self.glue.delete_table(DatabaseName=database, Name=name))
        return gone is not None

    def partitions(self, table: Table, expression: str = "") -> Iterator[Partition]:
        """All partitions of a Hive table; `expression` is Glue's filter."""
        wanted = {"Expression": expression} if expression else {}
        pages = self.glue.get_paginator("get_partitions").paginate(
            DatabaseName=table.database,
            TableName=table.name,
            **wanted,  # type: ignore[arg-type]
        )
        for page in pages:
            yield from (Partition(tuple(raw["Values"]), raw) for raw in page["Partitions"])

    def add_partitions(
        self, table: Table, found: Iterable[tuple[Sequence[str], str]]
    ) -> list[tuple[str, ...]]:
        """Add partitions, each `(values, location)`; returns the values of those that existed already."""
        given = [self.partition_input(table, values, location) for values, location in found]
        existing: list[tuple[str, ...]] = []
        for start in range(0, len(given), _ADD_LIMIT):
            answer = self.glue.batch_create_partition(
                DatabaseName=table.database,
                TableName=table.name,
                PartitionInputList=given[start : start + _ADD_LIMIT],  # type: ignore[arg-type]
            )
            for failed in answer.get("Errors", []):
                detail = failed.get("ErrorDetail", {})
                if detail.get("ErrorCode") != "AlreadyExistsException":
                    text = detail.get("ErrorMessage", "the partition was refused")
                    raise AthenaError("HIVE_METASTORE_ERROR", text)
                existing.append(tuple(failed.get("PartitionValues", [])))
        return existing

    def partition_input(self, table: Table, values: Sequence[str], location: str) -> dict[str, Any]:
        """Return Glue's PartitionInput: the table's storage at another location.

        Glue's own answers always have Parameters, and dbt's table swap relies on it.
        """
        storage = {**table.storage, "Location": location}
        return {"Values": list(values), "StorageDescriptor": storage, "Parameters": {}}

    def drop_partitions(self, table: Table, values: Iterable[Sequence[str]]) -> None:
        """Drop partitions by their values; their files stay."""
        given = [{"Values": list(one)} for one in values]
        for start in range(0, len(given), _DELETE_LIMIT):
            self.glue.batch_delete_partition(
                DatabaseName=table.database,
                TableName=table.name,
                PartitionsToDelete=given[start : start + _DELETE_LIMIT],  # type: ignore[arg-type]
            )


def connect(endpoint: str, region: str = "us-east-1") -> Catalog:
    """Return the clients of an endpoint, with dummy credentials, which only a local endpoint accepts."""
    config = Config(
        max_pool_connections=64,
        retries={"max_attempts": 3, "mode": "standard"},
        s3={"addressing_style": "path"},
        # Optional checksums cost a pass over each body; the local store does not need them.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    session = boto3.Session(ATHENA_KEY, ATHENA_KEY, region_name=region)
    found = Catalog(
        glue=session.client("glue", endpoint_url=endpoint, config=config),
        s3=session.client("s3", endpoint_url=endpoint, config=config),
        endpoint=endpoint,
        region=region,
    )
    for client in (found.glue, found.s3):
        callers.name_in(client)
        Direct(client)
    return found


def code_of(error: ClientError) -> str:
    """Return the AWS code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _name(raw: Mapping[str, Any]) -> str:
    return str(raw["Name"])


def _or_none(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except ClientError as error:
        if code_of(error) == "EntityNotFoundException":
            return None
        raise
