"""Update the columns of published tables to those of their contracts, even if no new batch arrives."""

import hashlib
from dataclasses import replace

import msgspec

from control.errors import ConflictError
from control.ingest.tables import BronzeTable
from control.model import Head
from control.ports import Parts


def follow_contract(table: BronzeTable, head: Head, parts: Parts) -> None:
    """Give the catalog's tables the columns of `table`, once per change of the columns.

    So silver models can select a new column before the next file arrives. The head records the columns, so a
    run with nothing new does not ask the catalog. A table that was removed from the catalog is recreated only
    with its next batch. Raises ConflictError if a column cannot change as the contract says.
    """
    wanted = columns_of(table)
    if head.number == 0 or head.columns == wanted:
        return
    for where in (table.rows, table.events):
        if parts.catalog.get_table(where.database, where.name) is not None:
            parts.catalog.ensure_table(where)
    try:
        parts.store.update(head, replace(head, columns=wanted))
    except ConflictError:
        return  # something was published meanwhile: the next pass tries again


def columns_of(table: BronzeTable) -> str:
    """Return a digest of the columns of both tables, which the head keeps."""
    columns = msgspec.json.encode((table.rows.columns, table.events.columns))
    return hashlib.sha256(columns).hexdigest()[:16]
