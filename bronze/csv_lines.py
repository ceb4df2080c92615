"""Read blocks of a CSV extract: what is certainly good at once, every other line by the exact rules."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate, chain, compress, islice
from operator import not_
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from bronze import columns, csv_exact
from bronze.blocks import Block, is_utf8, slices
from bronze.contract import BronzeContract
from bronze.dialect import Dialect
from bronze.errors import FileRefusedError, RefusedError
from bronze.outcome import BlockReader, Left, Outcome, Taken, joined, left_of
from bronze.quarantine import Quarantine
from bronze.schema import arrow_schema

if TYPE_CHECKING:
    from bronze.csv_fast import CsvShape

_BOM = b"\xef\xbb\xbf"
# Where lines are, on average, shorter than this, they are read some at a time: what is kept of one that is
# not certain takes many times its bytes.
_SHORT_LINE = 32
# Where not all lines of a block are certain, so many bytes are asked about before each of their lines is.
_SIFTED_BYTES = 8 << 10


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

    @cache
    def quick() -> "CsvShape":
        from bronze import csv_fast

        return csv_fast.shape(contract)

    def is_small(block: Block) -> bool:
        return len(block.data) < quick_bytes

    def may_reach_over_lines(block: Block) -> bool:
        return contract.csv.multiline and contract.csv.quote_byte in block.data

    def check(block: Block) -> Callable[[], Any] | None:
        if is_small(block):
            return None
        whole = block.data if block.data.endswith(b"\n") else block.data + b"\n"
        return quick().promised(whole, block.lines) if is_utf8(whole) else None

    def look(block: Block, promised: Callable[[], Any] | None) -> Taken | None:
        """What is certain of `block`; None where that is for `read` to find, some lines at a time."""
        if is_small(block):
            return None
        rows = promised and promised()
        if rows is not None:
            numbers = pa.arange(block.line, block.line + rows.num_rows)
            return Taken(rows.append_column("_line", numbers), left_of([]))
        if may_reach_over_lines(block) or len(block.data) < _SHORT_LINE * block.lines:
            return None
        return sifted(list(slices(block, _SIFTED_BYTES)))

    def sifted(parts: Sequence[Block]) -> Taken:
        """What is certain of `parts`: all lines of some, and of the others those that are by themselves."""
        certain = quick().certain_parts([part.data for part in parts])
        records = {part.line: _records(part, contract.csv) for part in compress(parts, map(not_, certain))}
        verdicts = iter(quick().certain([line for lines, _ in records.values() for line in lines]))
        texts: list[bytes] = []
        numbers: list[Any] = []
        left: list[Left] = []
        for part in parts:
            if part.line not in records:
                texts.append(part.data)
                numbers.append(pa.arange(part.line, part.line + part.lines))
                continue
            lines, places = records[part.line]
            good = [
                is_good and is_utf8(line)
                for line, is_good in zip(lines, islice(verdicts, len(lines)), strict=True)
            ]
            texts += (line + b"\n" for line in compress(lines, good))
            numbers.append(pa.array(compress(places, good), pa.int64()))
            left.append(_left(part, lines, places, good))
        rows = quick().rows(b"".join(texts)).append_column("_line", pa.chunked_array(numbers, pa.int64()))
        return Taken(rows, left_of(chain.from_iterable(left)))

    def unlooked(block: Block) -> Taken:
        lines, numbers = _records(block, contract.csv)
        return Taken(schema.empty_table(), _left(block, lines, numbers, [False] * len(lines)))

    def read(block: Block, taken: Taken | None) -> Outcome:
        if taken is not None:
            return read_left(taken)
        if is_small(block):
            return read_left(unlooked(block))
        # Only quotes that reach over lines forbid to look at fewer lines at a time.
        parts = [block] if may_reach_over_lines(block) else slices(block)
        return joined(read_left(sifted([part])) for part in parts)

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

    return BlockReader(check, look, read)


def _left(block: Block, lines: Sequence[bytes], numbers: Sequence[int], certain: Sequence[bool]) -> Left:
    """Those of the records `lines` of `block` that are not certain."""
    before = accumulate(map(len, lines), initial=block.offset)
    offsets = (size + newlines for newlines, size in enumerate(before))
    return left_of(compress(zip(numbers, offsets, lines, strict=False), map(not_, certain)))


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
