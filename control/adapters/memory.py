"""In-memory fakes of store, objects, catalog and clock; one behaviour suite tests them and the real ones."""

import hashlib
import io
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from control import column_types
from control.adapters.clock import WallClock
from control.errors import ConflictError, NotFoundError, UpstreamError
from control.model import Head, Item, Partition, Place, RawFile, already, fenced, place_of
from control.ports import ITEMS_A_SHELF, CatalogTable, Clock, ItemT, Page, SeenTable, Shelf, StoredObject

ValueT = TypeVar("ValueT")


class _Ordered(Generic[ValueT]):
    """A dictionary that can be iterated in key order, from any key.

    Keys are sorted lazily, on the first ordered read after an insertion, so that inserting a million keys is
    cheap.
    """

    def __init__(self) -> None:
        self.values: dict[str, ValueT] = {}
        # Sorted keys, some of which may have been removed, and the keys added since.
        self._sorted: list[str] = []
        self._new: list[str] = []

    def put(self, key: str, value: ValueT) -> None:
        """Write one value."""
        if key not in self.values:
            self._new.append(key)
        self.values[key] = value

    def remove(self, key: str) -> None:
        """Remove a value if it exists."""
        self.values.pop(key, None)

    def after(self, key: str) -> Iterator[tuple[str, ValueT]]:
        """Yield the items after `key`."""
        keys = self._in_order()
        return self._from(keys, bisect_right(keys, key))

    def starting_with(self, prefix: str) -> Iterator[tuple[str, ValueT]]:
        """Yield the items whose keys begin with `prefix`."""
        keys = self._in_order()
        for key, value in self._from(keys, bisect_left(keys, prefix)):
            if not key.startswith(prefix):
                return
            yield key, value

    def _in_order(self) -> list[str]:
        if self._new or len(self._sorted) > 2 * len(self.values) + 100:
            # A new list, so that iterators over the old one are not disturbed.
            self._sorted = sorted({*self._new, *(key for key in self._sorted if key in self.values)})
            self._new = []
        return self._sorted

    def _from(self, keys: list[str], place: int) -> Iterator[tuple[str, ValueT]]:
        for index in range(place, len(keys)):
            key = keys[index]
            if key in self.values:
                yield key, self.values[key]


class MemoryStore:
    """A control store in dictionaries: for each kind and table, one of all items and one per place."""

    def __init__(self) -> None:
        self._all: dict[tuple[type[Item], str], _Ordered[Item]] = {}
        self._at: dict[Place, dict[tuple[type[Item], str], _Ordered[Item]]] = {
            "open": {},
            "failed": {},
            "untidy": {},
            "quarantined": {},
            "overwritten": {},
        }

    def put(self, item: Item) -> None:
        """Write `item` unconditionally. Not part of ControlStore; for tests."""
        shelf = (type(item), "" if isinstance(item, Head) else item.table)
        here = place_of(item)
        for kept, wanted in ((self._all, True), *((kept, here == at) for at, kept in self._at.items())):
            if shelf not in kept:
                kept[shelf] = _Ordered()
            if wanted:
                kept[shelf].put(item.id, item)
            else:
                kept[shelf].remove(item.id)

    def get(self, kind: type[ItemT], table: str, item_id: str) -> ItemT | None:
        """See ControlStore."""
        if not item_id:
            raise UpstreamError("an id is empty")  # as DynamoDB says
        found = self._found(kind, table, item_id)
        return found if isinstance(found, kind) else None

    def create(self, item: Item) -> bool:
        """See ControlStore."""
        if self._found(type(item), item.table, item.id) is not None:
            return False
        self.put(item)
        return True

    def update(self, old: ItemT, new: ItemT) -> ItemT:
        """See ControlStore."""
        kind = type(new)
        stored = self.get(kind, old.table, old.id)
        changes = {
            name: getattr(new, name)
            for name in kind.__dataclass_fields__
            if getattr(new, name) != getattr(old, name)
        }
        if stored is not None and fenced(stored) == fenced(old):
            stored = replace(stored, **changes)
            self.put(stored)
            return stored
        if stored is not None and already(stored, new, changes):
            return stored
        raise ConflictError(f"{kind.__name__} {old.id} has moved on")

    def query(
        self,
        kind: type[ItemT],
        table: str,
        *,
        place: Place | None = None,
        after: str | None = None,
        limit: int = 2_000,
    ) -> Page[ItemT]:
        """See ControlStore."""
        shelf = (self._all if place is None else self._at[place]).get((kind, table))
        found = islice(shelf.after(after or ""), limit + 1) if shelf else ()
        items = tuple(item for _, item in found if isinstance(item, kind))
        return Page(items[:limit], items[limit - 1].id if len(items) > limit else None)

    def get_many(self, kind: type[ItemT], table: str, item_ids: Iterable[str]) -> dict[str, ItemT]:
        """See ControlStore."""
        found = ((item_id, self.get(kind, table, item_id)) for item_id in item_ids)
        return {item_id: item for item_id, item in found if item is not None}

    def at_hand(self, shelves: Collection[Shelf]) -> dict[Shelf, tuple[str, ...]] | None:
        """See ControlStore. Also answers for one or two shelves."""
        work = [(at, places) for at, places in self._at.items() if at != "quarantined"]
        kept = {(*shelf, at): held for at, places in work for shelf, held in places.items()}
        if sum(len(held.values) for held in kept.values()) > ITEMS_A_SHELF * len(shelves):
            return None
        found = {}
        for kind, table, at in shelves:
            if ids := kept[kind, table, at].values if (kind, table, at) in kept else None:
                found[kind, table, at] = tuple(sorted(ids))
        return found

    def etags(self, table: str, after: str | None = None) -> tuple[dict[str, str], str | None]:
        """See ControlStore."""
        page = self.query(RawFile, table, after=after)
        return {file.file_id: file.etag for file in page.items}, page.after

    def etags_of(self, wanted: Mapping[str, Collection[str]]) -> dict[str, str]:
        """See ControlStore."""
        return {
            file.file_id: file.etag
            for table, ids in wanted.items()
            for file in self.get_many(RawFile, table, ids).values()
        }

    def _found(self, kind: type[Item], table: str, item_id: str) -> Item | None:
        shelf = self._all.get((kind, "" if kind is Head else table))
        return shelf.values.get(item_id) if shelf else None


