"""What a change record of Debezium's connector for PostgreSQL says around its data.

Records are in the order of commits. `source.sequence` holds the log position of the last commit before the
record's own transaction, and that of the change: the first puts transactions in the order of their commits,
the second what is in one. The second alone does not do: a row that takes the key of one just deleted may be
in the log before the delete that it waited for, and so may a transaction be that a snapshot did not see.

A load is a row as some snapshot saw it: later than what was committed before, and earlier than what follows.
A connector that is new has seen no commit, so its loads have the lowest position, and so has the transaction
that follows them, which as a change comes after loads all the same.
(Debezium 3: `PostgresStreamingChangeEventSource`, `SourceInfo.sequence`.)
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bronze import sequence
from bronze.contract import BronzeContract
from bronze.dms import natural
from bronze.errors import RefusedError
from bronze.json_objects import object_of, text_of
from bronze.lexical import named

# In the order of `columns.OPERATIONS`.
OPERATION_OF = {"r": "load", "c": "insert", "u": "update", "d": "delete"}
_EVENTS = {"t": "truncate-table"}
# What the connector writes for a large value that a change left as it was, and that it does not know: as
# text, of bytea and of hstore; of an array it is the one item.
_LEFT_OUT = (
    "__debezium_unavailable_value",
    "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==",
    '{"__debezium_unavailable_value":"__debezium_unavailable_value"}',
)
_SEQUENCE = re.compile(r'\[(?:null|"([0-9]{1,20})"), ?"([0-9]{1,20})"\]')


def envelope(record: Mapping[str, object]) -> Mapping[str, object]:
    """The record itself, also where a converter has put its schema beside it. Raises RefusedError."""
    return object_of(record, "payload") if "payload" in record else record


@dataclass(frozen=True, slots=True)
class DebeziumRecord:
    """An `Envelope`: the record, and what its file says of places."""

    record: Mapping[str, object]
    contract: BronzeContract
    epoch: int
    loaded: str

    def event(self) -> str | None:
        """What a record without data says; None of data. Raises RefusedError."""
        return _EVENTS.get(text_of(self.record, "op"))

    def operation(self) -> str:
        """Raises RefusedError."""
        operation = OPERATION_OF.get(text_of(self.record, "op"))
        if operation is None:
            raise RefusedError("type:op")
        return operation

    def data(self) -> Mapping[str, object]:
        """Raises RefusedError, also where a value was left out."""
        if self.operation() == "delete":
            before = object_of(self.record, "before")
            return {name: value for name, value in before.items() if not _is_left_out(value)}
        data = object_of(self.record, "after")
        for name, value in data.items():
            if _is_left_out(value):
                raise RefusedError(f"absent_key:{name}")
        return data

    def before(self, operation: str) -> Mapping[str, object] | None:
        """Raises RefusedError, also of an update without one where the contract requires it."""
        if self.record.get("before") is not None:
            return object_of(self.record, "before")
        if operation == "update" and self.contract.before_image == "required":
            raise RefusedError("absent_key:before")
        return None

    def seq(self, operation: str) -> str:
        """`_seq` of a row. Raises RefusedError."""
        if operation != "load":
            return self.event_seq()
        committed, _ = self._places()
        return sequence.not_before(self.loaded, committed)

    def event_seq(self) -> str:
        """`_seq` of an event. Raises RefusedError."""
        committed, lsn = self._places()
        return sequence.change(self.epoch, committed, lsn)

    def committed_at(self) -> datetime | None:
        """Raises RefusedError."""
        source = object_of(self.record, "source")
        if source.get("ts_us") is not None:  # since Debezium 2.6
            return named("ts_us", _moment, source["ts_us"])
        if source.get("ts_ms") is not None:
            return named("ts_ms", _moment_ms, source["ts_ms"])
        return None

    def _places(self) -> tuple[str, int]:
        """The normalised position of the last commit before this transaction, and the change in the log."""
        written = text_of(object_of(self.record, "source"), "sequence")
        return named("sequence", _sequence, written)


def _sequence(written: str) -> tuple[str, int]:
    found = _SEQUENCE.fullmatch(written)
    if found is None:
        raise RefusedError("type")
    committed, lsn = int(found[1] or 0), int(found[2])
    if max(committed, lsn) >= 1 << 64:
        raise RefusedError("range")
    return sequence.lsn(committed), lsn


def _moment(microseconds: object) -> datetime:
    return _since_epoch(natural(microseconds))


def _moment_ms(milliseconds: object) -> datetime:
    return _since_epoch(natural(milliseconds) * 1000)


def _since_epoch(microseconds: int) -> datetime:
    try:
        return datetime(1970, 1, 1) + timedelta(microseconds=microseconds)  # UTC, as read_timestamp has it
    except OverflowError:
        raise RefusedError("range") from None


def _is_left_out(value: object) -> bool:
    if isinstance(value, list) and len(value) == 1:
        [value] = value
    return isinstance(value, str) and value in _LEFT_OUT


def date_of(read: Callable[[object], object]) -> Callable[[object], object]:
    """`read`, the reader of dates, for a date that may have a zone: `time.precision.mode=isostring` has Z."""
    return lambda value: read(value.removesuffix("Z") if isinstance(value, str) else value)
