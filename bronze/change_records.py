"""Judge one change record of DMS exactly: a row, an event of the table, or a refusal."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from bronze import nested, schema, sequence
from bronze.columns import OPERATION, OPERATIONS
from bronze.contract import BronzeContract, Column
from bronze.errors import RefusedError
from bronze.json_objects import written
from bronze.lexical import Number, read_timestamp, reading
from bronze.schema import RESCUED

# What a row takes from the record around it, after the contract's columns.
ENVELOPE: tuple[tuple[str, str], ...] = (
    ("_seq", "string"),
    ("_op", "string"),
    ("_key_before", "string"),
    ("_committed_at", "timestamp"),
    ("_line", "bigint"),
    ("_record", "int"),
)
_Written = TypeVar("_Written")
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Change:
    """A row: values in the order of `row_columns`, without `_line` and `_record`.

    `discarded` counts the keys that the contract drops.
    """

    values: list[object]
    discarded: int


@dataclass(frozen=True, slots=True)
class Event:
    """What a control record says."""

    event: str
    seq: str
    committed_at: datetime | None


def row_columns(contract: BronzeContract) -> tuple[tuple[str, str], ...]:
    """Names and types of the columns that a change record gives."""
    rescued = (RESCUED,) if contract.unknown_keys == "evolve" else ()
    return (*((column.name, column.type) for column in contract.columns), *rescued, *ENVELOPE)


def row_schema(contract: BronzeContract) -> Any:
    """Their Arrow schema, in which operations are of one dictionary."""
    plain = schema.arrow_schema(row_columns(contract))
    return plain.set(plain.get_field_index("_op"), plain.field("_op").with_type(OPERATION))


def judge(
    contract: BronzeContract, *, epoch: int, loaded: str
) -> Callable[[Mapping[str, object]], Change | Event]:
    """A function that reads one record, or raises RefusedError with the first reason found.

    `loaded` is the `_seq` of the file's loads. A plain record is read as the data of a load. Of a change
    record's envelope only what is used is looked at: metadata may hold any other key.
    """
    readers = {column.name: nested.from_json(column.read_as) for column in contract.columns}
    rules = _Rules(
        contract,
        epoch,
        loaded,
        readers,
        tuple(c for c in contract.columns if schema.nested(c.type)),
        contract.stored,
    )
    if contract.records == "plain":
        return lambda record: rules.change({"data": record}, {"operation": "load"})

    def read(record: Mapping[str, object]) -> Change | Event:
        metadata = _object(record, "metadata")
        kind = _text(metadata, "record-type")
        if kind == "control":
            return rules.event(metadata)
        if kind != "data":
            raise RefusedError("type:record-type")
        return rules.change(record, metadata)

    return read


@dataclass(frozen=True, slots=True)
class _Rules:
    contract: BronzeContract
    epoch: int
    loaded: str
    readers: Mapping[str, Callable[[object], object]]
    nested: tuple[Column, ...]
    stored: Mapping[str, str]

    def event(self, metadata: Mapping[str, object]) -> Event:
        operation = _text(metadata, "operation")
        place = self.position(metadata) or sequence.lowest(self.contract.position)
        return Event(operation, sequence.change(self.epoch, place, _order(metadata)), _committed_at(metadata))

    def change(self, record: Mapping[str, object], metadata: Mapping[str, object]) -> Change:
        operation = _text(metadata, "operation")
        if operation not in OPERATIONS:
            raise RefusedError("type:operation")
        data = _object(record, "data")
        row = {column.name: self.value(column, data, operation) for column in self.contract.columns}
        rescued, discarded = self.unknown(data)
        key_before = None if operation == "load" else self.key_before(record, operation, row)
        seq = self.seq(metadata, operation)
        values = [*row.values(), *rescued, seq, operation, key_before, _committed_at(metadata)]
        return Change(values, discarded)

    def value(self, column: Column, data: Mapping[str, object], operation: str) -> object:
        value = data.get(column.name)
        if value is not None:
            read = _named(column.name, self.readers[column.name], value)
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
        """The value of `_rescued` if the contract evolves, else none, and how many keys are dropped.

        A nested value with an unknown key in it is rescued whole.
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

    def key_before(
        self, record: Mapping[str, object], operation: str, row: Mapping[str, object]
    ) -> str | None:
        """The old key as JSON when a before-image shows another; key columns that it lacks did not change."""
        if record.get("before-image") is None:
            if operation == "update" and self.contract.before_image == "required":
                raise RefusedError("absent_key:before-image")
            return None
        before = _object(record, "before-image")
        old = {
            name: row[name] if before.get(name) is None else _named(name, self.readers[name], before[name])
            for name in self.contract.key
        }
        if all(old[name] == row[name] for name in old):
            return None
        old = {self.stored[name]: value for name, value in old.items()}
        return json.dumps(old, ensure_ascii=False, separators=(",", ":"), default=_key_text)

    def seq(self, metadata: Mapping[str, object], operation: str) -> str:
        if operation == "load":
            return self.loaded
        place = self.position(metadata)
        if place is None:
            raise RefusedError("absent_key:stream-position")
        return sequence.change(self.epoch, place, _order(metadata))

    def position(self, metadata: Mapping[str, object]) -> str | None:
        kind = self.contract.position
        # A source that offers times only has no other position than its commit's.
        name = _first(metadata, "stream-position", *(COMMITTED if kind == "timestamp" else ()))
        if name is None:
            return None
        value = metadata[name]
        text = value if kind == "number" and isinstance(value, Number) else _text(metadata, name)
        return _named(name, lambda written: sequence.position(kind, written), text)


# Where the time of a commit stands; the second is the time of capture, which is always there.
COMMITTED = ("commit-timestamp", "timestamp")


def _committed_at(metadata: Mapping[str, object]) -> datetime | None:
    name = _first(metadata, *COMMITTED)
    return None if name is None else _named(name, read_timestamp, _text(metadata, name))


def _order(metadata: Mapping[str, object]) -> int:
    """Place of the change in its transaction; 0 where the source does not say."""
    name = "transaction-record-id"
    value = metadata.get(name)
    return 0 if value is None else _named(name, _natural, value)


def _natural(value: object) -> int:
    number = reading("bigint").json(value)
    if not isinstance(number, int) or number < 0:
        raise RefusedError("range")
    return number


def _named(name: str, read: Callable[[_Written], _Read], value: _Written) -> _Read:
    """Read a value; a refusal then names where it stood."""
    try:
        return read(value)
    except RefusedError as refusal:
        raise refusal.of(name) from None


def _first(metadata: Mapping[str, object], *names: str) -> str | None:
    return next((name for name in names if metadata.get(name) is not None), None)


def _object(record: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = record.get(name)
    if value is None:
        raise RefusedError(f"absent_key:{name}")
    if not isinstance(value, dict):
        raise RefusedError(f"type:{name}")
    return value


def _text(metadata: Mapping[str, object], name: str) -> str:
    value = metadata.get(name)
    if value is None:
        raise RefusedError(f"absent_key:{name}")
    if not isinstance(value, str) or isinstance(value, Number):
        raise RefusedError(f"type:{name}")
    return value


def _key_text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
