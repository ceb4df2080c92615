"""Read one change record by the exact rules: a row, an event of the table, or a refusal."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from bronze import nested, schema
from bronze.columns import OPERATION
from bronze.contract import BronzeContract, Column
from bronze.debezium import DebeziumRecord, date_of, envelope
from bronze.dms import DmsRecord
from bronze.errors import RefusedError
from bronze.json_objects import object_of, written
from bronze.lexical import named
from bronze.schema import RESCUED

# Columns of a row that come from the envelope, after the contract's columns.
ENVELOPE: tuple[tuple[str, str], ...] = (
    ("_seq", "string"),
    ("_op", "string"),
    ("_key_before", "string"),
    ("_committed_at", "timestamp"),
    ("_line", "bigint"),
    ("_record", "int"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """A row: values in the order of `row_columns`, without `_line` and `_record`.

    `discarded` counts the keys that the contract drops.
    """

    values: list[object]
    discarded: int


@dataclass(frozen=True, slots=True)
class Event:
    """A control record."""

    event: str
    seq: str
    committed_at: datetime | None


def row_columns(contract: BronzeContract) -> tuple[tuple[str, str], ...]:
    """Return names and types of the columns that are read from a change record."""
    rescued = (RESCUED,) if contract.unknown_keys == "evolve" else ()
    return (*((column.name, column.type) for column in contract.columns), *rescued, *ENVELOPE)


def row_schema(contract: BronzeContract) -> Any:
    """Return the Arrow schema of `row_columns`, with operations as one dictionary."""
    plain = schema.arrow_schema(row_columns(contract))
    return plain.set(plain.get_field_index("_op"), plain.field("_op").with_type(OPERATION))


class Envelope(Protocol):
    """The envelope of a record. Each method raises RefusedError."""

    def event(self) -> str | None:
        """The operation of a control record, such as `truncate-table`; None for a data record."""

    def operation(self) -> str:
        """One of OPERATIONS."""

    def data(self) -> Mapping[str, object]:
        """The values by their names in raw files; a delete needs only those of the key."""

    def before(self, operation: str) -> Mapping[str, object] | None:
        """The values before the change, if the source gives them; missing key columns did not change."""

    def seq(self, operation: str) -> str:
        """`_seq` of the row."""

    def event_seq(self) -> str:
        """`_seq` of the event."""

    def committed_at(self) -> datetime | None:
        """The commit time, if the source gives it."""


def judge(
    contract: BronzeContract, *, epoch: int, loaded: str
) -> Callable[[Mapping[str, object]], Change | Event]:
    """Return a function that reads one record, or raises RefusedError with the first reason found.

    `loaded` is the `_seq` of the file's loads. A plain record is read as the data of a load. Unused keys of
    an envelope are ignored.
    """
    readers = {column.name: nested.from_json(column.type) for column in contract.columns}
    if contract.records == "debezium":
        dates = [column.name for column in contract.columns if column.type == "date"]
        readers |= {name: date_of(readers[name]) for name in dates}
    rules = _Rules(
        contract,
        readers,
        tuple(c for c in contract.columns if schema.nested(c.type)),
        contract.stored,
    )
    if contract.records == "plain":
        load = {"operation": "load"}
        return lambda record: rules.change(DmsRecord({"data": record}, load, contract, epoch, loaded))
    if contract.records == "debezium":
        return lambda record: rules.read(DebeziumRecord(envelope(record), contract, epoch, loaded))
    return lambda record: rules.read(
        DmsRecord(record, object_of(record, "metadata"), contract, epoch, loaded)
    )


@dataclass(frozen=True, slots=True)
class _Rules:
    contract: BronzeContract
    readers: Mapping[str, Callable[[object], object]]
    nested: tuple[Column, ...]
    stored: Mapping[str, str]

    def read(self, record: Envelope) -> Change | Event:
        event = record.event()
        if event is None:
            return self.change(record)
        return Event(event, record.event_seq(), record.committed_at())

    def change(self, record: Envelope) -> Change:
        operation = record.operation()
        data = record.data()
        row = {column.name: self.value(column, data, operation) for column in self.contract.columns}
        rescued, discarded = self.unknown(data)
        before = None if operation == "load" else record.before(operation)
        key_before = None if before is None else self.key_before(before, row)
        seq = record.seq(operation)
        values = [*row.values(), *rescued, seq, operation, key_before, record.committed_at()]
        return Change(values, discarded)

    def value(self, column: Column, data: Mapping[str, object], operation: str) -> object:
        value = data.get(column.name)
        if value is not None:
            read = named(column.name, self.readers[column.name], value)
            if column in self.nested and operation != "delete" and self.contract.absent == "quarantine":
                for place in nested.absent(column.type, value):
                    raise RefusedError(f"absent_key:{column.name}{place}")
            return read
        if operation == "delete" and column.name not in self.contract.key:
            return None
        if column.name not in data and (column.required or self.contract.absent == "quarantine"):
            raise RefusedError(f"absent_key:{column.name}")
        if column.required:
            raise RefusedError(f"null:{column.name}")
        return None

    def unknown(self, data: Mapping[str, object]) -> tuple[tuple[str | None, ...], int]:
        """Return the value of `_rescued`, if the contract has it, and the number of dropped keys.

        A nested value that contains an unknown key is rescued as a whole.
        """
        found = [(key, "") for key in data if key not in self.readers]
        for column in self.nested:
            found += [(column.name, place) for place in nested.unknown(column.type, data.get(column.name))]
        if self.contract.unknown_keys == "evolve":
            rescued = {name: data[name] for name, _ in found}
            return (written(rescued) if rescued else None,), 0
        if found and self.contract.unknown_keys == "freeze":
            raise RefusedError(f"unknown_key:{''.join(found[0])}")
        return (), len(found)

    def key_before(self, before: Mapping[str, object], row: Mapping[str, object]) -> str | None:
        """Return the old key as JSON if it differs; key columns missing in `before` did not change."""
        old = {
            name: row[name] if before.get(name) is None else named(name, self.readers[name], before[name])
            for name in self.contract.key
        }
        if all(old[name] == row[name] for name in old):
            return None
        old = {self.stored[name]: value for name, value in old.items()}
        return json.dumps(old, ensure_ascii=False, separators=(",", ":"), default=_key_text)


def _key_text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
