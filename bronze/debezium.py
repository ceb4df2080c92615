"""The envelope of change records from Debezium's connector for PostgreSQL.

Records arrive in commit order. `source.sequence` has the log position of the last commit before the record's
own transaction, and that of the change: the first orders transactions by commit, the second orders changes
within one. The second alone is not enough: a row that takes the key of a deleted row may be in the log before
the delete that it waited for, and so may a transaction that a snapshot did not see.

A load is a row as seen by a snapshot: later than what was committed before, earlier than what follows. A new
connector has seen no commit, so its loads have the lowest position. So has the first transaction after them,
but as a change it comes after the loads anyway.
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
# Placeholders for a large value that a change did not touch, so that the connector does not know it: for
# text, bytea and hstore. In an array, the placeholder is the only item.
_LEFT_OUT = (
    "__debezium_unavailable_value",
    "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==",
    '{"__debezium_unavailable_value":"__debezium_unavailable_value"}',
)
_SEQUENCE = re.compile(r'\[(?:null|"([0-9]{1,20})"), ?"([0-9]{1,20})"\]')


def envelope(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return the record, without the schema that a converter may have added. Raises RefusedError."""
    return object_of(record, "payload") if "payload" in record else record


@dataclass(frozen=True, slots=True)
class DebeziumRecord:
    """An `Envelope`: the record, the epoch of its file, and the `_seq` of the file's loads."""

    record: Mapping[str, object]
    contract: BronzeContract
    epoch: int
    loaded: str

    def event(self) -> str | None:
        """The kind of a control record; None for a data record. Raises RefusedError."""
        return _EVENTS.get(text_of(self.record, "op"))

    def operation(self) -> str:
        """Raises RefusedError."""
        operation = OPERATION_OF.get(text_of(self.record, "op"))
        if operation is None:
            raise RefusedError("type:op")
        return operation

    def data(self) -> Mapping[str, object]:
        """Raises RefusedError, also if a value was left out."""
        if self.operation() == "delete":
            before = object_of(self.record, "before")
            return {name: value for name, value in before.items() if not _is_left_out(value)}
        data = object_of(self.record, "after")
        for name, value in data.items():
            if _is_left_out(value):
                raise RefusedError(f"absent_key:{name}")
        return data

    def before(self, operation: str) -> Mapping[str, object] | None:
        """Raises RefusedError, also if the contract requires it and an update has none."""
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
        """Return the normalised position of the last commit before this transaction, and the change's."""
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
    """Let `read`, a reader of dates, accept a trailing Z, as `time.precision.mode=isostring` writes it."""
    return lambda value: read(value.removesuffix("Z") if isinstance(value, str) else value)
