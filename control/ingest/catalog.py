"""Bring published tables to the columns of their contracts, also while no batch comes for them."""

import hashlib
from dataclasses import replace

import msgspec

from control.errors import ConflictError
from control.ingest.tables import BronzeTable
from control.model import Head
from control.ports import Parts


def follow_contract(table: BronzeTable, head: Head, parts: Parts) -> None:
    """Give the tables that are in the catalog the columns of `table`, once for each change of them.

    What a model of silver selects is there then, whether or not a file has come since. The head keeps which
    columns it was done for, so that a run with nothing new asks the catalog nothing. A table that somebody
    took out of the catalog comes back with its next batch only. Raises ConflictError when a column may not
    become what the contract says.
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
        return  # something was published meanwhile: the next pass looks again


def columns_of(table: BronzeTable) -> str:
    """What a head keeps of the columns that the catalog's tables were brought to."""
    columns = msgspec.json.encode((table.rows.columns, table.events.columns))
    return hashlib.sha256(columns).hexdigest()[:16]
