"""Partitions of Hive tables: ADD, DROP, RENAME, SET LOCATION, MSCK REPAIR TABLE, SHOW PARTITIONS."""

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote

from localcloud.athena import objects
from localcloud.athena.catalog import Catalog, Partition, Table
from localcloud.athena.errors import AthenaError, hive_execution, hive_semantic, iceberg_ddl
from localcloud.athena.model import Answer, Column, Context
from localcloud.athena.statements import names
from localcloud.athena.statements.names import done
from localcloud.athena.statements.nodes import (
    AddPartitions,
    DropPartitions,
    Pairs,
    RenamePartition,
    RepairTable,
    SetLocation,
    ShowTable,
)

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# The characters that Hive escapes in names of partition folders.
_SPECIAL = re.compile(r"""[\x00-\x1f\x7f"#%'*/:=?\\{\[\]^]""")


def folder_of(keys: Sequence[str], values: Sequence[str]) -> str:
    """Return the folder of a partition below its table, `k=v/k=v`, escaped as in Hive."""
    pairs = zip(keys, values, strict=True)
    return "/".join(f"{key}={_SPECIAL.sub(_escape, value)}" for key, value in pairs)


def _escape(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"


def add(node: AddPartitions, catalog: Catalog, context: Context) -> Answer:
    """Add partitions. Raises Hive's error when one exists, unless IF NOT EXISTS."""
    table = _partitioned(names.table(node.name, catalog, context))
    found = [(_values(table, given), location) for given, location in node.partitions]
    known = {partition.values for partition in catalog.partitions(table)}
    existing = [values for values, _ in found if values in known]
    if existing and not node.if_not_exists:
        text = f"Partition already exists: {list(existing[0])}"
        raise hive_execution(f"AlreadyExistsException(message:{text})")
    wanted = [(values, location or _usual(table, values)) for values, location in found]
    catalog.add_partitions(table, [one for one in wanted if one[0] not in known])
    return done(node.kind)


def drop(node: DropPartitions, catalog: Catalog, context: Context) -> Answer:
    """Drop every partition that matches a condition. Raises Hive's error 10006 when none does."""
    table = _partitioned(names.table(node.name, catalog, context))
    for conditions in node.partitions:
        fitting = [one.values for one in catalog.partitions(table) if _fits(table, one, conditions)]
        if not fitting and not node.if_exists:
            shown = ", ".join(" ".join(condition) for condition in conditions)
            raise hive_semantic(f"[Error 10006]: Partition not found ({shown})")
        catalog.drop_partitions(table, fitting)
    return done(node.kind)


def rename(node: RenamePartition, catalog: Catalog, context: Context) -> Answer:
    """Change the values of a partition; its files stay where they are."""
    table = _partitioned(names.table(node.name, catalog, context))
    old, new = _values(table, node.partition), _values(table, node.to)
    found = _one(catalog, table, old)
    catalog.add_partitions(table, [(new, found.location)])
    catalog.drop_partitions(table, [old])
    return done(node.kind)


def set_location(node: SetLocation, catalog: Catalog, context: Context) -> Answer:
    """Set the location of a Hive table, or of one of its partitions."""
    objects.split(node.location)
    table = names.base_table(node.name, catalog, context)
    if table.is_iceberg:
        raise iceberg_ddl()
    location = node.location.rstrip("/")
    if not node.partition:
        catalog.update_table(table, StorageDescriptor={**table.storage, "Location": location})
        return done(node.kind)
    values = _values(table, node.partition)
    _one(catalog, table, values)
    given: Any = catalog.partition_input(table, values, location)
    catalog.glue.update_partition(
        DatabaseName=table.database,
        TableName=table.name,
        PartitionValueList=list(values),
        PartitionInput=given,
    )
    return done(node.kind)


def repair(node: RepairTable, catalog: Catalog, context: Context) -> Answer:
    """Add a partition for every folder `k=v/…` below the table that Glue does not have."""
    found = catalog.find_table(*names.full(node.name, context))
    kind = node.kind
    if found is None:
        return Answer(
            kind.statement, kind.substatement, lines=(f"Tables not in metastore:\t{node.name.table}",)
        )
    if found.is_iceberg:
        raise iceberg_ddl()
    keys = [key.name for key in found.partition_keys]
    known = {partition.values for partition in catalog.partitions(found)} if keys else set()
    missing: dict[tuple[str, ...], str] = {}
    for path in objects.listing(catalog.s3, found.location):
        read = _folder(path.uri[len(objects.folder(found.location)) :], keys)
        if read is not None and read[0] not in known:
            missing.setdefault(read[0], objects.folder(found.location) + read[1])
    catalog.add_partitions(found, missing.items())
    return Answer(kind.statement, kind.substatement, lines=_repaired(found.name, keys, list(missing)))


def _repaired(table: str, keys: Sequence[str], added: Sequence[Sequence[str]]) -> tuple[str, ...]:
    if not added:
        return ()
    folders = [f"{table}:{folder_of(keys, values)}" for values in added]
    heading = "Partitions not in metastore:\t" + "\t".join(folders)
    return (heading, *(f"Repair: Added partition to metastore {folder}" for folder in folders))


def _folder(path: str, keys: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    """Return values and folder of a file's partition; None if its path does not match the table's keys."""
    parts = path.split("/")[: len(keys)]
    values = []
    for key, part in zip(keys, parts, strict=False):
        name, _, value = part.partition("=")
        if name.lower() != key or not value:
            return None
        values.append(unquote(value))
    return (tuple(values), "/".join(parts)) if keys and len(values) == len(keys) else None


def show(node: ShowTable, catalog: Catalog, context: Context) -> Answer:
    """List the partitions as `k=v/k=v`, sorted."""
    table = names.table(node.name, catalog, context)
    if not table.partition_keys:
        raise hive_execution(f"Table {table.name} is not a partitioned table")
    keys = [key.name for key in table.partition_keys]
    shown = sorted(folder_of(keys, partition.values) for partition in catalog.partitions(table))
    kind = node.kind
    return Answer(kind.statement, kind.substatement, (Column("partition", "string"),), lines=tuple(shown))


def _partitioned(table: Table) -> Table:
    if table.is_iceberg:
        raise iceberg_ddl()
    if not table.partition_keys:
        raise hive_execution(f"Table {table.name} is not a partitioned table")
    return table


def _values(table: Table, given: Pairs) -> tuple[str, ...]:
    values = dict(given)
    keys = [key.name for key in table.partition_keys]
    if set(values) != set(keys):
        shown = ", ".join(f"{key}={value}" for key, value in given)
        raise hive_semantic(f"[Error 10098]: Partition spec {{{shown}}} contains other keys than {keys}")
    return tuple(values[key] for key in keys)


def _usual(table: Table, values: Sequence[str]) -> str:
    return objects.folder(table.location) + folder_of([key.name for key in table.partition_keys], values)


def _one(catalog: Catalog, table: Table, values: tuple[str, ...]) -> Partition:
    for partition in catalog.partitions(table):
        if partition.values == values:
            return partition
    raise hive_semantic(f"[Error 10006]: Partition not found {list(values)}")


def _fits(table: Table, partition: Partition, conditions: Iterable[tuple[str, str, str]]) -> bool:
    types = {key.name: key.type for key in table.partition_keys}
    values = dict(zip(types, partition.values, strict=True))
    for key, compare, wanted in conditions:
        if key not in types:
            raise hive_semantic(f"[Error 10002]: Column {key} is not a partition column of {table.name}")
        if not _COMPARE[compare](*_comparable(values[key], wanted, types[key])):
            return False
    return True


def _comparable(held: str, wanted: str, type_: str) -> tuple[Any, Any]:
    if type_ in ("tinyint", "smallint", "int", "bigint", "float", "double") or type_.startswith("decimal"):
        try:
            return Decimal(held), Decimal(wanted)
        except InvalidOperation:
            raise AthenaError("HIVE_DDL", f"FAILED: '{wanted}' is not a valid {type_}") from None
    return held, wanted
