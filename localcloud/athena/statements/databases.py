"""CREATE, DROP and ALTER DATABASE."""

from typing import Any

from botocore.exceptions import ClientError

from localcloud.athena.catalog import Catalog, code_of
from localcloud.athena.errors import hive_execution
from localcloud.athena.model import Answer, Context
from localcloud.athena.statements.names import database_missing, done
from localcloud.athena.statements.nodes import AlterDatabase, CreateDatabase, DropDatabase


def create(node: CreateDatabase, catalog: Catalog, _: Context) -> Answer:
    """Create a Glue database. Raises Hive's error when it exists, unless IF NOT EXISTS."""
    given: dict[str, Any] = {"Name": node.name, "Parameters": dict(node.properties)}
    if node.comment:
        given["Description"] = node.comment
    if node.location:
        given["LocationUri"] = node.location
    try:
        catalog.glue.create_database(DatabaseInput=given)  # type: ignore[arg-type]
    except ClientError as error:
        if code_of(error) != "AlreadyExistsException":
            raise
        if not node.if_not_exists:
            raise hive_execution(f"Database {node.name} already exists") from None
    return done(node.kind)


def drop(node: DropDatabase, catalog: Catalog, _: Context) -> Answer:
    """Drop a database, with CASCADE also its tables; files stay. Raises Hive's errors."""
    if catalog.find_database(node.name) is None:
        if node.if_exists:
            return done(node.kind)
        raise database_missing(node.name)
    tables = [table.name for table in catalog.tables(node.name)]
    if tables and not node.cascade:
        text = f"Database {node.name} is not empty. One or more tables exist."
        raise hive_execution(f"InvalidOperationException(message:{text})")
    for table in tables:
        catalog.drop_table(node.name, table)
    catalog.glue.delete_database(Name=node.name)
    return done(node.kind)


def alter(node: AlterDatabase, catalog: Catalog, _: Context) -> Answer:
    """Set properties of a database."""
    found = catalog.find_database(node.name)
    if found is None:
        raise database_missing(node.name)
    kept = {key: found[key] for key in ("Name", "Description", "LocationUri") if found.get(key)}
    properties = {**found.get("Parameters", {}), **dict(node.properties)}
    given: Any = {**kept, "Parameters": properties}
    catalog.glue.update_database(Name=node.name, DatabaseInput=given)
    return done(node.kind)
