"""Change capture like AWS DMS: the changes that pgoutput reports, as JSON records of DMS's shape.

The position of a change is that of its transaction's commit. A change may be logged before the snapshot that
lacks it; its commit never is.

A large value that an update did not change is not in the new row (PostgreSQL stores it separately, as TOAST,
and the log repeats only a pointer). With full replica identity, it is taken from the old row; otherwise the
record lacks the column.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from struct import unpack_from
from typing import Any

WHOLE, FRACTIONS, BOOLEAN, MOMENT = {20, 21, 23}, {700, 701}, 16, 1114
ABSENT = object()
_ZERO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Relation:
    """A table as described in the stream: name, type and key membership of each column."""

    schema: str
    name: str
    columns: tuple[tuple[str, int, bool], ...]


class Reader:
    """Reads the fields of one message."""

    def __init__(self, message: bytes) -> None:
        self.data, self.at = message, 0

    def number(self, kind: str) -> int:
        """Read a number, by the letter of its size (b, h, i, q)."""
        [found] = unpack_from(f">{kind}", self.data, self.at)
        self.at += {"b": 1, "h": 2, "i": 4, "I": 4, "q": 8}[kind]
        return int(found)

    def letter(self) -> str:
        """Read a byte as a letter."""
        return chr(self.number("b"))

    def text(self) -> str:
        """Read a zero-terminated text."""
        end = self.data.index(b"\0", self.at)
        found = self.data[self.at : end].decode()
        self.at = end + 1
        return found

    def tuple(self) -> list[Any]:
        """Read a row: for each column a text, None, or ABSENT for a large value that did not change."""
        return [self._value() for _ in range(self.number("h"))]

    def _value(self) -> Any:
        kind = self.letter()
        if kind in "nu":
            return None if kind == "n" else ABSENT
        length = self.number("i")
        self.at += length
        return self.data[self.at - length : self.at].decode()


@dataclass
class Capture:
    """Turns the messages of a stream into records, transaction by transaction."""

    relations: dict[int, Relation] = field(default_factory=dict)
    commit: int = 0
    committed_at: str = ""
    transaction: int = 0
    order: int = 0

    def records(self, messages: Iterable[bytes]) -> Iterator[dict[str, Any]]:
        """Yield the records of `messages`, in order."""
        for message in messages:
            read = Reader(message)
            match read.letter():
                case "B":
                    self.commit, moment, self.transaction = (
                        read.number("q"),
                        read.number("q"),
                        read.number("I"),
                    )
                    self.committed_at = (_ZERO + timedelta(microseconds=moment)).isoformat()
                    self.order = 0
                case "R":
                    self._relation(read)
                case "I" | "U" | "D" as kind:
                    yield self._change(kind, read)
                case "T":
                    count, _ = read.number("i"), read.number("b")
                    for _ in range(count):
                        relation = self.relations[read.number("i")]
                        yield {"metadata": self._metadata("control", "truncate-table", relation)}

    def _relation(self, read: Reader) -> None:
        number, schema, name, _ = read.number("i"), read.text(), read.text(), read.letter()
        columns = []
        for _ in range(read.number("h")):
            is_key, column, kind, _ = read.number("b"), read.text(), read.number("i"), read.number("i")
            columns.append((column, kind, is_key == 1))
        self.relations[number] = Relation(schema, name, tuple(columns))

    def _change(self, kind: str, read: Reader) -> dict[str, Any]:
        relation = self.relations[read.number("i")]
        before, now, whole = None, None, {}
        while read.at < len(read.data):
            if (what := read.letter()) == "N":
                now = read.tuple()
            else:
                before = _row(relation, read.tuple(), keys_only=what == "K")
                whole = before if what == "O" else {}
        operation = {"I": "insert", "U": "update", "D": "delete"}[kind]
        record = {"data": before if now is None else whole | _row(relation, now)}
        if kind == "U" and before is not None:
            record["before-image"] = before
        return record | {"metadata": self._metadata("data", operation, relation)}

    def _metadata(self, kind: str, operation: str, relation: Relation) -> dict[str, Any]:
        self.order += 1
        return metadata(kind, operation, relation.schema, relation.name) | {
            "transaction-id": self.transaction,
            "transaction-record-id": self.order,
            "commit-timestamp": self.committed_at,
            "stream-position": f"{self.commit >> 32:X}/{self.commit & 0xFFFFFFFF:X}",
        }


def metadata(kind: str, operation: str, schema: str, table: str) -> dict[str, Any]:
    """Return the metadata that every record has."""
    return {
        "timestamp": datetime.now(UTC).isoformat(),
        "record-type": kind,
        "operation": operation,
        "partition-key-type": "schema-table",
        "schema-name": schema,
        "table-name": table,
    }


def loaded(row: str, schema: str, table: str) -> str:
    """Return the record of a row read from a snapshot; `row` is JSON as the database writes it."""
    return f'{{"data": {row}, "metadata": {json.dumps(metadata("data", "load", schema, table))}}}'


def _row(relation: Relation, values: list[Any], *, keys_only: bool = False) -> dict[str, Any]:
    return {
        name: _json(kind, value)
        for (name, kind, is_key), value in zip(relation.columns, values, strict=True)
        if value is not ABSENT and (is_key or not keys_only)
    }


def _json(kind: int, value: str | None) -> Any:
    """Return whole numbers and doubles as numbers, timestamps with their T; a numeric stays text."""
    if value is None:
        return None
    if kind in WHOLE:
        return int(value)
    if kind in FRACTIONS:
        return float(value)
    if kind == MOMENT:
        return value.replace(" ", "T")
    return value == "t" if kind == BOOLEAN else value
