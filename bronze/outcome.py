"""What reading a block gives, whatever the shape of the raw file."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from bronze.blocks import Block, records


@dataclass(frozen=True, slots=True)
class EventRow:
    """A control record; `detail` is its JSON text. `file_id` is given when it came in another file."""

    event: str
    detail: str
    seq: str
    committed_at: datetime | None
    line: int
    record: int
    file_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows and events of a block and its counts; the refused records are in quarantine already.

    `records` counts what was found, apart from what became of it, so that the two can be compared.
    """

    rows: Any
    records: int
    blank: int = 0
    discarded: int = 0
    events: list[EventRow] = field(default_factory=list)


def joined(outcomes: Iterable[Outcome]) -> Outcome:
    """One outcome of several, of which there is at least one, in their order."""
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

    `text` has them one behind the other, with a byte behind each. Of each, `lines` has the number of its
    first line, `offsets` its first byte in the content, and `lengths` its bytes, without the last newline.
    """

    text: bytes
    lines: Sequence[int]
    offsets: Sequence[int]
    lengths: Sequence[int]

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[tuple[int, int, bytes]]:
        """Line, offset and bytes of each."""
        start = 0
        for line, offset, length in zip(self.lines, self.offsets, self.lengths, strict=True):
            yield line, offset, self.text[start : start + length]
            start += length + 1


def left_of(found: Iterable[tuple[int, int, bytes]]) -> Left:
    """What is left, from line, offset and bytes of each record."""
    lines, offsets, lengths = array("q"), array("q"), array("q")
    texts: list[bytes] = []
    for line, offset, text in found:
        lines.append(line)
        offsets.append(offset)
        lengths.append(len(text))
        texts.append(text)
    return Left(b"\n".join(texts), lines, offsets, lengths)


def all_left(block: Block) -> Left:
    """All lines of `block`."""
    return left_of(records(block))


@dataclass(frozen=True, slots=True)
class Taken:
    """What is certain of a block: rows in the order of their lines. And what is left of it."""

    rows: Any
    left: Left


@dataclass(frozen=True, slots=True)
class BlockReader:
    """How the blocks of one shape are read.

    `look` finds what is certain of a block, and `read` gives the outcome: from what was found alone, or from
    the block where that is None. Blocks come to each in their order. The first touches nothing else, so that
    it runs beside the rest.
    """

    look: Callable[[Block], Taken | None]
    read: Callable[[Block, Taken | None], Outcome]
