"""A lake to deliver to, whose old files take no space, with ports that count their calls."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from control.adapters.memory import MemoryObjects
from control.adapters.parquet import event_kinds
from control.config import Settings
from control.ingest import tables
from control.ingest.tables import BronzeTable
from control.model import Batch, Counts, Head, Item, RawFile, file_id_of
from control.orders import FileReport, OrderFile, Report, WorkOrder, WrittenObject
from control.ports import ControlStore, ObjectStore, Parts, StoredObject

START = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
TABLE, FILES_A_BATCH = "review", 64


@dataclass
class Clock:
    """A clock that starts at START and advances with this process's CPU time and with waiting."""

    waited: float = 0.0
    began: float = field(default_factory=time.process_time)

    def seconds(self) -> float:
        """Since START."""
        return self.waited + time.process_time() - self.began

    def now(self) -> datetime:
        """See Clock."""
        return START + timedelta(seconds=self.seconds())

    def sleep(self, seconds: float) -> None:
        """See Clock."""
        self.waited += seconds


class Counted:
    """A port whose calls are counted; each takes `latency` seconds of the clock.

    What is listed or read is counted in `items`; a listing is one call per thousand objects, as in S3.
    """

    def __init__(self, port: object, calls: Counter[str], clock: Clock, latency: float = 0.0) -> None:
        self._port, self._calls, self._clock, self._latency = port, calls, clock, latency
        self.items = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*args: Any, **options: Any) -> Any:
            self._calls[name] += 1
            self._clock.waited += self._latency
            answer = method(*args, **options)
            if name == "list":
                return self._listed(answer)
            if name in ("query", "get_many"):
                self.items += len(getattr(answer, "items", answer) if name == "query" else answer)
            return answer

        return call

    def _listed(self, found: Iterator[StoredObject]) -> Iterator[StoredObject]:
        for place, one in enumerate(found, start=1):
            self.items += 1
            self._calls["list"] += place % 1000 == 0
            yield one


class OneRow:
    """An engine that writes one row for each file and reads none: only the control plane is measured."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def run(self, order: WorkOrder, beat: Callable[[], None]) -> Report:
        """See Engine."""
        return Report(tuple(self._file(file, order, beat) for file in order.files))

    def _file(self, file: OrderFile, order: WorkOrder, beat: Callable[[], None]) -> FileReport:
        beat()
        uri = f"{order.bronze}/{file.file_id}-00000.parquet"
        self._objects.put(uri, b"row")
        return FileReport(file.file_id, 1, 0, 1, 1, 0, 0, "", {}, None, (WrittenObject(uri, 3),))


class LakeObjects(MemoryObjects):
    """Objects in memory, plus listings of `old` raw files and their results, which take no space."""

    def __init__(self, clock: Clock, old: int) -> None:
        super().__init__(clock=clock)
        self.old = old

    def list(self, uri: str, after: str = "") -> Iterator[StoredObject]:
        """See ObjectStore."""
        if f"s3://lake/{old_key(0)}".startswith(uri):
            yield from map(_old_object, map(old_key, range(self.old)))
        for folder, names in (("bronze", range(FILES_A_BATCH)), ("attempts", ("manifest", "order"))):
            if uri == f"s3://lake/{folder}/{TABLE}/":
                for batch in range(1, self.old // FILES_A_BATCH + 1):
                    yield from (_old_object(f"{folder}/{TABLE}/{batch:020x}-e1/{name}") for name in names)
        yield from super().list(uri, after)


def _old_object(key: str) -> StoredObject:
    return StoredObject(f"s3://lake/{key}", key, "null", "old", 1, START, is_latest=True)


def old_key(number: int) -> str:
    """Return the key of a raw file that was published long ago."""
    return f"raw/{TABLE}/{number // 1000:06}/{number % 1000:03}.csv.gz"


def old_files(items: int) -> int:
    """Return how many of `items` control items are files."""
    return items // (FILES_A_BATCH + 1) * FILES_A_BATCH


def old_items(items: int) -> Iterator[Item]:
    """Yield the control items of old files and their batches, 64 files per batch."""
    for first in range(0, old_files(items), FILES_A_BATCH):
        number = first // FILES_A_BATCH + 1
        batch_id, ids = f"{number:020x}", []
        for place in range(first, first + FILES_A_BATCH):
            key = old_key(place)
            ids.append(file_id := file_id_of("lake", key, "null"))
            yield RawFile(
                file_id, TABLE, "lake", key, "null", "old", 1, 1, 1, "csv", START, START, batch_id=batch_id
            )
        done = Batch(batch_id, TABLE, tuple(ids), FILES_A_BATCH, "light", START, state="published")
        counts = (Counts(1, 1),) * FILES_A_BATCH
        yield replace(done, epoch=1, counts=counts, number=number, published_at=START)
    yield Head(TABLE, number=old_files(items) // FILES_A_BATCH)


@dataclass
class Lake:
    """A lake to deliver to, and the calls of its ports."""

    parts: Parts
    table: BronzeTable
    clock: Clock
    calls: Counter[str]
    steps: list[tuple[str, float, float, int]] = field(default_factory=list)
    looks: list[tuple[str, float, int, int]] = field(default_factory=list)
    # Returns how many items or bytes have been read so far.
    read: Callable[[], int] = lambda: 0

    @contextmanager
    def look(self, name: str) -> Iterator[None]:
        """Record the cost of a query: CPU seconds, calls, items or bytes read."""
        calls, read, cpu = self.calls.total(), self.read(), time.process_time()
        yield
        cpu = time.process_time() - cpu
        self.looks.append((name, cpu, self.calls.total() - calls, self.read() - read))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Record the cost of a step: CPU seconds, peak MB, calls."""
        calls, cpu, before = self.calls.total(), time.process_time(), _memory_mb("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        yield
        peak_mb = _memory_mb("VmHWM") - before
        self.steps.append((name, time.process_time() - cpu, peak_mb, self.calls.total() - calls))


def lake_of(
    store: ControlStore, objects: ObjectStore, catalog: object, settings: Settings, clock: Clock
) -> Lake:
    """Return a lake of these ports, with an engine that does almost nothing."""
    calls: Counter[str] = Counter()
    counted = Counted(objects, calls, clock)
    items = Counted(store, calls, clock)
    parts = Parts(
        settings=settings,
        store=items,  # type: ignore[arg-type]
        objects=counted,  # type: ignore[arg-type]
        catalog=Counted(catalog, calls, clock),  # type: ignore[arg-type]
        engines={"light": OneRow(counted)},  # type: ignore[arg-type]
        clock=clock,
        event_kinds=event_kinds,
        say=lambda event, fields: None,
    )
    lake = Lake(parts, tables.load(settings, TABLE)[TABLE], clock, calls)
    lake.read = lambda: items.items + counted.items
    return lake


def _memory_mb(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024
