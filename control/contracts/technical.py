"""The columns that the lakehouse adds to a contract's own, and what they mean."""

from pathlib import Path

import bronze.contract
from bronze.events import EVENT_HIVE_COLUMNS
from control.contracts.model import Column, Contract

_MEANING = {
    "_seq": "Sortable place of the change among all changes of the table: epoch, log position, order.",
    "_rev": "Revision of parser and contract that read the record; it only ever rises.",
    "_op": "What the record does: load, insert, update or delete.",
    "_key_before": "The old key as a JSON object where an update changed the key, else null.",
    "_committed_at": "When the source committed the change (UTC); null for extracts.",
    "_file_id": "The raw file that the record came in.",
    "_line": "Line of the record in its raw file, counted from 1.",
    "_record": "Place of the record in its line, for lines that hold several.",
    "_rescued": "Keys that the contract does not know, as a JSON object.",
    "_deleted": "The source has deleted the row; only its key is reliable.",
    "_batch": "The batch of bronze that brought the row's latest change.",
    "ingest_date": "The day (UTC) on which the batch was claimed.",
    "batch": "The batch's number, without gaps for each table.",
    "event": "What happened to the table: a control record's operation, for example truncate-table.",
    "detail": "The whole control record as it stood in the raw file.",
}
# The columns that a silver state table adds, in order, with their Athena types.
STATE = {"_seq": "string", "_rev": "bigint", "_deleted": "boolean", "_batch": "bigint"}
PARTITION_KEYS = {"ingest_date": "string", "batch": "bigint"}


def meaning(name: str) -> str:
    """Return what a technical column holds, in one sentence; empty for any other name."""
    return _MEANING.get(name, "")


def token_column(column: Column) -> Column:
    """Return the sibling that the parser adds for a column whose values are personal."""
    return Column(
        name=f"{column.name}_token",
        type="string",
        logical_type="string",
        description=f"Keyed hash of {column.name}: equal values have equal tokens, which do not reveal them.",
        classification="pseudonym",
        tags=column.tags,
    )


def exact_column(column: Column) -> Column:
    """Return the sibling that the parser adds for a timestamp, with the same classification."""
    return Column(
        name=f"{column.name}_us",
        type="bigint",
        logical_type="integer",
        description=f"{column.name} in microseconds since 1970 (UTC), exactly: Athena reads it rounded.",
        classification=column.classification,
        tags=column.tags,
    )


def raw_columns(bronze: Contract) -> tuple[Column, ...]:
    """Return a bronze contract's columns and their tokens, each token after its column."""
    columns: list[Column] = []
    for column in bronze.columns:
        columns.append(column)
        if column.token:
            columns.append(token_column(column))
    return tuple(columns)


def exact_columns(bronze: Contract) -> tuple[Column, ...]:
    """Return the siblings of a bronze contract's timestamps. Silver's timestamps are exact and need none."""
    return tuple(exact_column(column) for column in bronze.columns if column.type == "timestamp")


def bronze_columns(contract: Contract) -> tuple[Column, ...]:
    """Return every column of a bronze table as the parser writes it, without partition keys.

    Names, types and order are the parser's; meanings are the contract's. Reads the contract's file again.
    """
    own = {c.name: c for c in (*raw_columns(contract), *exact_columns(contract))}
    parsed = bronze.contract.load(Path(contract.file)).hive_columns
    return tuple(own.get(name) or Column(name, kind, "", meaning(name)) for name, kind in parsed)


def event_columns() -> tuple[Column, ...]:
    """Return every column of a bronze events table, without partition keys."""
    return tuple(Column(name, kind, "", meaning(name)) for name, kind in EVENT_HIVE_COLUMNS)


def partition_keys() -> tuple[Column, ...]:
    """Return the partition keys of every bronze table and events table."""
    return tuple(Column(name, kind, "", meaning(name)) for name, kind in PARTITION_KEYS.items())
