"""The desired state of a catalog, independent of its present state and of how it is changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Payload = Mapping[str, Any]
# Edges with this description are ours: a later publication may replace and remove them.
MARK = "Published by dm catalog publish."
# The key of a reference in a payload: `{"@": "team:data-platform"}` until the entity's id is known.
REFERENCE = "@"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the services in the catalog, and the bucket of raw files.

    `database` is Athena's name for its catalog; the server compares names exactly.
    """

    service: str = "lakehouse"
    storage: str = "lakehouse-raw"
    dashboards: str = "lakehouse-dashboards"
    bucket: str = "lake"
    database: str = "awsdatacatalog"

    def table(self, relation: str) -> str:
        """Return the full name of the table `schema.table`."""
        return f"{self.service}.{self.database}.{relation}"

    def container(self, table: str) -> str:
        """Return the full name of the container of a table's raw files."""
        return f"{self.storage}.{self.bucket}.{table}"


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing in the catalog.

    `payload` is the API's create request. Keys of `payload` that are in `fixed` say where it belongs (its
    parent) and are never compared. A `shared` entity belongs to people: it is created if it is missing, and
    left alone otherwise.
    """

    kind: str
    fqn: str
    payload: Payload
    fixed: tuple[str, ...] = ()
    shared: bool = False

    @property
    def key(self) -> str:
        """The key by which references name it."""
        return f"{self.kind}:{self.fqn}"


@dataclass(frozen=True, slots=True)
class ColumnLink:
    """The source columns, by full name, that one target column is made from, and by which SQL."""

    target: str
    sources: tuple[str, ...]
    function: str


@dataclass(frozen=True, slots=True)
class Link:
    """One edge of lineage between two entities (their keys); the server wants one for each source."""

    source: str
    target: str
    columns: tuple[ColumnLink, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """A check's result at `timestamp` (milliseconds since 1970); `test` is the full name of its test case."""

    test: str
    timestamp: int
    status: str
    text: str
    failed_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything that should exist: entities in an order in which each can be created, edges, results."""

    entities: tuple[Entity, ...]
    links: tuple[Link, ...] = ()
    results: tuple[Result, ...] = ()


def reference(kind: str, fqn: str) -> dict[str, str]:
    """Return a reference to another entity, which is sent as its id."""
    return {REFERENCE: f"{kind}:{fqn}"}
