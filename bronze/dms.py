"""The envelope of AWS DMS change records: operation, log position, time, the old key."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bronze import sequence
from bronze.columns import OPERATIONS
from bronze.contract import BronzeContract
from bronze.errors import RefusedError
from bronze.json_objects import object_of, text_of
from bronze.lexical import Number, named, read_timestamp, reading

# Keys of the commit time; the second is the time of capture, which always exists.
COMMITTED = ("commit-timestamp", "timestamp")


@dataclass(frozen=True, slots=True)
class DmsRecord:
    """An `Envelope`: the record, its metadata, the file's epoch, and the `_seq` of the file's loads."""

    record: Mapping[str, object]
    metadata: Mapping[str, object]
    contract: BronzeContract
    epoch: int
    loaded: str

    def event(self) -> str | None:
        """The operation of a control record; None for a data record. Raises RefusedError."""
        kind = text_of(self.metadata, "record-type")
        if kind == "control":
            return text_of(self.metadata, "operation")
        if kind != "data":
            raise RefusedError("type:record-type")
        return None

    def operation(self) -> str:
        """Raises RefusedError."""
        operation = text_of(self.metadata, "operation")
        if operation not in OPERATIONS:
            raise RefusedError("type:operation")
        return operation

    def data(self) -> Mapping[str, object]:
        """Raises RefusedError."""
        return object_of(self.record, "data")

    def before(self, operation: str) -> Mapping[str, object] | None:
        """Raises RefusedError, also if the contract requires it and an update has none."""
        if self.record.get("before-image") is not None:
            return object_of(self.record, "before-image")
        if operation == "update" and self.contract.before_image == "required":
            raise RefusedError("absent_key:before-image")
        return None

    def seq(self, operation: str) -> str:
        """`_seq` of a row. Raises RefusedError."""
        if operation == "load":
            return self.loaded
        place = self._position()
        if place is None:
            raise RefusedError("absent_key:stream-position")
        return sequence.change(self.epoch, place, self._order())

    def event_seq(self) -> str:
        """`_seq` of an event, which may have no position. Raises RefusedError."""
        place = self._position() or sequence.lowest(self.contract.position)
        return sequence.change(self.epoch, place, self._order())

    def committed_at(self) -> datetime | None:
        """Raises RefusedError."""
        name = _first(self.metadata, *COMMITTED)
        return None if name is None else named(name, read_timestamp, text_of(self.metadata, name))

    def _position(self) -> str | None:
        kind = self.contract.position
        # For a source without log positions, the commit time is the position.
        name = _first(self.metadata, "stream-position", *(COMMITTED if kind == "timestamp" else ()))
        if name is None:
            return None
        value = self.metadata[name]
        text = value if kind == "number" and isinstance(value, Number) else text_of(self.metadata, name)
        return named(name, lambda written: sequence.position(kind, written), text)

    def _order(self) -> int:
        """Return the number of the change in its transaction; 0 if the source does not give it."""
        name = "transaction-record-id"
        value = self.metadata.get(name)
        return 0 if value is None else named(name, natural, value)


def natural(value: object) -> int:
    """Read a whole number from 0. Raises RefusedError."""
    number = reading("bigint").json(value)
    if not isinstance(number, int) or number < 0:
        raise RefusedError("range")
    return number


def _first(metadata: Mapping[str, object], *names: str) -> str | None:
    return next((name for name in names if metadata.get(name) is not None), None)
