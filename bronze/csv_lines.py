"""Read blocks of a CSV extract: what is certainly good at once, every other line by the exact rules."""

from collections.abc import Sequence
from functools import cache
from itertools import compress
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from bronze import columns, csv_exact
from bronze.blocks import Block, is_utf8, slices
from bronze.contract import BronzeContract
from bronze.dialect import Dialect
from bronze.errors import FileRefusedError, RefusedError
from bronze.outcome import BlockReader, Outcome, joined
from bronze.quarantine import Quarantine
from bronze.schema import arrow_schema

if TYPE_CHECKING:
    from bronze.csv_fast import CsvShape

_BOM = b"\xef\xbb\xbf"


def opened(block: Block, contract: BronzeContract) -> Block:
    """The first block behind the byte order mark and the header, where there are any.

    Raises FileRefusedError("header") when the header is another than the contract's.
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
        by = contract.csv.delimiter
        raise FileRefusedError(
            "header", f"the header must be {by.join(wanted)}, and is {by.join(names)[:200]}"
        )
    return Block(block.data[end:], block.line + 1, block.offset + end, block.lines - 1)


def reader(contract: BronzeContract, quarantine: Quarantine, *, quick_bytes: int) -> BlockReader:
    """What reads blocks to the contract's columns and `_line`."""
    judge = csv_exact.judge(contract)
    schema = arrow_schema((*((column.name, column.type) for column in contract.columns), ("_line", "bigint")))
    nothing = schema.empty_table()

    @cache
    def quick() -> "CsvShape":
        from bronze import csv_fast

        return csv_fast.shape(contract)

    def look(block: Block) -> Any:
        """The rows of `block` when all of it is certainly good, else None."""
        if len(block.data) < quick_bytes:
            return None
        whole = block.data if block.data.endswith(b"\n") else block.data + b"\n"
        if not is_utf8(whole) or not quick().is_certain(whole):
            return None
        rows = quick().rows(whole)
        return rows.append_column("_line", pa.arange(block.line, block.line + rows.num_rows))

    def read(block: Block, rows: Any) -> Outcome:
        if rows is not None:
            return Outcome(rows, block.lines)
        # Only quotes that reach over lines forbid to look at fewer lines at a time.
        whole_block = contract.csv.multiline and contract.csv.quote_byte in block.data
        small = len(block.data) < quick_bytes
        parts = [block] if whole_block or small else slices(block)
        return joined(read_slice(part, exactly=small) for part in parts)

    def sure(lines: list[bytes], numbers: Sequence[int]) -> tuple[list[bool], Any]:
        certain = [good and is_utf8(line) for good, line in zip(quick().certain(lines), lines, strict=True)]
        rows = quick().rows(b"\n".join(compress(lines, certain)))
        return certain, rows.append_column("_line", pa.array(compress(numbers, certain), pa.int64()))

    def read_slice(block: Block, *, exactly: bool) -> Outcome:
        lines, numbers = _records(block, contract.csv)
        certain, good_rows = ([False] * len(lines), nothing) if exactly else sure(lines, numbers)
        exact: list[list[object]] = []
        blank, offset = 0, block.offset
        for line, number, is_sure in zip(lines, numbers, certain, strict=True):
            if not is_sure and line in (b"", b"\r"):
                blank += 1
            elif not is_sure:
                try:
                    exact.append([*judge(line), number])
                except RefusedError as refusal:
                    quarantine.refuse(refusal.reason, line, line=number, offset=offset)
            offset += len(line) + 1
        rows = columns.in_order([good_rows, columns.table_of(exact, schema)], ["_line"])
        return Outcome(rows, len(lines) - blank, blank)

    return BlockReader(lambda: look, read)


def _records(block: Block, dialect: Dialect) -> tuple[list[bytes], Sequence[int]]:
    """The records of `block` without their newlines, and the number of the line where each begins."""
    lines = block.data.removesuffix(b"\n").split(b"\n")
    numbers = range(block.line, block.line + len(lines))
    quote = dialect.quote_byte
    if not dialect.multiline or quote not in block.data:
        return lines, numbers
    records: list[bytes] = []
    starts: list[int] = []
    inside = False
    for line, number in zip(lines, numbers, strict=True):
        if inside:
            records[-1] += b"\n" + line
        else:
            records.append(line)
            starts.append(number)
        inside ^= line.count(quote) % 2 == 1
    return records, starts
