"""Fakes of the ports that behave slightly worse than the real ones, and watch what is done to them."""

import json
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from faults import Killed
from turns import Turns

from control.adapters.memory import MemoryCatalog, MemoryObjects, MemoryStore
from control.errors import ConflictError
from control.ingest.tables import BronzeTable
from control.model import Head, Partition, Place
from control.orders import FileReport, OrderFile, Report, WorkOrder, WrittenObject
from control.ports import CatalogColumn, CatalogTable, ObjectStore, Page, Shelf

# Minutes before midnight: the date of a partition is that of the commit decision, whoever completes it.
START = datetime(2026, 1, 2, 23, 55, tzinfo=UTC)


class WrongError(AssertionError):
    """A promise was broken."""


@dataclass
class Clock:
    """The simulated time, on a machine whose clock is `skew` seconds ahead."""

    turns: Turns
    skew: float = 0.0

    def now(self) -> datetime:
        """See Clock."""
        return START + timedelta(seconds=self.turns.now + self.skew)

    def sleep(self, seconds: float) -> None:
        """See Clock."""
        self.turns.sleep(seconds)


class LaggingStore(MemoryStore):
    """A control store whose index of open items lags a little, and which watches the heads."""

    def __init__(self, random: Random, saw: Callable[[Head, Head], None]) -> None:
        super().__init__()
        self._random = random
        self._saw = saw
        # Number of failed conditional writes.
        self.conflicts = 0
        self._indexed = MemoryStore()
        self._late: list[Any] = []

    def create(self, item: Any) -> bool:
        """See ControlStore."""
        created = super().create(item)
        if created:
            self._late.append(item)
        return created

    def update(self, old: Any, new: Any) -> Any:
        """See ControlStore."""
        before = self.get(type(new), old.table, old.id)
        try:
            stored = super().update(old, new)
        except ConflictError:
            self.conflicts += 1
            raise
        self._late.append(stored)
        if isinstance(before, Head):
            _check_head(before, stored)
            self._saw(before, stored)
        return stored

    def query(self, kind: Any, table: str, *, place: Place | None = None, **options: Any) -> Page[Any]:
        """See ControlStore."""
        if place is None:
            return super().query(kind, table, **options)
        self.catch_up(self._random.choice([0.0, 0.7, 1.0, 1.0]))
        return self._indexed.query(kind, table, place=place, **options)

    def at_hand(self, shelves: Collection[Shelf]) -> dict[Shelf, tuple[str, ...]] | None:
        """See ControlStore."""
        self.catch_up(self._random.choice([0.0, 0.7, 1.0, 1.0]))
        if self._random.random() < 0.3:
            return None  # as if there were more items than one response can have
        return self._indexed.at_hand(shelves)

    def catch_up(self, share: float = 1.0) -> None:
        """Index about a `share` of the pending items."""
        late: list[Any] = []
        for item in self._late:
            key = (type(item), item.table, item.id)
            behind = any(key == (type(other), other.table, other.id) for other in late)
            if behind or self._random.random() >= share:
                late.append(item)
            else:
                self._indexed.put(item)
        self._late = late


def _check_head(before: Head, after: Head) -> None:
    if after.number not in (before.number, before.number + 1):
        raise WrongError(f"the head of {after.table} went from {before.number} to {after.number}")


