"""Fakes of store, objects, catalog and clock, held to the real ones by one behaviour suite."""

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from control.adapters.clock import WallClock
from control.errors import ConflictError, NotFoundError
from control.model import Head, Item, Partition, already, fenced
from control.ports import CatalogTable, Clock, ItemT, Page, SeenTable, StoredObject


class MemoryStore:
    """A control store in a dictionary."""

    def __init__(self) -> None:
        self._items: dict[tuple[type[Item], str, str], Item] = {}

    def get(self, kind: type[ItemT], table: str, item_id: str) -> ItemT | None:
        """See ControlStore."""
        found = self._items.get((kind, table, item_id))
        return found if isinstance(found, kind) else None

    def create(self, item: Item) -> bool:
        """See ControlStore."""
        key = (type(item), item.table, item.id)
        if key in self._items:
            return False
        self._items[key] = item
        return True

    def update(self, old: ItemT, new: ItemT) -> ItemT:
        """See ControlStore."""
        kind = type(new)
        stored = self.get(kind, old.table, old.id)
        changes = {
            field.name: getattr(new, field.name)
            for field in fields(new)
            if getattr(new, field.name) != getattr(old, field.name)
        }
        if stored is not None and fenced(stored) == fenced(old):
            stored = replace(stored, **changes)
            self._items[(kind, old.table, old.id)] = stored
            return stored
        if stored is not None and already(stored, new, changes):
            return stored
        raise ConflictError(f"{kind.__name__} {old.id} has moved on")

    def query(
        self,
        kind: type[ItemT],
        table: str,
        *,
        open_only: bool = False,
        after: str | None = None,
        limit: int = 500,
    ) -> Page[ItemT]:
        """See ControlStore."""
        found = sorted(
            (
                item
                for item in self._items.values()
                if isinstance(item, kind)
                and table in ("" if kind is Head else item.table, item.table)
                and (item.is_open or not open_only)
                and (after is None or item.id > after)
            ),
            key=lambda item: item.id,
        )
        more = len(found) > limit
        return Page(tuple(found[:limit]), found[limit - 1].id if more else None)


@dataclass(frozen=True, slots=True)
class _Version:
    body: bytes
    version_id: str
    etag: str
    modified_at: datetime
    tags: dict[str, str] = field(default_factory=dict)


class MemoryObjects:
    """An object store in a dictionary; with `versioned`, writing again keeps what was there."""

    def __init__(self, *, versioned: bool = False, clock: Clock | None = None) -> None:
        self._versioned = versioned
        self._clock = clock or WallClock()
        self._objects: dict[str, list[_Version]] = {}

    def put(self, uri: str, body: bytes | Path) -> None:
        """See ObjectStore."""
        content = body if isinstance(body, bytes) else body.read_bytes()
        versions = self._objects.get(uri, []) if self._versioned else []
        version_id = f"v{len(versions) + 1}" if self._versioned else "null"
        version = _Version(content, version_id, hashlib.sha256(content).hexdigest(), self._clock.now())
        self._objects[uri] = [*versions, version]

    def create(self, uri: str, body: bytes) -> bool:
        """See ObjectStore."""
        if uri in self._objects:
            return self._objects[uri][-1].body == body
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
            self._objects.pop(uri, None)

    def tag(self, uri: str, version_id: str, key: str, value: str) -> None:
        """See ObjectStore."""
        self._version(uri, version_id).tags[key] = value

    def tags(self, uri: str, version_id: str) -> Mapping[str, str]:
        """See ObjectStore."""
        return self._version(uri, version_id).tags

    def list(self, uri: str, after: str = "") -> Iterator[StoredObject]:
        """See ObjectStore."""
        for found in sorted(name for name in self._objects if name.startswith(uri) and name > after):
            versions = self._objects.get(found, [])
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
        versions = self._objects.get(uri, [])
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
        known = {c.name: c.type for c in self.tables[name].columns} if name in self.tables else {}
        wanted = {c.name: c.type for c in table.columns}
        if any(wanted.get(column) != hive_type for column, hive_type in known.items()):
            raise ConflictError(f"table {table.database}.{table.name} has other columns than its contract")
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
