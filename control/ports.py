"""What the control plane asks of the world: small protocols, each with a real adapter and a fake.

Adapters raise only errors of `control.errors`. UnavailableError and ThrottledError may leave the outcome
unknown: the caller reads again, and never undoes.
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
# Where the store keeps items of one kind and table that need someone.
Shelf = tuple[type[Item], str, WorkPlace]
# So many items cost a look at all of them about what asking one shelf does.
ITEMS_A_SHELF = 10


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """Some items, and where to go on; `after` is None on the last page."""

    items: tuple[ItemT, ...]
    after: str | None


class ControlStore(Protocol):
    """Items with compare-and-set on one item. Any store that has this can serve."""

    def get(self, kind: type[ItemT], table: str, item_id: str) -> ItemT | None:
        """Read one item as it is now (never an older state)."""

    def create(self, item: Item) -> bool:
        """Write `item` if there is none of its id; False when there was one already."""

    def update(self, old: ItemT, new: ItemT) -> ItemT:
        """Write the fields that differ between `old` and `new`, if the stored fence is still that of `old`.

        Succeeds also when the stored item already is as `new` wants it: a retry after a lost response.
        Gives the stored item. Raises ConflictError when the fence has moved on.
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
        """List a table's items in order of id; `Head` items of all tables when `table` is empty.

        With `place` only what is at hand there, and possibly a little out of date: a hint, never a proof.
        """

    def get_many(self, kind: type[ItemT], table: str, item_ids: Iterable[str]) -> dict[str, ItemT]:
        """Read items by id, each as it is now; those that are not there are left out."""

    def at_hand(self, shelves: Collection[Shelf]) -> dict[Shelf, tuple[str, ...]] | None:
        """The ids on those of `shelves` that hold something, all in one look, as out of date as `query`.

        None where that is no less than to ask each: of one or two shelves, and when the store has more than
        ITEMS_A_SHELF at hand for each of them, on other shelves too.
        """

    def etags(self, table: str, after: str | None = None) -> tuple[dict[str, str], str | None]:
        """Some raw files of a table, their etags by id, and where to go on; None on the last page.

        All that comparing a million files with their bucket needs of them, possibly a little out of date.
        """

    def etags_of(self, wanted: Mapping[str, Collection[str]]) -> dict[str, str]:
        """The etags by id of raw files that are asked for by table and id, as out of date as `etags`.

        Those that are not there are left out.
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
    """Objects by URI (`s3://bucket/key`, the key as it is, nothing percent-encoded)."""

    def put(self, uri: str, body: bytes | Path) -> None:
        """Write an object; a path is streamed. It is visible whole or not at all."""

    def create(self, uri: str, body: bytes) -> bool:
        """Write an object if there is none; True also when one with these bytes is there already."""

    def get(self, uri: str) -> bytes:
        """Read a small object. Raises NotFoundError."""

    def open(
        self, uri: str, version_id: str | None = None, etag: str = ""
    ) -> AbstractContextManager[BinaryIO]:
        """Stream an object in order; memory is bounded.

        Raises NotFoundError, and ConflictError when an `etag` is given and the object has another one.
        """

    def delete(self, uris: Iterable[str]) -> None:
        """Remove the newest version of each object; one that is not there is no error."""

    def tag(self, uri: str, version_id: str, key: str, value: str) -> None:
        """Set one tag of a version of an object; its other tags stay. Raises NotFoundError."""

    def tags(self, uri: str, version_id: str) -> Mapping[str, str]:
        """The tags of a version of an object. Raises NotFoundError."""

    def list(self, uri: str, after: str = "") -> Iterator[StoredObject]:
        """Every version of every object whose URI begins with `uri`, in order of URI, newest version first.

        Delete markers are left out; with `after`, only objects whose URI comes after that one.
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


# Rows of these columns as the bytes of a Parquet object.
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
        """Make the database and the table, or give it the columns that it lacks and the wider types.

        What is wider says `control.columns`; partitions keep the types that they have. Raises ConflictError
        when a column is there with any other type or is no longer wanted, ThrottledError when another writer
        changes the table meanwhile.
        """

    def add_partition(self, partition: Partition) -> None:
        """Register `partition`. Success also when it is there with the same location.

        Raises ConflictError when it is there with another location, NotFoundError without its table.
        """

    def get_partition(self, database: str, table: str, values: tuple[str, ...]) -> Partition | None:
        """Read one partition, or None."""

    def drop_partition(self, database: str, table: str, values: tuple[str, ...]) -> None:
        """Take one partition out of the catalog, not its objects. Success also when there is none."""


