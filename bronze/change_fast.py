"""Read change records that are certainly good by their layout, column by column, with Arrow alone.

Arrow's CSV reader cuts blocks into fields, told that a quote is nothing special. A line with any byte that
is not as a layout says is left to the exact rules, so nothing of Arrow's laxity shows. Layouts are learned as
the file is read; which are known decides how fast a line is read, and never its fate.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from bronze import columns, sequence
from bronze.blocks import Block, is_utf8, lines_at, whole_lines
from bronze.change_layout import NULL_TEXT, Layout, learned
from bronze.change_records import row_columns
from bronze.contract import BronzeContract
from bronze.field_values import FieldReader
from bronze.outcome import Left, Taken, all_left, left_of
from bronze.schema import arrow_schema, arrow_type

_BOM = b"\xef\xbb\xbf"
# How many lines are looked at to find one that a layout can be learned from.
_LOOKED_AT = 20
# A file of one producer has as many as it has kinds of records: loads, deletes, updates with a before-image …
_KNOWN_LAYOUTS = 8
# One line in so many is left as it is: to try a layout takes as long as the exact rules for twenty lines.
_MANY = 256
# A block with an odd byte is mended so much at once: most of its lines have none.
_SLICE_BYTES = 64 << 10
_NULL = NULL_TEXT.encode()


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines, each with its newline; of each its index in its block, and its first byte there.

    `starts` is None where they are all lines of the block.
    """

    data: bytes
    places: Sequence[int]
    starts: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """A layout that was seen, and the readers of its fields."""

    layout: Layout
    readers: tuple[FieldReader, ...]


def reader(contract: BronzeContract, *, epoch: int, loaded: str) -> Callable[[Block, bytes], Taken]:
    """A function that reads what is certain of a block to the columns of `change_records.row_columns`.

    It gets the block and what `unambiguous` makes of its data. `loaded` is the `_seq` of the file's loads.
    """
    known: list[_Known] = []

    def read(block: Block, text: bytes) -> Taken:
        rest = _Lines(text, range(block.lines))
        tables = [arrow_schema(row_columns(contract)).empty_table()]
        untried, learnable = list(known), _KNOWN_LAYOUTS
        while len(rest.places) * _MANY >= block.lines and (untried or learnable):
            if not untried:
                learnable -= 1
                new = _unknown(rest, contract, known)
                if new is None:
                    break
                known.append(new)
                untried.append(new)
            tried = untried.pop(0)
            raw, rest = _cut(contract, tried, rest)
            if raw is None:
                continue
            tables.append(_rows(contract, tried.layout, raw, block.line, epoch=epoch, loaded=loaded))
            if tables[-1].num_rows > block.lines // 2 or len(known) > _KNOWN_LAYOUTS:
                known.remove(tried)
                known.insert(0, tried)  # the first to be tried on the next block
        del known[_KNOWN_LAYOUTS:]
        return Taken(columns.in_order(tables, ["_line"]), _left(block, rest))

    return read


def _left(block: Block, lines: _Lines) -> Left:
    """What `lines` are in `block`, whose bytes may be others."""
    if lines.starts is None:
        return all_left(block)
    lengths = map(len, lines.data.split(b"\n"))
    return left_of(
        (block.line + place, block.offset + start, block.data[start : start + length])
        for place, start, length in zip(lines.places, lines.starts, lengths, strict=False)
    )


def unambiguous(data: bytes) -> bytes:
    """`data` with a backslash in every line that Arrow would cut or read otherwise than the exact rules.

    Each line is as long as before. One that is not UTF-8 becomes nothing but backslashes; a carriage return
    that ends a line becomes a space, as it means nothing.
    """
    if data.isascii() and b"\r" not in data and _NULL not in data:
        return data
    mended = b"".join(map(_mended, whole_lines(data, _SLICE_BYTES)))
    return data if mended == data else mended  # so that one of two that are alike is kept


def _mended(data: bytes) -> bytes:
    if not is_utf8(data):
        data = b"\n".join(line if is_utf8(line) else b"\\" * len(line) for line in data.split(b"\n"))
    if b"\r" in data:
        data = data.replace(b"\r\n", b" \n").replace(b"\r", b"\\")
    return data.replace(_NULL, b"\\")


def _unknown(lines: _Lines, contract: BronzeContract, known: Sequence[_Known]) -> _Known | None:
    """A layout that one of the first of `lines` shows, and that is not known yet."""
    layouts = (learned(line, contract) for line in lines.data.split(b"\n", _LOOKED_AT)[:_LOOKED_AT])
    names = [it.layout for it in known]
    new = next((layout for layout in layouts if layout and layout not in names), None)
    return None if new is None else _Known(new, tuple(map(FieldReader, new.fields)))