class WatchedCatalog(MemoryCatalog):
    """A catalog that asserts that batches appear in order, and remembers their content at that time."""

    def __init__(self, objects: MemoryObjects) -> None:
        super().__init__()
        self._objects = objects
        self.content: dict[str, list[tuple[str, str]]] = {}
        # Called with the batch number of a reload's completion.
        self.on_completion: Callable[[int], None] = lambda number: None

    def add_partition(self, partition: Partition) -> None:
        """See Catalog."""
        super().add_partition(partition)
        if partition.location in self.content:
            return
        self.content[partition.location] = self.listed(partition.location)
        number = int(partition.values[1])
        if any(b"reload-complete" in self._objects.get(uri) for uri, _ in self.content[partition.location]):
            self.on_completion(number)
        if not partition.table.endswith("_events") and number != len(self.numbers(partition.table)):
            raise WrongError(
                f"batch {number} of {partition.table} appeared after {self.numbers(partition.table)}"
            )
        of_events = partition.location.replace(f"/{partition.table}/", f"/{partition.table}_events/")
        if self.listed(of_events) and of_events not in self.content:
            raise WrongError(f"batch {number} of {partition.table} appeared before its events")

    def numbers(self, table: str) -> list[int]:
        """Return the batch numbers that a reader sees."""
        return sorted(int(values[1]) for (_, name, values) in self.partitions if name == table)

    def listed(self, location: str) -> list[tuple[str, str]]:
        """Return the objects of a partition and their etags."""
        return [(found.uri, found.etag) for found in self._objects.list(location) if found.is_latest]


class LineEngine:
    """Each line of a raw object is a row; `bad…` is refused, `ctl…` a control record.

    `!refuse…` refuses the whole file, `!crash…` makes the engine raise, and `!kill…` kills the process. A
    share of `forgetful` of the reported objects is missing. The markers of a reload are control records, and
    lines of a reload get the position that they were parsed with.
    """

    def __init__(self, objects: ObjectStore, random: Random, forgetful: float) -> None:
        self._objects, self._random, self._forgetful = objects, random, forgetful

    def run(self, order: WorkOrder, beat: Callable[[], None]) -> Report:
        """See Engine."""
        return Report(tuple(self._file(file, order, beat) for file in order.files))

    def _file(self, file: OrderFile, order: WorkOrder, beat: Callable[[], None]) -> FileReport:
        beat()
        with self._objects.open(file.uri, file.version_id, file.etag) as stream:
            lines = stream.read().decode().split("\n")
        if file.format in ("begin", "complete"):
            lines = [f"ctl reload-{file.format}"]
        if file.position is not None:
            lines = [f"{line}@{file.position}" for line in lines]
        if lines[0].startswith("!crash"):
            raise RuntimeError
        if lines[0].startswith("!kill"):
            raise Killed
        refused = lines[0].startswith("!refuse")
        kept = {"ctl": [], "bad": lines} if refused else _by_kind(lines)
        written = []
        for folder, suffix, content in (
            (order.bronze, "-00000.parquet", kept.get("row", [])),
            (order.events, ".parquet", kept.get("ctl", [])),
            (order.quarantine, ".jsonl", kept.get("bad", [])),
        ):
            if content:
                # No two attempts write the same bytes, because the parser may have changed in between.
                body = json.dumps(content).encode() + b" " * int(self._random.random() * 4)
                uri = f"{folder}/{file.file_id}{suffix}"
                if self._random.random() >= self._forgetful:
                    self._objects.put(uri, body)
                written.append(WrittenObject(uri, len(body)))
        rows, bad, control = (len(kept.get(kind, [])) for kind in ("row", "bad", "ctl"))
        return FileReport(
            file_id=file.file_id,
            lines=len(lines),
            blank=0,
            records=len(lines),
            rows=rows,
            quarantined=bad,
            control=control,
            sha256="",
            reasons={},
            failure="gzip" if refused else None,
            objects=tuple(written),
        )


def _by_kind(lines: list[str]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for line in lines:
        kinds.setdefault(line[:3] if line[:3] in ("bad", "ctl") else "row", []).append(line)
    return kinds


def event_kinds(body: bytes) -> Counter[str]:
    """See EventKinds."""
    return Counter(json.loads(body))


def bronze_table(name: str) -> BronzeTable:
    """Return a table with one column."""
    keys = (CatalogColumn("ingest_date", "string"), CatalogColumn("batch", "bigint"))
    column = (CatalogColumn("line", "string"),)
    return BronzeTable(
        name=name,
        text=f"contract of {name}",
        version="1.0.0",
        needs_token_key=False,
        rows=CatalogTable("bronze", name, f"s3://lake/bronze/{name}/", column, keys),
        events=CatalogTable("bronze", f"{name}_events", f"s3://lake/bronze/{name}_events/", column, keys),
    )
