"""Read blocks of a CSV extract: what is certainly good at once, every other line by the exact rules."""

from collections.abc import Sequence
from itertools import compress
from typing import Any

import pyarrow as pa

from bronze import columns, csv_exact, csv_fast
from bronze.blocks import Block, is_utf8, slices
from bronze.contract import BronzeContract
from bronze.dialect import Dialect
from bronze.errors import FileRefusedError, RefusedError
from bronze.outcome import BlockReader, Outcome, joined
from bronze.quarantine import Quarantine

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


def reader(contract: BronzeContract, quarantine: Quarantine) -> BlockReader:
    """What reads blocks to the contract's columns and `_line`."""
    shape = csv_fast.shape(contract)
    judge = csv_exact.judge(contract)
    schema = shape.schema.append(pa.field("_line", pa.int64()))

    def look(block: Block) -> Any:
        """The rows of `block` when all of it is certainly good, else None."""
        whole = block.data if block.data.endswith(b"\n") else block.data + b"\n"
        if not is_utf8(whole) or not csv_fast.is_certain(shape, whole):
            return None
        rows = csv_fast.rows(shape, whole)
        return rows.append_column("_line", pa.arange(block.line, block.line + rows.num_rows))

    def read(block: Block, rows: Any) -> Outcome:
        if rows is not None:
            return Outcome(rows, block.lines)
        # Only quotes that reach over lines forbid to look at fewer lines at a time.
        whole_block = contract.csv.multiline and contract.csv.quote_byte in block.data
        return joined(map(read_slice, [block] if whole_block else slices(block)))

    def read_slice(block: Block) -> Outcome:
        lines, numbers = _records(block, contract.csv)
        certain = _certain(shape, lines)
        sure = csv_fast.rows(shape, b"\n".join(compress(lines, certain)))
        sure = sure.append_column("_line", pa.array(compress(numbers, certain), pa.int64()))
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
        rows = columns.in_order([sure, columns.table_of(exact, schema)], ["_line"])
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


def _certain(shape: csv_fast.CsvShape, lines: list[bytes]) -> list[bool]:
    certain = csv_fast.certain_lines(shape, lines)
    return [sure and is_utf8(line) for sure, line in zip(certain, lines, strict=True)]
