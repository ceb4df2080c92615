"""Change the columns and properties of an Iceberg table; columns keep their ids through every change."""

from collections.abc import Callable, Mapping, Sequence

from pyiceberg.exceptions import ValidationError
from pyiceberg.table import Table
from pyiceberg.table.update.schema import UpdateSchema
from pyiceberg.types import IcebergType, PrimitiveType

from localcloud.athena.catalog import Catalog, TableColumn
from localcloud.athena.errors import iceberg_ddl
from localcloud.athena.iceberg.schemas import iceberg_type, property_of
from localcloud.athena.iceberg.tables import committing, load
from localcloud.athena.types import as_iceberg, parse_hive


def add_columns(catalog: Catalog, database: str, name: str, columns: Sequence[TableColumn]) -> None:
    """Add columns at the end; old rows have null there."""

    def change(update: UpdateSchema, _: Table) -> None:
        for column in columns:
            update.add_column(column.name.lower(), _type(column), doc=column.comment or None)

    _evolve(catalog, database, name, change)


def drop_column(catalog: Catalog, database: str, name: str, column: str) -> None:
    """Drop a column. Its values stay in the files, invisible to a later column of the same name."""
    _evolve(catalog, database, name, lambda update, _: _discard(update.delete_column(column.lower())))


def change_column(catalog: Catalog, database: str, name: str, column: str, to: TableColumn) -> None:
    """Rename a column, widen its type, or set its comment. Raises for a type that would lose values."""

    def change(update: UpdateSchema, table: Table) -> None:
        old = table.schema().find_field(column.lower())
        wanted = _type(to)
        if wanted != old.field_type:
            if not isinstance(wanted, PrimitiveType):
                raise iceberg_ddl(f"Cannot change column type: {old.name}: {old.field_type} -> {wanted}")
            update.update_column(column.lower(), field_type=wanted)
        if to.comment:
            update.update_column(column.lower(), doc=to.comment)
        if to.name.lower() != column.lower():
            update.rename_column(column.lower(), to.name.lower())

    _evolve(catalog, database, name, change)


def set_properties(catalog: Catalog, database: str, name: str, properties: Mapping[str, str]) -> None:
    """Set table properties, named as in Athena."""
    table = load(catalog, database, name)
    given = {property_of(key): value for key, value in properties.items()}
    with committing(table), table.transaction() as transaction:
        transaction.set_properties(given)


def unset_properties(catalog: Catalog, database: str, name: str, keys: Sequence[str]) -> None:
    """Remove table properties; missing ones are ignored."""
    table = load(catalog, database, name)
    with committing(table), table.transaction() as transaction:
        transaction.remove_properties(*(property_of(key) for key in keys))


def _type(column: TableColumn) -> IcebergType:
    return iceberg_type(as_iceberg(parse_hive(column.type)))


def _discard(_: object) -> None:
    """Ignore the result of an update call, which returns itself; only its effect matters."""


def _evolve(
    catalog: Catalog, database: str, name: str, change: Callable[[UpdateSchema, Table], None]
) -> None:
    table = load(catalog, database, name)
    try:
        with committing(table), table.update_schema() as update:
            change(update, table)
    except (ValueError, ValidationError) as error:
        raise iceberg_ddl(str(error)) from None
