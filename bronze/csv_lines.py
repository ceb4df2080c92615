"""Read blocks of a CSV extract: certainly good lines with the kernel, every other line by the exact rules."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from bronze import columns, csv_exact
from bronze.blocks import Block, records, slices, with_newline
from bronze.contract import BronzeContract
from bronze.errors import FileRefusedError, RefusedError
from bronze.outcome import BlockReader, Outcome, Taken, joined, left_of
from bronze.quarantine import Quarantine
from bronze.schema import arrow_schema

if TYPE_CHECKING:
    from bronze.kernel import Reader

_BOM = b"\xef\xbb\xbf"
# Blocks whose lines are shorter than this on average are read in slices: an uncertain line takes many times
# its bytes in memory.
_SHORT_LINE = 32


def opened(block: Block, contract: BronzeContract) -> Block:
    """Return the first block without the byte order mark and the header, if there are any.

    Raises FileRefusedError("header") if the header differs from the contract's.
    """
    mark = len(_BOM) if block.data.startswith(_BOM) else 0
    if not contract.csv.header:
        return Block(block.data[mark:], block.line, block.offset + mark, block.lines)
    end = block.data.find(b"\n") + 1 or len(block.data)
    wanted = [column.name for column in contract.columns]
    try:
        names = csv_exact.splitter(contract.csv)(block.data[mark:end].removesuffix(b"\n"))
    except RefusedError as refusal:
        raise FileRefusedError("header", f"the header line is refused: {refusal.reason}") from refusal
    if names != wanted:
        raise FileRefusedError("header", _other(names, wanted, contract.csv.delimiter))
    return Block(block.data[end:], block.line + 1, block.offset + end, block.lines - 1)


def _other(names: Sequence[str], wanted: Sequence[str], by: str) -> str:
    """Describe how a header differs; the difference comes first, because long texts are cut off."""
    lacks, more = by.join(n for n in wanted if n not in names), by.join(n for n in names if n not in wanted)
    said = [f"lacks {lacks[:200]}"] if lacks else []
    said += [f"has {more[:200]}, which the contract has not"] if more else []
    found = " and ".join(said) or "has the columns in another order, or one twice"
    return f"the header {found}: it must be {by.join(wanted)}, and is {by.join(names)[:200]}"


def reader(contract: BronzeContract, quarantine: Quarantine, *, quick_bytes: int) -> BlockReader:
    """Return a reader of blocks to the contract's columns and `_line`."""
    judge = csv_exact.judge(contract)
    quote = contract.csv.quote_byte if contract.csv.multiline else None
    schema = arrow_schema((*((column.name, column.type) for column in contract.columns), ("_line", "bigint")))

    @cache
    def quick() -> "Reader | None":
        return _quick(contract)

    def reader_of(block: Block) -> "Reader | None":
        return quick() if len(block.data) >= quick_bytes else None

    def may_reach_over_lines(block: Block) -> bool:
        return quote is not None and quote in block.data

    def look(block: Block) -> Taken | None:
        """Return the certain lines of `block`; None if `read` has to read it in slices."""
        kernel_reads = reader_of(block)
        is_short = len(block.data) < _SHORT_LINE * block.lines
        return None if kernel_reads is None or is_short else certain(block, kernel_reads)

    def certain(block: Block, kernel_reads: "Reader") -> Taken:
        text = with_newline(block.data)
        found = kernel_reads(text, block.lines, block.line)
        rows = pa.table([*found.columns.values(), found.rows], schema=schema)
        left = zip(found.lines, found.starts, found.sizes, strict=True)
        return Taken(
            rows,
            left_of((line, block.offset + start, text[start : start + size]) for line, start, size in left),
        )

    def unlooked(block: Block) -> Taken:
        return Taken(schema.empty_table(), left_of(records(block, quote)))

    def read(block: Block, taken: Taken | None) -> Outcome:
        if taken is not None:
            return read_left(taken)
        # A block with quotes that may span lines cannot be sliced.
        parts = [block] if may_reach_over_lines(block) else slices(block)
        kernel_reads = reader_of(block)
        return joined(
            read_left(certain(part, kernel_reads) if kernel_reads else unlooked(part)) for part in parts
        )

    def read_left(taken: Taken) -> Outcome:
        exact: list[list[object]] = []
        blank = 0
        for number, offset, line in taken.left:
            if line in (b"", b"\r"):
                blank += 1
                continue
            try:
                exact.append([*judge(line), number])
            except RefusedError as refusal:
                quarantine.refuse(refusal.reason, line, line=number, offset=offset)
        rows = columns.in_order([taken.rows, columns.table_of(exact, schema)], ["_line"])
        return Outcome(rows, taken.rows.num_rows + len(taken.left) - blank, blank)

    return BlockReader(look, read)


def _quick(contract: BronzeContract) -> "Reader | None":
    """Return the kernel's reader; None if a column has a type that only the exact rules read."""
    from bronze import kernel  # not needed for small files

    read = (kernel.value_of(c.name, c.type, nullable=not c.required) for c in contract.columns)
    values = [value for value in read if value is not None]
    return kernel.csv_reader(values, contract.csv) if len(values) == len(contract.columns) else None
