"""What lineage is made of: columns, and edges of one hop between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

VERSION = 1  # of lineage.json
Kind = Literal["direct", "indirect"]


@dataclass(frozen=True, slots=True, order=True)
class Column:
    """A column of a relation; `relation` is `schema.table`, `raw.<table>` or `source.<schema>.<table>`."""

    relation: str
    name: str

    def __str__(self) -> str:
        return f"{self.relation}.{self.name}"


def parted(column: str) -> tuple[str, str]:
    """Relation and name of a column as lineage.json calls it.

    A raw field's name may have dots of its own (`raw.review.metadata.operation`).
    """
    parts = column.split(".")
    width = 3 if parts[0] == "source" else 2
    return ".".join(parts[:width]), ".".join(parts[width:])


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` takes part in `target`.

    Direct: its value is in the target's value. Indirect: it decides which rows there are, or their order, or
    the window of the value. `expression` is the SQL that does it, the outermost one that is more than a cast.
    """

    source: Column
    target: Column
    kind: Kind
    expression: str


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A model whose columns could not be traced, and why."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Model:
    """One relation that dbt builds with SQL.

    `depends_on` are the relations that dbt says it reads, itself excluded. `sql` is empty where there is
    nothing to trace (a seed), and `refusal` says why a model that has no SQL cannot be traced.
    """

    relation: str
    path: str
    sql: str
    depends_on: frozenset[str]
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """A dbt project as its artefacts state it; `columns` holds those of every known relation, in order."""

    models: tuple[Model, ...]
    columns: Mapping[str, tuple[str, ...]]
    catalog: str = "awsdatacatalog"
