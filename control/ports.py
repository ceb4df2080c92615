"""The interfaces of the control plane to the outside: small protocols, each with a real adapter and a fake.

Adapters raise only errors of `control.errors`. After UnavailableError and ThrottledError the outcome may be
unknown: the caller reads again and never undoes anything.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Generic, Protocol, TypeVar

from control.config import Settings
from control.model import Batch, EngineName, Head, Item, Partition, Place, RawFile, Reload, Stray, WorkPlace
from control.orders import Report, WorkOrder

ItemT = TypeVar("ItemT", RawFile, Batch, Head, Reload, Stray)
# Items of one kind and table in one place of the store's index.
Shelf = tuple[type[Item], str, WorkPlace]
# Reading this many items of the whole index costs about as much as asking for one shelf.
ITEMS_A_SHELF = 10


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """Some items, and where the next page starts; `after` is None on the last page."""

    items: tuple[ItemT, ...]
    after: str | None


class ControlStore(Protocol):
    """A store of items with compare-and-set on single items."""

    def get(self, kind: type[ItemT], table: str, item_id: str) -> ItemT | None:
        """Read the present state of one item, never an older one."""

    def create(self, item: Item) -> bool:
        """Write `item` unless its id exists; False if it does."""

    def update(self, old: ItemT, new: ItemT) -> ItemT:
        """Write the fields in which `new` differs from `old`, if the stored fence is still that of `old`.

        Also succeeds if the stored item is already as in `new`: this may be a retry after a lost response.
        Returns the stored item. Raises ConflictError if the fence has changed.
        """

    def query(
        self,
        kind: type[ItemT],
        table: str,
        *,
        place: Place | None = None,
        after: str | None = None,
        limit: int = 2_000,
    ) -> Page[ItemT]:
        """List a table's items in order of id; if `table` is empty, the `Head` items of all tables.

        With `place`, only the items in that place of the index, possibly a little out of date.
        """

    def get_many(self, kind: type[ItemT], table: str, item_ids: Iterable[str]) -> dict[str, ItemT]:
        """Read the present state of items by id; missing ones are left out."""

    def at_hand(self, shelves: Collection[Shelf]) -> dict[Shelf, tuple[str, ...]] | None:
        """The ids on those of `shelves` that are not empty, in one read, as out of date as `query`.

        None if this is not cheaper than asking for each: for one or two shelves, and if the index has more
        than ITEMS_A_SHELF items for each of them, including those on other shelves.
        """

    def etags(self, table: str, after: str | None = None) -> tuple[dict[str, str], str | None]:
        """Etags of some raw files of a table by id, and where the next page starts; None on the last page.

        This is all that is needed to compare a million files with the bucket. Possibly a little out of date.
        """

    def etags_of(self, wanted: Mapping[str, Collection[str]]) -> dict[str, str]:
        """The etags of certain raw files by id, given their tables and ids, as out of date as `etags`.

        Missing files are left out.
        """


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One version of one object. `version_id` is `null` in a bucket without versions."""

    uri: str
    key: str
    version_id: str
    etag: str
    size_bytes: int
    modified_at: datetime
    is_latest: bool


class ObjectStore(Protocol):
    """Objects by URI: `s3://bucket/key`, with the plain key, not percent-encoded."""

    def put(self, uri: str, body: bytes | Path) -> None:
        """Write an object; a path is streamed. It becomes visible as a whole or not at all."""

    def create(self, uri: str, body: bytes) -> bool:
        """Write an object unless there is one; also True if the existing one has the same content."""

    def get(self, uri: str) -> bytes:
        """Read a small object. Raises NotFoundError."""

    def open(
        self, uri: str, version_id: str | None = None, etag: str = ""
    ) -> AbstractContextManager[BinaryIO]:
        """Stream an object with bounded memory.

        Raises NotFoundError, and ConflictError if an `etag` is given and the object has another one.
        """

    def delete(self, uris: Iterable[str]) -> None:
        """Remove the newest version of each object; a missing object is not an error."""

    def tag(self, uri: str, version_id: str, key: str, value: str) -> None:
        """Set one tag of a version of an object; its other tags stay. Raises NotFoundError."""

    def tags(self, uri: str, version_id: str) -> Mapping[str, str]:
        """The tags of a version of an object. Raises NotFoundError."""

    def list(self, uri: str, after: str = "") -> Iterator[StoredObject]:
        """All versions of all objects whose URI begins with `uri`, by URI, newest version first.

        Without delete markers; with `after`, only objects whose URI comes after that one.
        """


@dataclass(frozen=True, slots=True)
class CatalogColumn:
    """Name, Hive type and comment of a catalog column."""

    name: str
    type: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """A partitioned external Parquet table."""

    database: str
    name: str
    location: str
    columns: tuple[CatalogColumn, ...]
    partition_keys: tuple[CatalogColumn, ...]


# Encodes rows of these columns as a Parquet file.
Encode = Callable[[Sequence[CatalogColumn], Sequence[Sequence[object]]], bytes]


@dataclass(frozen=True, slots=True)
class SeenTable:
    """A table or view as the catalog shows it. `metadata` is the URI of an Iceberg table's metadata."""

    columns: tuple[CatalogColumn, ...]
    partition_keys: tuple[CatalogColumn, ...]
    metadata: str = ""


