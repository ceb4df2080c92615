"""What reading a block gives, whatever the shape of the raw file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from bronze.blocks import Block


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
class Taken:
    """What is certain of a block: rows in the order of their lines, and the indices of the lines left."""

    rows: Any
    left: Sequence[int]


@dataclass(frozen=True, slots=True)
class BlockReader:
    """How the blocks of one shape are read.

    `check` looks at the bytes of a block, `look` finds with what that gave what is certain of the block, and
    `read` gives the outcome with the help of what was found. Blocks come to each in their order. The first
    two touch nothing else, so that each runs beside the rest.
    """

    check: Callable[[Block], Any]
    look: Callable[[Block, Any], Any]
    read: Callable[[Block, Any], Outcome]
