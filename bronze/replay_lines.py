"""Replay quarantine files: parse each record again; it keeps its identity."""

import base64
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
import pyarrow as pa

from bronze import change_records, csv_exact, sequence
from bronze.blocks import Block
from bronze.change_records import Change, row_schema
from bronze.columns import table_of
from bronze.contract import BronzeContract
from bronze.errors import FileRefusedError, RefusedError
from bronze.json_objects import objects
from bronze.outcome import BlockReader, EventRow, Outcome
from bronze.quarantine import Origin, Quarantine

_Natural = Annotated[int, msgspec.Meta(ge=0)]
# The ranges of their columns, or of the part of `_seq`.
_Line = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Record = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
_Epoch = Annotated[int, msgspec.Meta(ge=0, lt=10**10)]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A line of a quarantine file."""

    line: _Line
    record: _Record
    offset: _Natural
    reason: str
    file_id: str
    epoch: _Epoch
    extract: _Natural
    format: Literal["csv", "json", "begin", "complete"]
    contract_version: str
    position: str | None = None
    raw: str | None = None
    raw_base64: str | None = None
    length: int | None = None

    @property
    def content(self) -> bytes:
        """The bytes that were refused."""
        if self.raw is not None:
            return self.raw.encode()
        return base64.b64decode(self.raw_base64 or "", validate=True)

    @property
    def origin(self) -> Origin:
        """The raw file that the record came in."""
        return Origin(self.file_id, self.epoch, self.extract, self.format, self.position)


def reader(contract: BronzeContract, quarantine: Quarantine) -> BlockReader:
    """Return a reader of blocks to the columns of `change_records.row_schema` and `_file_id`.

    Its `look` does nothing. Its `read` raises FileRefusedError("replay") for a line that cannot be replayed.
    """
    schema = row_schema(contract).append(pa.field("_file_id", pa.string()))
    judge = _judge(contract)

    def read(block: Block, _: object) -> Outcome:
        rows: list[list[object]] = []
        events: list[EventRow] = []
        records = blank = discarded = 0
        for number, line in enumerate(block.data.removesuffix(b"\n").split(b"\n"), block.line):
            if not line:
                blank += 1
                continue
            entry = _entry(line, number, contract)
            for record, start, raw, found in judge(entry):
                records += 1
                if isinstance(found, RefusedError):
                    quarantine.refuse(
                        found.reason,
                        raw,
                        line=entry.line,
                        offset=entry.offset + start,
                        record=entry.record + record,
                        length=entry.length,
                        origin=entry.origin,
                    )
                elif isinstance(found, Change):
                    rows.append([*found.values, entry.line, entry.record + record, entry.file_id])
                    discarded += found.discarded
                else:
                    detail = raw.decode().strip()
                    place = (entry.line, entry.record + record, entry.file_id)
                    events.append(EventRow(found.event, detail, found.seq, found.committed_at, *place))
        return Outcome(table_of(rows, schema), records, blank, discarded, events)

    return BlockReader(lambda _: None, read)


_Judged = tuple[int, int, bytes, Change | change_records.Event | RefusedError]


def _judge(contract: BronzeContract) -> Callable[[Entry], list[_Judged]]:
    """Return a function that parses an entry's records: index, byte offset, bytes, and the result."""
    fields = csv_exact.judge(contract)
    nothing = (None,) * (contract.unknown_keys == "evolve")

    @lru_cache(maxsize=64)
    def changes(epoch: int, loaded: str) -> Callable[..., Change | change_records.Event]:
        return change_records.judge(contract, epoch=epoch, loaded=loaded)

    @lru_cache(maxsize=64)
    def loaded(epoch: int, extract: int, written: str | None) -> str:
        place = sequence.snapshot(contract.position, written)
        return sequence.load(epoch, place, extract)

    def judge(entry: Entry) -> list[_Judged]:
        raw = entry.content
        if entry.length is not None:  # only its start was kept
            return [(0, 0, raw, RefusedError(entry.reason))]
        if entry.format == "csv":
            return [(0, 0, raw, _tried(row, raw, entry))]
        return [
            (found.record, found.start, found.raw, _tried(change, found.value, entry))
            for found in objects(raw)
        ]

    def row(raw: object, entry: Entry) -> Change:
        assert isinstance(raw, bytes)
        seq = loaded(entry.epoch, entry.extract, entry.position)
        return Change([*fields(raw), *nothing, seq, "load", None, None], 0)

    def change(value: object, entry: Entry) -> Change | change_records.Event:
        if isinstance(value, RefusedError):
            raise value
        return changes(entry.epoch, loaded(entry.epoch, entry.extract, entry.position))(value)

    return judge


def _tried(
    read: Callable[[object, Entry], Change | change_records.Event], value: object, entry: Entry
) -> Change | change_records.Event | RefusedError:
    try:
        return read(value, entry)
    except RefusedError as refusal:
        return refusal


_decode = msgspec.json.Decoder(Entry).decode


def _entry(line: bytes, number: int, contract: BronzeContract) -> Entry:
    try:
        entry = _decode(line)
        if entry.line and not entry.content:
            raise ValueError("it has no raw bytes")
        newer = _parts(entry.contract_version) > _parts(contract.version)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise FileRefusedError("replay", f"line {number} is not a quarantine entry: {error}") from error
    if not entry.line:
        raise FileRefusedError(
            "replay",
            f"line {number}: the raw file {entry.file_id} was refused as a whole ({entry.reason}): parse it",
        )
    if newer:
        raise FileRefusedError(
            "replay",
            f"line {number} was refused by version {entry.contract_version} of the contract, but this is the"
            f" older version {contract.version}",
        )
    return entry


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
