"""The parts of lineage: columns, and edges of one hop between them."""

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


def split_column(column: str) -> tuple[str, str]:
    """Split a column as written in lineage.json into relation and name.

    A raw field's name may itself have dots (`raw.review.metadata.operation`).
    """
    parts = column.split(".")
    width = 3 if parts[0] == "source" else 2
    return ".".join(parts[:width]), ".".join(parts[width:])


@dataclass(frozen=True, slots=True)
class Edge:
    """`target` depends on `source`.

    Direct: the target's value is made from the source's. Indirect: the source decides which rows there are,
    their order, or the window of the value. `expression` is the SQL that does it: the outermost one that is
    more than a cast.
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

    `depends_on` are the relations that it reads according to dbt, itself excluded. `sql` is empty if there is
    nothing to trace (a seed); `refusal` says why a model without SQL cannot be traced.
    """

    relation: str
    path: str
    sql: str
    depends_on: frozenset[str]
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """A dbt project according to its artefacts; `columns` has those of every known relation, in order."""

    models: tuple[Model, ...]
    columns: Mapping[str, tuple[str, ...]]
    catalog: str = "awsdatacatalog"
