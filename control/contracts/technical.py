"""The columns that the lakehouse adds to a contract's own, and what they mean."""

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
    "_deleted": "The source has deleted the row; only its key is to be trusted.",
    "_batch": "The batch of bronze that brought the row's latest change.",
    "ingest_date": "The day (UTC) on which the batch was claimed.",
    "batch": "The batch's number, without gaps for each table.",
    "event": "What happened to the table, for example truncate or a reload's begin.",
    "detail": "Particulars of the event as a JSON object.",
}
# The columns that a silver state table adds, in order, with their Athena types.
STATE = {"_seq": "string", "_rev": "bigint", "_deleted": "boolean", "_batch": "bigint"}
BRONZE = {
    "_seq": "string",
    "_rev": "bigint",
    "_op": "string",
    "_key_before": "string",
    "_committed_at": "timestamp",
    "_file_id": "string",
    "_line": "bigint",
    "_record": "int",
}
EVENTS = {
    "event": "string",
    "detail": "string",
    "_seq": "string",
    "_rev": "bigint",
    "_committed_at": "timestamp",
    "_file_id": "string",
    "_line": "bigint",
    "_record": "int",
}
PARTITION_KEYS = {"ingest_date": "string", "batch": "bigint"}


def meaning(name: str) -> str:
    """What a technical column holds, in one sentence; empty for a name that is none."""
    return _MEANING.get(name, "")


def token_column(column: Column) -> Column:
    """The sibling that the parser adds for a column whose values are personal."""
    return Column(
        name=f"{column.name}_token",
        type="string",
        logical_type="string",
        description=f"Keyed hash of {column.name}: equal values give equal tokens, and no token gives a value.",
        classification="pseudonym",
        tags=column.tags,
    )


def raw_columns(bronze: Contract) -> tuple[Column, ...]:
    """A bronze contract's columns and their tokens, each token after its column."""
    columns: list[Column] = []
    for column in bronze.columns:
        columns.append(column)
        if column.token:
            columns.append(token_column(column))
    return tuple(columns)


def bronze_columns(bronze: Contract) -> tuple[Column, ...]:
    """Every column of a bronze table as the catalog has it, partition keys last."""
    own = {c.name: c for c in raw_columns(bronze)}
    added = {**BRONZE, **PARTITION_KEYS}
    return (*own.values(), *(Column(n, kind, "", meaning(n)) for n, kind in added.items()))


def event_columns() -> tuple[Column, ...]:
    """Every column of a bronze events table, partition keys last."""
    return tuple(Column(n, kind, "", meaning(n)) for n, kind in {**EVENTS, **PARTITION_KEYS}.items())
