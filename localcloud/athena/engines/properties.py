"""The WITH (…) properties of a CREATE TABLE AS."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from localcloud.athena.catalog import Catalog
from localcloud.athena.errors import AthenaError, schema_not_found, table_already_exists
from localcloud.athena.model import Context


@dataclass(frozen=True, slots=True)
class Properties:
    """What a CTAS specifies: location, partitioning and format of the new table."""

    iceberg: bool
    with_data: bool
    location: str
    partitioning: tuple[str, ...]
    others: Mapping[str, str]


def new_table(tree: exp.Create, context: Context, catalog: Catalog) -> tuple[str, str] | None:
    """Return database and name of the table that a CTAS creates; None if it exists, with IF NOT EXISTS.

    Raises SCHEMA_NOT_FOUND and TABLE_ALREADY_EXISTS.
    """
    target = tree.this
    database, name = (target.db or context.database).lower(), target.name.lower()
    if catalog.find_database(database) is None:
        raise schema_not_found(database)
    if catalog.find_table(database, name) is None:
        return database, name
    if tree.args.get("exists"):
        return None
    raise table_already_exists(database, name)


def hive_location(
    properties: Properties, catalog: Catalog, database: str, name: str, context: Context
) -> str:
    """Return where to put a Hive table: the given location, else beside the query results, as Athena does.

    Without a result location it is a folder in the database's location. Raises without any of them.
    """
    if properties.location or context.location:
        return properties.location or context.location
    found = catalog.find_database(database) or {}
    base = str(found.get("LocationUri") or "")
    if not base:
        raise AthenaError(
            "INVALID_TABLE_PROPERTY",
            f"No location for '{database}.{name}': give external_location = 's3://…'",
        )
    return f"{base.rstrip('/')}/{name}"


def read(tree: exp.Create) -> Properties:
    """Read the properties of a CTAS. Raises INVALID_TABLE_PROPERTY for invalid values."""
    given: dict[str, str | tuple[str, ...]] = {}
    clause = tree.args.get("properties")
    with_data = True
    for node in clause.expressions if clause is not None else []:
        if isinstance(node, exp.WithDataProperty):
            with_data = not node.args.get("no")
            continue
        name, value = _read(node)
        given[name] = value
    table_type = _text(given, "table_type", "hive").lower()
    if table_type not in ("hive", "iceberg"):
        raise AthenaError("INVALID_TABLE_PROPERTY", f"Invalid value for table_type: {table_type}")
    iceberg = table_type == "iceberg"
    location = _text(given, "location", "") or _text(given, "external_location", "")
    partitioning = given.pop("partitioning" if iceberg else "partitioned_by", ())
    if isinstance(partitioning, str):
        raise AthenaError("INVALID_TABLE_PROPERTY", "Partition columns must be an ARRAY of names")
    others = {name: value for name, value in given.items() if isinstance(value, str)}
    return Properties(iceberg, with_data, location, tuple(partitioning), others)


def _text(given: Mapping[str, str | tuple[str, ...]], name: str, default: str) -> str:
    value = given.get(name, default)
    return value if isinstance(value, str) else default


def _read(node: exp.Expression) -> tuple[str, str | tuple[str, ...]]:
    match node:
        case exp.LocationProperty():
            return "location", _value(node.this)
        case exp.FileFormatProperty():
            return "format", _value(node.this)
        case exp.PartitionedByProperty():
            return "partitioned_by", _value(node.this)
        case exp.Property():
            name = node.this.name if isinstance(node.this, exp.Expression) else str(node.this)
            return name.lower(), _value(node.args["value"])
    raise AthenaError("INVALID_TABLE_PROPERTY", f"Unknown table property: {node.sql('trino')}")


def _value(node: exp.Expression) -> str | tuple[str, ...]:
    if isinstance(node, (exp.Array, exp.Tuple, exp.Schema)):
        return tuple(part.name for part in node.expressions)
    if isinstance(node, exp.Boolean):
        return "true" if node.this else "false"
    return str(node.name)