class Catalog(Protocol):
    """Tables and partitions as readers see them."""

    def get_table(self, database: str, table: str) -> SeenTable | None:
        """Read one table or view, or None."""

    def ensure_table(self, table: CatalogTable) -> None:
        """Create the database and the table, or add the columns and wider types that the table lacks.

        `control.column_types` says which types are wider; partitions keep the types that they have. Raises
        ConflictError when a column has any other type or is no longer wanted, ThrottledError when another
        writer changes the table meanwhile.
        """

    def add_partition(self, partition: Partition) -> None:
        """Register `partition`; also succeeds if it exists with the same location.

        Raises ConflictError if it exists with another location, NotFoundError if its table does not exist.
        """

    def get_partition(self, database: str, table: str, values: tuple[str, ...]) -> Partition | None:
        """Read one partition, or None."""

    def drop_partition(self, database: str, table: str, values: tuple[str, ...]) -> None:
        """Remove one partition from the catalog, not its objects; also succeeds if there is none."""


class Engine(Protocol):
    """Carries out work orders: parses their files into the attempt's folders."""

    def run(self, order: WorkOrder, beat: Callable[[], None]) -> Report:
        """Carry out `order`. Calls `beat` every few seconds; an error that it raises ends the run.

        Raises EngineError if this attempt cannot be completed.
        """


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a queue; `receipt` is needed to delete it."""

    id: str
    body: str
    receipt: str


class Notifications(Protocol):
    """A queue of notifications: a received message comes again unless it is deleted."""

    name: str

    def receive(self) -> Sequence[Message]:
        """Some messages; none if the queue is empty now."""

    def done(self, message: Message) -> None:
        """Delete a message."""

    def refuse(self, message: Message) -> None:
        """Move a message to the dead-letter queue."""


class AlertTopic(Protocol):
    """Where alerts go."""

    def publish(self, subject: str, message: str, incident: str) -> None:
        """Send one message about an incident, given its id. The error class tells whether to try again."""


class Clock(Protocol):
    """Wall time in UTC, and waiting."""

    def now(self) -> datetime:
        """The present time, in UTC and time-zone-aware."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


# An event of a run (`batch.published`) and its fields, for logs and progress.
Say = Callable[[str, Mapping[str, object]], None]

# Counts the control records in an events object by kind.
EventKinds = Callable[[bytes], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Execution:
    """One statement in Athena's history; `kind` is DDL, DML (the only kind that is billed) or UTILITY."""

    sql: str
    kind: str
    submitted: datetime
    scanned_bytes: int
    milliseconds: int
    succeeded: bool
    is_over: bool = True
    is_cancelled: bool = False


class Statements(Protocol):
    """Athena's history of statements."""

    def since(self, moment: datetime) -> Iterable[Execution]:
        """Those submitted at or after `moment`, newest first."""


# Runs a statement and returns its rows, every value as text. Raises UpstreamError with Athena's message.
Query = Callable[[str], Sequence[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A table or view as the catalog lists it."""

    database: str
    name: str
    location: str
    is_view: bool
    parameters: Mapping[str, str]


class Listing(Protocol):
    """The tables that the catalog lists."""

    def tables(self, database: str) -> Iterable[TableEntry]:
        """All tables and views of a database; none if it does not exist."""


@dataclass(frozen=True, slots=True)
class SeenEdge:
    """An edge of lineage as a metadata catalog has it; `source` and `target` are ids."""

    source: str
    source_kind: str
    target: str
    target_kind: str
    details: Mapping[str, Any]


class MetadataCatalog(Protocol):
    """A catalog for people (OpenMetadata). `kind` is the API's name for a type of entity.

    Raises UnavailableError and ThrottledError if it may answer later, UpstreamError if it refuses.
    """

    def find(self, kind: str, fqn: str) -> Mapping[str, Any] | None:
        """Read an entity with everything that can be published of it, or None."""

    def put(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Create the entity, or change the parts that a bot may change."""

    def patch(self, kind: str, entity_id: str, operations: Sequence[Mapping[str, Any]]) -> None:
        """Change an entity with a JSON Patch."""

    def edges(self, kind: str, entity_id: str) -> Sequence[SeenEdge]:
        """The lineage edges into and out of an entity."""

    def put_edge(self, edge: SeenEdge) -> None:
        """Write an edge; its details replace existing ones."""

    def remove_edge(self, edge: SeenEdge) -> None:
        """Remove an edge; a missing edge is not an error."""

    def results(self, test: str, timestamp: int) -> Sequence[Mapping[str, Any]]:
        """The results of a test case at that time (milliseconds since 1970)."""

    def add_result(self, test: str, result: Mapping[str, Any]) -> None:
        """Add a result to a test case; it replaces one of the same time."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a capability works with, as wired."""

    settings: Settings
    store: ControlStore
    objects: ObjectStore
    catalog: Catalog
    engines: Mapping[EngineName, Engine]
    clock: Clock
    event_kinds: EventKinds
    say: Say


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The tables that dbt builds, as wired for what maintains, examines and bills them.

    `bronze` is the name of the bronze database, which developers with databases of their own share.
    """

    settings: Settings
    bronze: str
    listing: Listing
    query: Query
    statements: Statements
    objects: ObjectStore
    catalog: Catalog
    encode: Encode
    clock: Clock


def occupied(store: ControlStore, shelves: Collection[Shelf]) -> set[Shelf]:
    """Return those of `shelves` that are not empty; all of them if one read cannot tell."""
    held = store.at_hand(shelves)
    return set(shelves if held is None else held)


def every(
    store: ControlStore, kind: type[ItemT], table: str = "", *, place: Place | None = None
) -> Iterator[ItemT]:
    """Yield all items of a query, page by page."""
    after = None
    while True:
        page = store.query(kind, table, place=place, after=after)
        yield from page.items
        if page.after is None:
            return
        after = page.after