class Engine(Protocol):
    """Runs work orders: parses every file of one into the attempt's folders."""

    def run(self, order: WorkOrder, beat: Callable[[], None]) -> Report:
        """Do `order`. Calls `beat` every few seconds; what it raises ends the run.

        Raises EngineError when the work cannot be done this time.
        """


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a queue; `receipt` is what it is deleted by."""

    id: str
    body: str
    receipt: str


class Notifications(Protocol):
    """A queue of notifications: a message that was received and is not done comes again."""

    name: str

    def receive(self) -> Sequence[Message]:
        """Some messages; none when there are none just now."""

    def done(self, message: Message) -> None:
        """Delete a message."""

    def refuse(self, message: Message) -> None:
        """Move a message to the dead-letter queue."""


class AlertTopic(Protocol):
    """Where people are told of incidents."""

    def publish(self, subject: str, message: str, incident: str) -> None:
        """Send one message about the incident of that id. Raises what says whether to try again."""


class Clock(Protocol):
    """Wall time in UTC, and waiting."""

    def now(self) -> datetime:
        """The time now, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


# An event of a run (`batch.published`) and its fields, for logs and progress.
Say = Callable[[str, Mapping[str, object]], None]

# Counts the control records in an events object by kind.
EventKinds = Callable[[bytes], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Execution:
    """One statement as Athena remembers it; `kind` is DDL, DML (all that is billed) or UTILITY."""

    sql: str
    kind: str
    submitted: datetime
    scanned_bytes: int
    milliseconds: int
    succeeded: bool
    is_over: bool = True
    is_cancelled: bool = False


class Statements(Protocol):
    """The statements that Athena remembers."""

    def since(self, moment: datetime) -> Iterable[Execution]:
        """Those submitted at or after `moment`, the newest first."""


# Runs a statement and gives its rows, every value as text. Raises UpstreamError with Athena's own message.
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
    """What the catalog lists."""

    def tables(self, database: str) -> Iterable[TableEntry]:
        """All tables and views of a database; none when there is no such database."""


@dataclass(frozen=True, slots=True)
class SeenEdge:
    """An edge of lineage as a metadata catalog has it; `source` and `target` are ids."""

    source: str
    source_kind: str
    target: str
    target_kind: str
    details: Mapping[str, Any]


class MetadataCatalog(Protocol):
    """Where people look tables up (OpenMetadata). `kind` is the API's word for a type of entity.

    Raises UnavailableError and ThrottledError when it may answer later, UpstreamError when it refuses.
    """

    def find(self, kind: str, fqn: str) -> Mapping[str, Any] | None:
        """Read an entity with all that can be published of it, or None."""

    def put(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Create the entity, or change what its owner lets a machine change."""

    def patch(self, kind: str, entity_id: str, operations: Sequence[Mapping[str, Any]]) -> None:
        """Change an entity by a JSON Patch."""

    def edges(self, kind: str, entity_id: str) -> Sequence[SeenEdge]:
        """The edges of lineage into and out of an entity."""

    def put_edge(self, edge: SeenEdge) -> None:
        """Write an edge; its details replace those that were there."""

    def remove_edge(self, edge: SeenEdge) -> None:
        """Remove an edge; one that is not there is no error."""

    def results(self, test: str, timestamp: int) -> Sequence[Mapping[str, Any]]:
        """What is known of a test case at that moment (milliseconds since 1970)."""

    def add_result(self, test: str, result: Mapping[str, Any]) -> None:
        """Add a result to a test case, in the place of one of the same moment."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The world as wired: what a capability is given to work with."""

    settings: Settings
    store: ControlStore
    objects: ObjectStore
    catalog: Catalog
    engines: Mapping[EngineName, Engine]
    clock: Clock
    event_kinds: EventKinds
    say: Say


def occupied(store: ControlStore, shelves: Collection[Shelf]) -> set[Shelf]:
    """Those of `shelves` that hold something as far as one look tells: all of them where it does not."""
    held = store.at_hand(shelves)
    return set(shelves if held is None else held)


def every(
    store: ControlStore, kind: type[ItemT], table: str = "", *, place: Place | None = None
) -> Iterator[ItemT]:
    """All items of a query, page by page."""
    after = None
    while True:
        page = store.query(kind, table, place=place, after=after)
        yield from page.items
        if page.after is None:
            return
        after = page.after
