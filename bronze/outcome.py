"""The result of reading a block, for all formats of raw files."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from bronze.blocks import Block, records


@dataclass(frozen=True, slots=True)
class EventRow:
    """A control record; `detail` is its JSON text. `file_id` is set if it came in another file (a replay)."""

    event: str
    detail: str
    seq: str
    committed_at: datetime | None
    line: int
    record: int
    file_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows, events and counts of a block; its refused records are already in quarantine.

    `records` is counted independently of rows, events and refusals, so that the two can be compared.
    """

    rows: Any
    records: int
    blank: int = 0
    discarded: int = 0
    events: list[EventRow] = field(default_factory=list)


def joined(outcomes: Iterable[Outcome]) -> Outcome:
    """Join outcomes, at least one, in their order."""
    parts = list(outcomes)
    return Outcome(
        rows=pa.concat_tables([part.rows for part in parts]),
        records=sum(part.records for part in parts),
        blank=sum(part.blank for part in parts),
        discarded=sum(part.discarded for part in parts),
        events=[event for part in parts for event in part.events],
    )


@dataclass(frozen=True, slots=True)
class Left:
    """The records of a block that the exact rules have to read, in their order.

    `text` has them concatenated, with one byte after each. `lines` has the numbers of their first lines,
    `offsets` their byte offsets in the content, `lengths` their sizes without the last newline.
    """

    text: bytes
    lines: Sequence[int]
    offsets: Sequence[int]
    lengths: Sequence[int]

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield line, offset and bytes of each."""
        start = 0
        for line, offset, length in zip(self.lines, self.offsets, self.lengths, strict=True):
            yield line, offset, self.text[start : start + length]
            start += length + 1


def left_of(found: Iterable[tuple[int, int, bytes]]) -> Left:
    """Build `Left` from line, offset and bytes of each record."""
    lines, offsets, lengths = array("q"), array("q"), array("q")
    texts: list[bytes] = []
    for line, offset, text in found:
        lines.append(line)
        offsets.append(offset)
        lengths.append(len(text))
        texts.append(text)
    return Left(b"\n".join(texts), lines, offsets, lengths)


def all_left(block: Block) -> Left:
    """Return all lines of `block` as left to read."""
    return left_of(records(block))


@dataclass(frozen=True, slots=True)
class Taken:
    """The certain rows of a block, in the order of their lines, and the records that are left."""

    rows: Any
    left: Left


@dataclass(frozen=True, slots=True)
class BlockReader:
    """How the blocks of one format are read.

    `look` finds the certain rows of a block. `read` returns the outcome: from what `look` found alone or, if
    that is None, from the block. Both get the blocks in order. `look` has no side effects, so it may run in
    another thread.
    """

    look: Callable[[Block], Taken | None]
    read: Callable[[Block, Taken | None], Outcome]
