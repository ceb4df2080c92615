"""Read blocks of change records: certainly good lines with the kernel, all others by the exact rules."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache

from bronze import columns
from bronze.blocks import Block, slices
from bronze.change_records import Change, judge, row_schema
from bronze.contract import BronzeContract
from bronze.errors import RefusedError
from bronze.json_objects import Found, objects
from bronze.outcome import BlockReader, EventRow, Outcome, Taken, all_left, joined
from bronze.quarantine import Quarantine

_BOM = b"\xef\xbb\xbf"
# Debezium follows a delete with a tombstone for Kafka: an empty line, or null in JSON.
_TOMBSTONES = (b"null", b"null\r")
# No change record is this short. Blocks whose lines are on average are read in slices, because a list of them
# takes many times their bytes.
_SHORT_LINE = 64


def without_bom(block: Block) -> Block:
    """Return the first block of a file without its byte order mark, if any."""
    if not block.data.startswith(_BOM):
        return block
    return replace(block, data=block.data.removeprefix(_BOM), offset=len(_BOM))


@dataclass(slots=True)
class _Exact:
    """The results of the exact rules for some lines."""

    rows: list[list[object]] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    records: int = 0
    blank: int = 0
    discarded: int = 0


def reader(
    contract: BronzeContract, quarantine: Quarantine, *, epoch: int, loaded: str, quick_bytes: int
) -> BlockReader:
    """Return a reader of blocks to the columns of `change_records.row_schema`."""
    schema = row_schema(contract)
    judged = judge(contract, epoch=epoch, loaded=loaded)
    nothing = schema.empty_table()
    blank = (b"", b"\r", *(_TOMBSTONES if contract.records == "debezium" else ()))

    def quick() -> Callable[[Block], Taken]:
        from bronze import change_fast

        return change_fast.reader(contract, epoch=epoch, loaded=loaded)

    of_blocks, of_slices = cache(quick), cache(quick)

    def look(block: Block) -> Taken | None:
        if len(block.data) < quick_bytes:
            return Taken(nothing, all_left(block))
        return None if len(block.data) < _SHORT_LINE * block.lines else of_blocks()(block)

    def read(block: Block, taken: Taken | None) -> Outcome:
        if taken is not None:
            return read_left(taken)
        return joined(read_left(of_slices()(part)) for part in slices(block))

    def read_left(taken: Taken) -> Outcome:
        exact = _Exact()
        for number, offset, line in taken.left:
            read_exactly(line, number, offset, exact)
        return Outcome(
            rows=columns.in_order([taken.rows, columns.table_of(exact.rows, schema)], ["_line", "_record"]),
            records=taken.rows.num_rows + exact.records,
            blank=exact.blank,
            discarded=exact.discarded,
            events=exact.events,
        )

    def read_exactly(line: bytes, number: int, offset: int, exact: _Exact) -> None:
        if line in blank:
            exact.blank += 1
            return
        for found in objects(line):
            exact.records += 1
            try:
                take(found, number, exact)
            except RefusedError as refusal:
                quarantine.refuse(
                    refusal.reason, found.raw, line=number, offset=offset + found.start, record=found.record
                )

    def take(found: Found, number: int, exact: _Exact) -> None:
        if isinstance(found.value, RefusedError):
            raise RefusedError(found.value.reason)  # a new one: the traceback would keep the block alive
        read = judged(found.value)
        if isinstance(read, Change):
            exact.rows.append([*read.values, number, found.record])
            exact.discarded += read.discarded
        else:
            detail = found.raw.decode().strip()
            exact.events.append(
                EventRow(read.event, detail, read.seq, read.committed_at, number, found.record)
            )

    return BlockReader(look, read)
