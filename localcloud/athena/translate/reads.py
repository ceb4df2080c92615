"""Which columns of which tables a statement reads, by Athena's plan: unused columns are not read."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

# A column, or a field inside one; the empty path is no column.
Path = tuple[str, ...]
# The bytes that a scan reads for these columns. Names that the table does not have cost nothing.
Size = Callable[[Collection[Path]], int]
Op = Literal["=", "<", "<=", ">", ">=", "in"]


def free(columns: Collection[Path]) -> int:  # noqa: ARG001  a Size
    """The size of a table that is not stored in files: zero."""
    return 0


@dataclass(frozen=True, slots=True)
class Scanned:
    """DuckDB text that reads a table, and how many bytes that reads."""

    sql: str
    size: Size = free


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition `column op values` that every row must meet, in a form that a table can prune with.

    Only `in` has several values. A value is an int, a string, a date or a datetime.
    """

    column: str
    op: Op
    values: tuple[object, ...]


class Scannable(Protocol):
    """A source of stored rows."""

    def scan(self, filters: tuple[Filter, ...]) -> Scanned:
        """Return a relation with the columns; rows that fail a filter may be left out."""


@dataclass(eq=False, slots=True)
class Scan:
    """A base table in a FROM clause. Its text is built last, when the conditions on it are known."""

    table: Scannable
    alias: str
    size: Size = free

    def text(self, filters: tuple[Filter, ...]) -> str:
        """Return DuckDB text of the rows that may pass the filters."""
        found = self.table.scan(filters)
        self.size = found.size
        return found.sql


class Read(NamedTuple):
    """A column that a scan reads; an empty path means only that the scan runs. `uses` are CTE uses."""

    scan: Scan
    path: Path = ()
    uses: tuple[int, ...] = ()

    def inside(self, names: Sequence[str]) -> "Read":
        """Return the read of a field inside the column."""
        return self._replace(path=(*self.path, *names))


Reads = frozenset[Read]
NOTHING: Final[Reads] = frozenset()


def used_by(use: int, reads: Reads) -> Reads:
    """Return the reads for one use of a named query (CTE): Athena runs it anew for each use."""
    return frozenset(read._replace(uses=(use, *read.uses)) for read in reads)


def scanned_bytes(reads: Iterable[Read]) -> int:
    """Return the bytes that Athena would count: each scan reads each of its columns once."""
    columns: dict[tuple[Scan, tuple[int, ...]], set[Path]] = defaultdict(set)
    for read in reads:
        columns[read.scan, read.uses].add(read.path)
    return sum(scan.size(paths) for (scan, _), paths in columns.items())