@dataclass(frozen=True, slots=True)
class _Version:
    body: bytes
    version_id: str
    etag: str
    modified_at: datetime
    tags: dict[str, str] = field(default_factory=dict)


class MemoryObjects:
    """An object store in a dictionary; with `versioned`, a write keeps the older versions."""

    def __init__(self, *, versioned: bool = False, clock: Clock | None = None) -> None:
        self._versioned = versioned
        self._clock = clock or WallClock()
        self._objects: _Ordered[list[_Version]] = _Ordered()

    def put(self, uri: str, body: bytes | Path) -> None:
        """See ObjectStore."""
        content = body if isinstance(body, bytes) else body.read_bytes()
        versions = self._objects.values.get(uri, []) if self._versioned else []
        version_id = f"v{len(versions) + 1}" if self._versioned else "null"
        version = _Version(content, version_id, hashlib.sha256(content).hexdigest(), self._clock.now())
        self._objects.put(uri, [*versions, version])

    def create(self, uri: str, body: bytes) -> bool:
        """See ObjectStore."""
        if uri in self._objects.values:
            return self._objects.values[uri][-1].body == body
        self.put(uri, body)
        return True

    def get(self, uri: str) -> bytes:
        """See ObjectStore."""
        return self._version(uri, None).body

    def open(
        self, uri: str, version_id: str | None = None, etag: str = ""
    ) -> AbstractContextManager[BinaryIO]:
        """See ObjectStore."""
        found = self._version(uri, version_id)
        if etag not in ("", found.etag):
            raise ConflictError(f"{uri}: was overwritten")
        return nullcontext(io.BytesIO(found.body))

    def delete(self, uris: Iterable[str]) -> None:
        """See ObjectStore."""
        for uri in uris:
            self._objects.remove(uri)

    def tag(self, uri: str, version_id: str, key: str, value: str) -> None:
        """See ObjectStore."""
        self._version(uri, version_id).tags[key] = value

    def tags(self, uri: str, version_id: str) -> Mapping[str, str]:
        """See ObjectStore."""
        return self._version(uri, version_id).tags

    def list(self, uri: str, after: str = "") -> Iterator[StoredObject]:
        """See ObjectStore."""
        for found, versions in self._objects.starting_with(uri):
            if found <= after:
                continue
            for version in reversed(versions):
                yield StoredObject(
                    uri=found,
                    key=found.removeprefix("s3://").partition("/")[2],
                    version_id=version.version_id,
                    etag=version.etag,
                    size_bytes=len(version.body),
                    modified_at=version.modified_at,
                    is_latest=version is versions[-1],
                )

    def _version(self, uri: str, version_id: str | None) -> _Version:
        versions = self._objects.values.get(uri, [])
        found = [v for v in versions if version_id in (None, v.version_id)]
        if not found:
            raise NotFoundError(
                f"{uri}: does not exist" if not versions else f"{uri}: has no version {version_id}"
            )
        return found[-1]


class MemoryCatalog:
    """A catalog in dictionaries."""

    def __init__(self) -> None:
        self.tables: dict[tuple[str, str], CatalogTable] = {}
        self.partitions: dict[tuple[str, str, tuple[str, ...]], Partition] = {}

    def ensure_table(self, table: CatalogTable) -> None:
        """See Catalog."""
        name = (table.database, table.name)
        if name in self.tables:
            column_types.check(table, self.tables[name].columns)
        self.tables[name] = table

    def get_table(self, database: str, table: str) -> SeenTable | None:
        """See Catalog."""
        found = self.tables.get((database, table))
        return SeenTable(found.columns, found.partition_keys) if found else None

    def add_partition(self, partition: Partition) -> None:
        """See Catalog."""
        if (partition.database, partition.table) not in self.tables:
            raise NotFoundError(f"table {partition.database}.{partition.table} does not exist")
        known = self.partitions.setdefault((partition.database, partition.table, partition.values), partition)
        if known.location != partition.location:
            raise ConflictError(f"partition {partition.values} is at {known.location} already")

    def get_partition(self, database: str, table: str, values: tuple[str, ...]) -> Partition | None:
        """See Catalog."""
        return self.partitions.get((database, table, values))

    def drop_partition(self, database: str, table: str, values: tuple[str, ...]) -> None:
        """See Catalog."""
        self.partitions.pop((database, table, values), None)


class MemoryClock:
    """A clock that moves only when someone sleeps."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """See Clock."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """See Clock."""
        self._now += timedelta(seconds=seconds)
