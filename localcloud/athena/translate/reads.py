"""Which columns of which tables a statement reads, as Athena plans it: what goes unused is not read."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

# A column, or a field inside one; the empty path is no column.
Path = tuple[str, ...]
# The bytes that a scan reads for these columns. Names that the table does not have cost nothing.
Size = Callable[[Collection[Path]], int]


def free(columns: Collection[Path]) -> int:  # noqa: ARG001  a Size
    """What reading a table takes that is in no file."""
    return 0


@dataclass(frozen=True, slots=True)
class Scanned:
    """DuckDB text that reads a table, and what it takes."""

    sql: str
    size: Size = free


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition that every row must meet, in a form that a table can prune with: `column op values`.

    `op` is one of = < <= > >= in null notnull; values are Python ints, strings, Decimals, dates.
    """

    column: str
    op: str
    values: tuple[object, ...] = ()


class Scannable(Protocol):
    """What reads rows that are kept somewhere."""

    def scan(self, filters: tuple[Filter, ...]) -> Scanned:
        """A relation with the columns; rows that fail a filter may be left out."""


@dataclass(eq=False, slots=True)
class Scan:
    """A base table in a FROM clause. Its text is made last, when the conditions on it are known."""

    table: Scannable
    alias: str
    size: Size = free

    def text(self, filters: tuple[Filter, ...]) -> str:
        """DuckDB text of the rows that may pass the filters."""
        found = self.table.scan(filters)
        self.size = found.size
        return found.sql


class Read(NamedTuple):
    """A column that a scan reads, or without a path that it happens; `uses` are those of named queries."""

    scan: Scan
    path: Path = ()
    uses: tuple[int, ...] = ()

    def inside(self, names: Sequence[str]) -> "Read":
        """A field inside the column."""
        return self._replace(path=(*self.path, *names))


Reads = frozenset[Read]
NOTHING: Final[Reads] = frozenset()


def used_by(use: int, reads: Reads) -> Reads:
    """The same, for one use of a named query: Athena runs it for each use anew."""
    return frozenset(read._replace(uses=(use, *read.uses)) for read in reads)


def scanned_bytes(reads: Iterable[Read]) -> int:
    """The bytes that Athena would count: each scan reads each of its columns once."""
    columns: dict[tuple[Scan, tuple[int, ...]], set[Path]] = defaultdict(set)
    for read in reads:
        columns[read.scan, read.uses].add(read.path)
    return sum(scan.size(paths) for (scan, _), paths in columns.items())
