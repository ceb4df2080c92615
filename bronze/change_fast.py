"""Read change records that match a known layout with the kernel; leave the others to the exact rules.

Layouts are learned while the file is read. They affect only the speed, never the result.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from bronze import columns, sequence
from bronze.blocks import Block, with_newline
from bronze.change_layout import Layout, learned
from bronze.change_records import row_schema
from bronze.contract import BronzeContract
from bronze.kernel import Found, Reader, layout_reader
from bronze.outcome import Left, Taken, all_left, left_of

# How many lines are tried to learn a new layout.
_LOOKED_AT = 20
# A producer's file has one per kind of record: loads, deletes, updates with a before-image …
_KNOWN_LAYOUTS = 8
# If fewer than one line in this many is left, no more layouts are tried: a try takes as long as twenty lines
# by the exact rules.
_MANY = 256


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines, each with its newline, their numbers, and their byte offsets in the block.

    `starts` is None if they are all lines of the block.
    """

    data: bytes
    numbers: Sequence[int]
    starts: Sequence[int] | None = None

    def read_by(self, read: Reader) -> tuple[Found, "_Lines"]:
        """Return what `read` finds, and the lines that it leaves."""
        if self.starts is None:
            found = read(self.data, len(self.numbers), self.numbers[0])
            return found, _Lines(self._of(found), found.lines, found.starts)
        found = read(self.data, len(self.numbers), 0)
        left = _Lines(
            data=self._of(found),
            numbers=[self.numbers[line] for line in found.lines],
            starts=[self.starts[line] for line in found.lines],
        )
        return replace(found, rows=pa.array(self.numbers, pa.int64()).take(found.rows)), left

    def _of(self, found: Found) -> bytes:
        """Return the lines that `found` has left."""
        places = zip(found.starts, found.sizes, strict=True)
        return b"".join(self.data[start : start + size + 1] for start, size in places)


@dataclass(frozen=True, slots=True)
class _Known:
    """A layout, and the reader of its lines."""

    layout: Layout
    read: Reader


def reader(contract: BronzeContract, *, epoch: int, loaded: str) -> Callable[[Block], Taken]:
    """Return a function that reads the certain lines of a block to the columns of `row_schema`.

    `loaded` is the `_seq` of the file's loads.
    """
    known: list[_Known] = []
    schema = row_schema(contract)

    def read(block: Block) -> Taken:
        rest = _Lines(with_newline(block.data), range(block.line, block.line + block.lines))
        tables = [schema.empty_table()]
        untried, learnable = list(known), _KNOWN_LAYOUTS
        while len(rest.numbers) * _MANY >= block.lines and (untried or learnable):
            if not untried:
                learnable -= 1
                new = _unknown(rest, contract, known)
                if new is None:
                    break
                known.append(new)
                untried.append(new)
            tried = untried.pop(0)
            found, left = rest.read_by(tried.read)
            if not len(found.rows):
                continue
            rest = left
            tables.append(_rows(schema, tried.layout, found, epoch=epoch, loaded=loaded))
            if len(found.rows) > block.lines // 2 or len(known) > _KNOWN_LAYOUTS:
                known.remove(tried)
                known.insert(0, tried)  # tried first on the next block
        del known[_KNOWN_LAYOUTS:]
        return Taken(columns.in_order(tables, ["_line"]), _left(block, rest))

    return read


def _unknown(lines: _Lines, contract: BronzeContract, known: Sequence[_Known]) -> _Known | None:
    """Learn a layout that is not known yet from the first of `lines`; None if there is none."""
    layouts = (learned(line, contract) for line in lines.data.split(b"\n", _LOOKED_AT)[:_LOOKED_AT])
    seen = [it.layout for it in known]
    new = next((layout for layout in layouts if layout and layout not in seen), None)
    return None if new is None else _Known(new, layout_reader(new.steps))


def _left(block: Block, lines: _Lines) -> Left:
    if lines.starts is None:
        return all_left(block)
    texts = lines.data.split(b"\n")
    return left_of(
        (number, block.offset + start, text)
        for number, start, text in zip(lines.numbers, lines.starts, texts, strict=False)
    )


def _rows(schema: Any, layout: Layout, read: Found, *, epoch: int, loaded: str) -> Any:
    """Return what was read with `layout` as a table of `schema`."""
    count, values = len(read.rows), read.columns
    found = {
        name.removeprefix("data."): column for name, column in values.items() if name.startswith("data.")
    }
    found["_seq"] = _sequences(layout, read, epoch=epoch, loaded=loaded)
    # Plain records have no operation: they are loads.
    found["_op"] = columns.operations(values[layout.operation]) if layout.operation else columns.loads(count)
    if layout.committed:
        found["_committed_at"] = values[layout.committed]
    found["_line"] = read.rows
    found["_record"] = pa.repeat(pa.scalar(0, pa.int32()), count)
    arrays = [found[field.name] if field.name in found else pa.nulls(count, field.type) for field in schema]
    return pa.table(arrays, schema=schema)


def _sequences(layout: Layout, read: Found, *, epoch: int, loaded: str) -> Any:
    """Return the `_seq` of each row; without a position, it gets the lowest one."""
    count, places = len(read.rows), read.columns.get(layout.position or "")
    if layout.loads:
        return pa.repeat(loaded, count) if places is None else sequence.loads(loaded, places)
    if places is None:
        places = pa.repeat(pa.scalar(sequence.lowest("lsn").encode(), pa.binary(16)), count)
    return sequence.changes(epoch, places, read.columns.get(layout.order or ""))
