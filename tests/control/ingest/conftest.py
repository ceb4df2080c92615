import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from control.adapters.memory import MemoryCatalog, MemoryClock, MemoryObjects, MemoryStore
from control.config import Settings
from control.errors import UnavailableError
from control.ingest.rules import Rules
from control.ingest.run import Outcome, run
from control.ingest.tables import BronzeTable
from control.model import Batch, Head, RawFile
from control.orders import FileReport, OrderFile, Report, WorkOrder, WrittenObject
from control.ports import CatalogColumn, CatalogTable, ObjectStore, Parts, every


class LineEngine:
    """A tiny engine: each line of a raw object is a row.

    Exceptions: `bad…` is a refused line, `ctl:<kind>` a control record. `!refuse` refuses the whole file, and
    `!crash` makes the engine raise. The markers of a reload are control records.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self.objects = objects
        self.orders: list[WorkOrder] = []
        # Accept lines that it refused before, as a later contract may.
        self.forgiving = False
        # The name of the token key in its report.
        self.token_key: str | None = None

    def run(self, order: WorkOrder, beat: Callable[[], None]) -> Report:
        self.orders.append(order)
        return Report(tuple(self._file(file, order, beat) for file in order.files), self.token_key)

    def _file(self, file: OrderFile, order: WorkOrder, beat: Callable[[], None]) -> FileReport:
        beat()
        with self.objects.open(file.uri, file.version_id, file.etag) as stream:
            lines = [line for line in stream.read().decode().split("\n") if line]
        if "!crash" in lines:
            raise RuntimeError("secret row value")
        refused = "!refuse" in lines
        if file.format in ("begin", "complete"):
            lines = [f"ctl:reload-{file.format}"]
        control = [] if refused else [line[4:] for line in lines if line.startswith("ctl:")]
        bad = lines if refused else [ln for ln in lines if ln.startswith("bad") and not self.forgiving]
        rows = [] if refused else [line for line in lines if line not in bad and not line.startswith("ctl:")]
        written = []
        for folder, suffix, content in (
            (order.bronze, "-00000.parquet", rows),
            (order.events, ".parquet", control),
            (order.quarantine, ".jsonl", bad),
        ):
            if content:
                uri, body = f"{folder}/{file.file_id}{suffix}", json.dumps(content).encode()
                self.objects.put(uri, body)
                written.append(WrittenObject(uri, len(body)))
        return FileReport(
            file_id=file.file_id,
            lines=len(lines),
            blank=0,
            records=len(lines),
            rows=len(rows),
            quarantined=len(bad),
            control=len(control),
            sha256="",
            reasons={"bad": len(bad)} if bad else {},
            failure="gzip" if refused else None,
            objects=tuple(written),
        )


def made_table(name: str) -> BronzeTable:
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


@dataclass
class World:
    """A whole lake in memory. `landed` keeps the raw lines for comparison."""

    store: MemoryStore = field(default_factory=MemoryStore)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    catalog: MemoryCatalog = field(default_factory=MemoryCatalog)
    clock: MemoryClock = field(default_factory=lambda: MemoryClock(datetime(2026, 1, 2, 23, 59, tzinfo=UTC)))
    tables: dict[str, BronzeTable] = field(
        default_factory=lambda: {name: made_table(name) for name in ("beer", "review")}
    )
    rules: Rules = field(default_factory=Rules)
    said: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    landed: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.engine = LineEngine(self.objects)
        self.parts = Parts(
            settings=Settings(),
            store=self.store,
            objects=self.objects,
            catalog=self.catalog,
            engines={"light": self.engine, "spark": self.engine},
            clock=self.clock,
            event_kinds=lambda body: Counter(json.loads(body)),
            say=lambda event, fields: self.said.append((event, fields)),
        )

    def land(self, table: str, name: str, *lines: str) -> None:
        key = f"raw/{table}/{name}.json.gz"
        self.objects.put(f"s3://lake/{key}", "\n".join(lines).encode())
        self.landed[key] = list(lines)

    def run(self, **options: object) -> Outcome:
        return run(self.tables, self.parts, self.rules, **{"mode": "until_idle", **options})  # type: ignore[arg-type]

    def batches(self, table: str) -> list[Batch]:
        return sorted(every(self.store, Batch, table), key=lambda batch: (batch.number or 0, batch.batch_id))

    def files(self, table: str) -> dict[str, RawFile]:
        return {file.key.rpartition("/")[2].split(".")[0]: file for file in every(self.store, RawFile, table)}

    def head(self, table: str) -> Head:
        found = self.store.get(Head, table, table)
        assert found is not None
        return found

    def visible(self, table: str) -> dict[int, list[str]]:
        """Return rows by batch number, as readers see them: through the partitions in the catalog."""
        rows: dict[int, list[str]] = {}
        for (_, name, values), partition in self.catalog.partitions.items():
            if name == table:
                bodies = [self.objects.get(found.uri) for found in self.objects.list(partition.location)]
                rows[int(values[1])] = sorted(row for body in bodies for row in json.loads(body))
        return rows

    def check(self) -> None:
        """Assert what must hold when no work is left, whatever happened before."""
        for table in self.tables:
            batches = self.batches(table)
            assert {batch.state for batch in batches} <= {"published", "failed", "split"}
            published = [batch for batch in batches if batch.state == "published"]
            head = self.head(table)
            assert head.intent is None
            assert [batch.number for batch in published] == list(range(1, head.number + 1)), "gapless"
            assert sorted(self.visible(table)) == [batch.number for batch in published]
            self._check_accounts(table, batches)

    def _check_accounts(self, table: str, batches: list[Batch]) -> None:
        """Assert that each raw line is exactly one row, control record or quarantined line."""
        lines = sorted(
            line for key, ls in self.landed.items() if key.startswith(f"raw/{table}/") for line in ls
        )
        final = [batch for batch in batches if batch.state in ("published", "failed")]
        ids = [file_id for batch in final for file_id in batch.file_ids]
        assert sorted(ids) == sorted(file.file_id for file in self.files(table).values()), "one batch a file"
        kept = [line for rows in self.visible(table).values() for line in rows]
        kept += [f"ctl:{kind}" for kinds in self.visible(f"{table}_events").values() for kind in kinds]
        crashed = 0
        for batch in final:
            folder = f"s3://lake/quarantine/{table}/{batch.batch_id}-e{batch.epoch}/"
            kept += [
                row for found in self.objects.list(folder) for row in json.loads(self.objects.get(found.uri))
            ]
            crashed += batch.state == "failed" and not batch.counts
        if not crashed:
            assert sorted(kept) == lines
        assert sum(batch.totals.records for batch in final) == len(kept)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def new_world() -> Callable[..., World]:
    return World


@pytest.fixture
def bronze_table() -> Callable[[str], BronzeTable]:
    return made_table


@pytest.fixture
def impatient(world: World) -> World:
    """A world whose batches have one file each."""
    world.rules = replace(world.rules, light_files=1)
    return world


class Topic:
    """A topic that can be unavailable."""

    def __init__(self) -> None:
        self.away = False
        self.sent: list[tuple[str, str, str]] = []

    def publish(self, subject: str, message: str, incident: str) -> None:
        if self.away:
            raise UnavailableError("no answer came")
        self.sent.append((subject, message, incident))


@pytest.fixture
def topic() -> Topic:
    return Topic()
