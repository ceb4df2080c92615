"""CREATE TABLE with columns, DROP TABLE, and ALTER TABLE on a whole table."""

import time
from typing import Any

from localcloud.athena import iceberg, objects
from localcloud.athena.catalog import Catalog, NewTable, Table
from localcloud.athena.errors import AthenaError, hive_execution, hive_semantic, iceberg_ddl
from localcloud.athena.model import Answer, Context
from localcloud.athena.statements import formats, names
from localcloud.athena.statements.names import done
from localcloud.athena.statements.nodes import CreateTable, Drop, RenameTable, SetProperties
from localcloud.athena.types import as_iceberg, parse_hive

# The only properties that Athena allows for Iceberg tables.
ICEBERG_PROPERTIES = frozenset(
    {
        "compression_level",
        "format",
        "optimize_rewrite_data_file_threshold",
        "optimize_rewrite_delete_file_threshold",
        "optimize_rewrite_max_data_file_size_bytes",
        "optimize_rewrite_min_data_file_size_bytes",
        "table_type",
        "vacuum_max_metadata_files_to_keep",
        "vacuum_max_snapshot_age_seconds",
        "vacuum_min_snapshots_to_keep",
        "write_compression",
        "write_data_path_enabled",
        "write_object_storage_enabled",
        "write_target_data_file_size_bytes",
    }
)


def create(node: CreateTable, catalog: Catalog, context: Context) -> Answer:
    """Create an Iceberg table or an external Hive table. Raises Hive's errors."""
    database, name = names.full(node.name, context)
    if catalog.find_database(database) is None:
        raise names.database_missing(database)
    objects.split(node.location)
    created = catalog.find_table(database, name) is None and _try_create(node, catalog, database, name)
    if not created and not node.if_not_exists:
        raise hive_execution(f"AlreadyExistsException(message:Table {name} already exist)")
    return done(node.kind)


def _try_create(node: CreateTable, catalog: Catalog, database: str, name: str) -> bool:
    """Create the table; returns False if another statement created it first."""
    try:
        if node.is_iceberg:
            _create_iceberg(node, catalog, database, name)
        else:
            catalog.create_table(database, _hive_table(node, name))
    except AthenaError as error:
        if error.code not in ("ALREADY_EXISTS", "TABLE_ALREADY_EXISTS"):
            raise
        return False
    return True


def _create_iceberg(node: CreateTable, catalog: Catalog, database: str, name: str) -> None:
    if node.external:
        raise iceberg_ddl("External keyword not supported for table type ICEBERG")
    if node.format.stored_as or node.format.input_format:
        raise iceberg_ddl("Iceberg create table statement does not allow STORED AS/BY")
    if node.partition_columns:
        raise iceberg_ddl("Partition columns of an Iceberg table are named without their types")
    properties = {key.lower(): value for key, value in node.properties}
    _check_iceberg(properties)
    # A Hive `timestamp` has 6 digits in Iceberg.
    columns = [(column.name, as_iceberg(parse_hive(column.type)), column.comment) for column in node.columns]
    new = NewTable(database, name, columns, node.location, node.partitioning, properties)
    iceberg.create_table(catalog, new)


def _check_iceberg(properties: dict[str, str]) -> None:
    for key in properties:
        if key not in ICEBERG_PROPERTIES:
            raise iceberg_ddl(f"Unsupported table property key: {key}")


def _hive_table(node: CreateTable, name: str) -> dict[str, Any]:
    if not node.external:
        raise hive_semantic("Managed tables are not supported: say CREATE EXTERNAL TABLE")
    if node.partitioning:
        raise hive_semantic("Partition columns of an external table need their types")
    _check_names(node)
    storage = {
        **formats.storage(node.format),
        "Columns": [column.as_input() for column in node.columns],
        "Location": node.location.rstrip("/"),
    }
    if node.clustered_by:
        storage |= {"BucketColumns": list(node.clustered_by), "NumberOfBuckets": node.buckets}
    parameters = {"EXTERNAL": "TRUE", "transient_lastDdlTime": str(int(time.time()))}
    if node.comment:
        parameters["comment"] = node.comment
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Owner": "hadoop",
        "Parameters": {**parameters, **dict(node.properties)},
        "PartitionKeys": [column.as_input() for column in node.partition_columns],
        "StorageDescriptor": storage,
    }


def _check_names(node: CreateTable) -> None:
    names_ = [column.name.lower() for column in node.columns]
    for at, name in enumerate(names_):
        if name in names_[:at]:
            raise hive_semantic(f"[Error 10036]: Duplicate column name: {name}")
    if {column.name.lower() for column in node.partition_columns} & set(names_):
        raise hive_semantic("[Error 10035]: Column repeated in partitioning columns")


def drop(node: Drop, catalog: Catalog, context: Context) -> Answer:
    """Drop a table: a Hive table's entry, an Iceberg table's files too. Raises Hive's errors."""
    database, name = names.full(node.name, context)
    found = catalog.find_table(database, name)
    if found is None:
        if node.if_exists:
            return done(node.kind)
        raise names.table_missing(node.name, context)
    if found.is_view:
        raise hive_semantic("[Error 10131]: Cannot drop a view with DROP TABLE")
    catalog.drop_table(database, name)
    if not found.is_iceberg:
        return done(node.kind)
    if found.location:
        objects.remove(catalog.s3, found.location)
    # Athena answers with two empty rows here, and only here.
    return Answer(node.kind.statement, node.kind.substatement, lines=("", ""))


def rename(node: RenameTable, catalog: Catalog, context: Context) -> Answer:
    """Rename an Iceberg table. Glue cannot rename, so we create a new entry, then delete the old one.

    Raises Hive's errors for a table that does not exist or is not Iceberg, and for a name that is taken.
    """
    found = names.table(node.name, catalog, context)
    if not found.is_iceberg:
        detail = "Service: AmazonDataCatalog; Status Code: 400; Error Code: InvalidInputException"
        raise hive_execution(f"Unable to alter table. Table cannot be renamed ({detail})")
    database, name = names.full(node.to, context)
    if catalog.find_database(database) is None:
        raise names.database_missing(database)
    try:
        catalog.create_table(database, found.as_input(Name=name))
    except AthenaError as error:
        if error.code != "ALREADY_EXISTS":
            raise
        raise hive_execution(f"AlreadyExistsException(message:Table {name} already exist)") from None
    catalog.drop_table(found.database, found.name)
    return done(node.kind)


def properties(node: SetProperties, catalog: Catalog, context: Context) -> Answer:
    """Set or unset properties."""
    found = names.table(node.name, catalog, context)
    if found.is_iceberg:
        _iceberg_properties(node, catalog, found)
        return done(node.kind)
    kept = {key: value for key, value in found.parameters.items() if key not in node.unset}
    changed = {"transient_lastDdlTime": str(int(time.time())), **dict(node.properties)}
    catalog.update_table(found, Parameters={**kept, **changed})
    return done(node.kind)


def _iceberg_properties(node: SetProperties, catalog: Catalog, found: Table) -> None:
    given = {key.lower(): value for key, value in node.properties}
    _check_iceberg(given)
    if given:
        iceberg.set_properties(catalog, found.database, found.name, given)
    if node.unset:
        iceberg.unset_properties(catalog, found.database, found.name, node.unset)
