"""What the parts of the gateway exchange (columns, contexts, answers), and the interface of an engine."""

from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa
from sqlglot import exp


@dataclass(frozen=True, slots=True)
class Column:
    """A result column: `type` is Athena's own text, such as `decimal(10,2)` or `array(row(a integer))`."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Context:
    """What a statement runs in: the default database, its query id, and where its result is written.

    `most_bytes` is how much its workgroup lets it read; 0 means no limit.
    """

    database: str
    query_id: str = ""
    catalog: str = "awsdatacatalog"
    location: str = ""
    most_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a statement.

    `table` holds typed values in the order of `columns` (None when there are no rows to show). `count` is
    the number of rows written, `scanned_bytes` what was read from the object store. `lines` is the text
    of SHOW, DESCRIBE and the like, one value per row, whatever the columns are called. `manifest` lists
    the files that a write into a Hive table created.
    """

    statement_type: str
    substatement_type: str
    columns: tuple[Column, ...] = ()
    table: pa.Table | None = None
    count: int = 0
    scanned_bytes: int = 0
    manifest: tuple[str, ...] = field(default=())
    lines: tuple[str, ...] | None = None


class Engine(Protocol):
    """A query engine behind the gateway. Trees come from `localcloud.athena.dialect.parse`.

    (Trees of sqlglot's own `athena` dialect are refused: it rewrites function calls while parsing.)

    Every method raises `localcloud.athena.errors.AthenaError` with Athena's own code and text.
    """

    def columns(self, tree: exp.Expression, context: Context) -> tuple[Column, ...]:
        """Return names and types of a query's columns, without running it."""

    def select(self, tree: exp.Expression, context: Context) -> Answer:
        """Run a query."""

    def create_table_as(self, tree: exp.Create, context: Context) -> Answer:
        """Create an Iceberg or Hive table from a query."""

    def modify(self, tree: exp.Expression, context: Context) -> Answer:
        """Run INSERT, MERGE, UPDATE or DELETE as one commit."""

    def explain(self, tree: exp.Expression, context: Context) -> Answer:
        """Return the plan of a query as text rows."""

    def cancel(self, query_id: str) -> None:
        """Interrupt the statement with this id; unknown ids are ignored."""

    def close(self) -> None:
        """Release what the engine holds; running statements fail."""