def _cut(contract: BronzeContract, known: _Known, lines: _Lines) -> tuple[Any, _Lines]:
    """The values of the lines that are as the layout says, with `_place`, or None; and the other lines."""
    table, skipped = _fields(known.layout, lines)
    if not table.num_rows or table.num_rows + len(skipped) != len(lines.places):
        return None, lines
    values: dict[str, Any] = {}
    masks: list[Any] = []
    for field_reader, column in zip(known.readers, table.columns, strict=True):
        found, good = field_reader.read(column.chunk(0))
        value = field_reader.spec.value
        if value is not None and found is not None:
            values[_name(value.part, value.key)] = found
        if good is not None:
            masks.append(good)
    for key in contract.key:  # a changed key is for the exact rules to tell
        before = values.pop(_name("before-image", key), None)
        if before is not None:
            masks.append(pc.equal(before, values[_name("data", key)]))
    numbers = _numbers(len(lines.places), skipped)
    values["_place"] = numbers if isinstance(lines.places, range) else pa.array(lines.places).take(numbers)
    raw = pa.table(values)
    certain = reduce(pc.and_, masks).fill_null(False) if masks else None
    if certain is None or pc.all(certain).as_py():
        return raw, _picked(lines, skipped)
    left = numbers.filter(pc.invert(certain)).to_pylist()
    raw = raw.filter(certain)
    return (raw if raw.num_rows else None), _picked(lines, sorted([*skipped, *left]))


def _fields(layout: Layout, lines: _Lines) -> tuple[Any, list[int]]:
    """The fields of `lines` as texts, and the numbers, from 0, of the lines that have more or fewer."""
    skipped: list[int] = []

    def skip(row: Any) -> str:
        skipped.append(row.number - 1)
        return "skip"

    data = lines.data
    if data.startswith(_BOM):  # Arrow would drop it
        data = b"\\" + data
    for lead in layout.nulls:
        data = data.replace(lead + b"null", lead + b'"' + _NULL + b'"')
    names = [str(number) for number in range(len(layout.fields))]
    table = pa.csv.read_csv(
        pa.BufferReader(data),
        pa.csv.ReadOptions(column_names=names, use_threads=False, block_size=1 << 30),
        pa.csv.ParseOptions(
            delimiter=layout.delimiter,
            quote_char=False,
            double_quote=False,
            ignore_empty_lines=False,
            invalid_row_handler=skip,
        ),
        pa.csv.ConvertOptions(
            check_utf8=False, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    return table, skipped


def _numbers(count: int, skipped: Sequence[int]) -> Any:
    """The numbers up to `count` but those `skipped`."""
    numbers = pa.arange(0, count)
    if not skipped:
        return numbers
    return numbers.filter(pc.invert(pc.is_in(numbers, value_set=pa.array(skipped, pa.int64()))))


def _picked(lines: _Lines, numbers: Sequence[int]) -> _Lines:
    """The lines of these numbers, which rise."""
    picked = list(lines_at(lines.data, numbers))
    return _Lines(
        data=b"".join(line + b"\n" for line, _, _ in picked),
        places=[lines.places[number] for number in numbers],
        starts=[start if lines.starts is None else lines.starts[number] for _, number, start in picked],
    )


def _rows(
    contract: BronzeContract, layout: Layout, raw: Any, first_line: int, *, epoch: int, loaded: str
) -> Any:
    """The columns of `row_columns` from the values that `_cut` gives."""
    count = raw.num_rows
    found = {
        c.name: raw.column(name) if (name := _name("data", c.name)) in raw.column_names
        else pa.nulls(count, arrow_type(c.type))
        for c in contract.columns
    }  # fmt: skip
    found["_rescued"] = found["_key_before"] = pa.nulls(count, pa.string())
    if layout.loads:
        found["_seq"] = pa.repeat(loaded, count)
    else:
        places = sequence.positions(contract.position, raw.column(_name("metadata", layout.position)))
        order = raw.column(_name("metadata", layout.order)) if layout.order else None
        orders = pa.repeat(pa.scalar(0, pa.int64()), count) if order is None else order
        found["_seq"] = sequence.changes(epoch, places, orders)
    if contract.records == "plain":
        found["_op"] = pa.repeat(pa.scalar("load"), count)
    else:
        found["_op"] = raw.column(_name("metadata", "operation"))
    if layout.committed:
        moments = raw.column(_name("metadata", layout.committed))
        if pa.types.is_string(moments.type):  # it is the position, too
            moments = moments.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
        found["_committed_at"] = moments
    else:
        found["_committed_at"] = pa.nulls(count, pa.timestamp("us"))
    found["_line"] = pc.add(raw.column("_place"), first_line)
    found["_record"] = pa.repeat(pa.scalar(0, pa.int32()), count)
    schema = arrow_schema(row_columns(contract))
    return pa.table([found[name] for name in schema.names], schema=schema)


def _name(part: str, key: str | None) -> str:
    return f"{part}.{key}"
