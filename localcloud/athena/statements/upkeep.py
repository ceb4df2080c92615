"""OPTIMIZE and VACUUM of Iceberg tables."""

from dataclasses import replace

from localcloud.athena import iceberg
from localcloud.athena.catalog import Catalog, Table
from localcloud.athena.errors import not_supported
from localcloud.athena.model import Answer, Context
from localcloud.athena.statements import names
from localcloud.athena.statements.names import done
from localcloud.athena.statements.nodes import Name, Optimize, Vacuum


def optimize(node: Optimize, catalog: Catalog, context: Context) -> Answer:
    """Compact the small files of a table."""
    table = _iceberg(node.name, catalog, context)
    scanned = iceberg.compact(catalog, table.database, table.name, node.where)
    return replace(done(node.kind), scanned_bytes=scanned)


def vacuum(node: Vacuum, catalog: Catalog, context: Context) -> Answer:
    """Expire snapshots by the age and number in the table's properties."""
    table = _iceberg(node.name, catalog, context)
    iceberg.expire(catalog, table.database, table.name)
    return done(node.kind)


def _iceberg(name: Name, catalog: Catalog, context: Context) -> Table:
    table = catalog.table(*names.full(name, context))
    if not table.is_iceberg:
        raise not_supported(f"Table {table.database}.{table.name} is not an Iceberg table")
    return table
