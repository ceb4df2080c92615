"""Change records as AWS DMS writes them to a stream: one JSON object per change of one row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal

import msgspec

from control.sample.shop import KEYS, Row

Operation = Literal["insert", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Edit:
    """What a transaction does to one row; `before` is the whole old row, if the source sends it."""

    table: str
    operation: Operation
    row: Row
    before: Row | None = None


Transaction = tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """An edit with its place in the source's log. All edits of a transaction share the position `lsn`."""

    edit: Edit
    lsn: int
    transaction: int
    record: int
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class LogStart:
    """The position in the source's log at which the first of some transactions commits."""

    lsn: int
    transaction: int
    at: datetime


def commit(transactions: Iterable[Transaction], start: LogStart, rng: Random) -> list[Change]:
    """Write `transactions` to the log in order: positions and times rise from one to the next."""
    changes = []
    lsn, at = start.lsn, start.at
    for number, transaction in enumerate(transactions, start.transaction):
        for record, edit in enumerate(transaction, 1):
            changes.append(Change(edit, lsn, number, record, at))
        lsn += rng.randrange(0x38, 0x400, 8)
        at += timedelta(microseconds=rng.randrange(1_000, 3_000_000))
    return changes


def change_line(change: Change) -> bytes:
    """Return one change record, without a newline."""
    edit = change.edit
    record: dict[str, object] = {"data": edit.row}
    if edit.before is not None:
        record["before-image"] = edit.before
    record["metadata"] = {
        **_metadata(edit.table, edit.operation, change.committed_at),
        "transaction-id": change.transaction,
        "transaction-record-id": change.record,
        "prev-transaction-id": change.transaction - 1,
        "prev-transaction-record-id": 1,
        "commit-timestamp": _timestamp(change.committed_at),
        "stream-position": lsn_text(change.lsn),
    }
    return msgspec.json.encode(record)


def load_lines(table: str, rows: Iterable[Row], at: datetime) -> Iterator[bytes]:
    """Return load records of a table's rows, as a full load writes them: no transaction, no position."""
    metadata = _metadata(table, "load", at)
    encode = msgspec.json.Encoder().encode
    return (encode({"data": row, "metadata": metadata}) for row in rows)


def control_line(table: str, columns: Sequence[str], at: datetime) -> bytes:
    """Return the control record that announces a table."""
    metadata = {
        **_metadata(table, "create-table", at),
        "record-type": "control",
        "partition-key-type": "task-id",
    }
    definition = {"columns": {column: {"nullable": column != KEYS[table]} for column in columns}}
    return msgspec.json.encode({"control": {"table-def": definition}, "metadata": metadata})


def lsn_text(lsn: int) -> str:
    """Return a position as PostgreSQL prints it: two halves in hex without leading zeros, `0/16B3748`."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def _metadata(table: str, operation: str, at: datetime) -> dict[str, object]:
    return {
        "timestamp": _timestamp(at),
        "record-type": "data",
        "operation": operation,
        "partition-key-type": "primary-key",
        "schema-name": "public",
        "table-name": table,
    }


def _timestamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
