"""The catalog in Glue: Hive tables over Parquet, as Athena and Spark read them."""

from contextlib import AbstractContextManager
from typing import Any

from control import column_types
from control.adapters.aws import client, translated
from control.config import Settings
from control.errors import ConflictError, NotFoundError
from control.model import Partition
from control.ports import CatalogColumn, CatalogTable, SeenTable

PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
}


class GlueCatalog:
    """A catalog in Glue."""

    def __init__(self, settings: Settings) -> None:
        self._endpoint = settings.endpoint
        self._client = client(settings, "glue")

    def ensure_table(self, table: CatalogTable) -> None:
        """See Catalog."""
        self._ensure_database(table.database)
        try:
            known = self._table(table.database, table.name)
        except NotFoundError:
            try:
                with self._translated(f"table {table.database}.{table.name}"):
                    self._client.create_table(DatabaseName=table.database, TableInput=_input(table))
                return
            except ConflictError:
                known = self._table(table.database, table.name)
        self._ensure_columns(table, known)

    def get_table(self, database: str, table: str) -> SeenTable | None:
        """See Catalog."""
        try:
            found = self._table(database, table)
        except NotFoundError:
            return None
        columns, keys = found.get("StorageDescriptor", {}).get("Columns", []), found.get("PartitionKeys", [])
        metadata = found.get("Parameters", {}).get("metadata_location", "")
        return SeenTable(tuple(map(_seen, columns)), tuple(map(_seen, keys)), metadata)

    def add_partition(self, partition: Partition) -> None:
        """See Catalog."""
        descriptor = self._table(partition.database, partition.table)["StorageDescriptor"]
        wanted = {
            "Values": list(partition.values),
            "StorageDescriptor": {**descriptor, "Location": partition.location},
            "Parameters": partition.parameters,
        }
        try:
            with self._translated(_name(partition)):
                self._client.create_partition(
                    DatabaseName=partition.database, TableName=partition.table, PartitionInput=wanted
                )
        except ConflictError:
            known = self.get_partition(partition.database, partition.table, partition.values)
            if known is None or known.location != partition.location:
                where = known.location if known else "an unknown location"
                raise ConflictError(
                    f"{_name(partition)} already exists at {where}, not at {partition.location}",
                    hint="something else registers partitions of this table: find out what before you go on",
                ) from None

    def get_partition(self, database: str, table: str, values: tuple[str, ...]) -> Partition | None:
        """See Catalog."""
        try:
            with self._translated(f"partition {'/'.join(values)} of {database}.{table}"):
                answer = self._client.get_partition(
                    DatabaseName=database, TableName=table, PartitionValues=list(values)
                )
        except NotFoundError:
            return None
        found = answer["Partition"]
        return Partition(
            database, table, values, found["StorageDescriptor"]["Location"], found.get("Parameters", {})
        )

    def drop_partition(self, database: str, table: str, values: tuple[str, ...]) -> None:
        """See Catalog."""
        try:
            with self._translated(f"partition {'/'.join(values)} of {database}.{table}"):
                self._client.delete_partition(
                    DatabaseName=database, TableName=table, PartitionValues=list(values)
                )
        except NotFoundError:
            return

    def _ensure_database(self, name: str) -> None:
        try:
            with self._translated(f"database {name}"):
                self._client.get_database(Name=name)
        except NotFoundError:
            try:
                with self._translated(f"database {name}"):
                    self._client.create_database(DatabaseInput={"Name": name})
            except ConflictError:
                return

    def _ensure_columns(self, table: CatalogTable, known: dict[str, Any]) -> None:
        """Update the table's columns, if the change is allowed and nobody has changed the table since."""
        there = tuple(map(_seen, known["StorageDescriptor"]["Columns"]))
        column_types.check(table, there)
        if there != table.columns:
            with self._translated(f"table {table.database}.{table.name}"):
                self._client.update_table(
                    DatabaseName=table.database, TableInput=_input(table), VersionId=known["VersionId"]
                )

    def _table(self, database: str, name: str) -> dict[str, Any]:
        with self._translated(f"table {database}.{name}"):
            table: dict[str, Any] = self._client.get_table(DatabaseName=database, Name=name)["Table"]
        return table

    def _translated(self, what: str) -> AbstractContextManager[None]:
        return translated(what, self._endpoint)


def _name(partition: Partition) -> str:
    return f"partition {'/'.join(partition.values)} of {partition.database}.{partition.table}"


def _input(table: CatalogTable) -> dict[str, Any]:
    return {
        "Name": table.name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "PartitionKeys": [_column(column) for column in table.partition_keys],
        "StorageDescriptor": {
            **PARQUET,
            "Columns": [_column(column) for column in table.columns],
            "Location": table.location,
        },
    }


def _seen(column: dict[str, str]) -> CatalogColumn:
    return CatalogColumn(column["Name"], column.get("Type", ""), column.get("Comment", ""))


def _column(column: CatalogColumn) -> dict[str, str]:
    named = {"Name": column.name, "Type": column.type}
    return {**named, "Comment": column.comment} if column.comment else named
