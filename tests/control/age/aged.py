"""Count the requests of commands on lakes of different ages: `python tests/control/age/aged.py`.

Batches of one file arrive at an even pace. Every night, retention has released what is old and lifecycle
rules have deleted it. So the existing objects are the same at any age, and every additional request on an
older lake is for finished work.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any
from unittest.mock import patch

import click.testing

from control import tally
from control.adapters.memory import MemoryCatalog, MemoryClock, MemoryObjects, MemoryStore
from control.adapters.parquet import event_kinds
from control.audit import Entry
from control.cli.main import dm
from control.config import Settings
from control.ingest import tables
from control.ingest.catalog import columns_of
from control.ingest.register import register
from control.model import Batch, Counts, Head, RawFile, file_id_of
from control.orders import FileReport, Manifest, Report, WorkOrder, WrittenObject, attempt_of
from control.partitions import partition_of
from control.ports import Parts, StoredObject
from control.serialization import digest, to_json

ROOT = Path(__file__).parents[3]
CONTRACTS = ROOT / "contracts"
TABLE, BUCKET = "review", "lake"
START = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
RAW_DAYS, BRONZE_DAYS = 90, 180
HEADER = (
    b"review_id,brewery_id,beer_id,profile_id,review_overall,review_aroma,review_appearance,review_palate,"
    b"review_taste,review_time\n"
)
KEYS_A_CALL, OBJECTS_A_CALL = 100, 1000
COUNTED = ("query", "get_many", "at_hand", "etags", "etags_of")


@dataclass(frozen=True, slots=True)
class Asked:
    """Number of calls to each system, and of items and objects in the responses."""

    s3: int = 0
    store: int = 0
    glue: int = 0
    athena: int = 0
    read: int = 0


@dataclass
class Count:
    """Counts the calls to ports as DynamoDB and S3 would: 100 keys per call, 1,000 objects per listing.

    Listings of the audit trail are not counted; a table gets three entries per night.
    """

    calls: Counter[str] = field(default_factory=Counter)
    read: int = 0
    lock: Lock = field(default_factory=Lock)  # several tables are read concurrently

    def port(self, kind: str, inner: Any) -> Any:
        """Wrap `inner` and count its calls under `kind`."""
        count = self

        class Port:
            def __getattr__(self, name: str) -> Any:
                method = getattr(inner, name)
                if not callable(method):
                    return method

                def call(*given: Any, **named: Any) -> Any:
                    if name == "get_many":
                        given = (*given[:2], list(given[2]))
                        calls = -(-len(given[2]) // KEYS_A_CALL)
                    elif name == "etags_of":
                        calls = -(-sum(map(len, given[0].values())) // KEYS_A_CALL)
                    else:
                        calls = 1 + (name == "tag")  # `tag` reads the other tags first
                    answer = method(*given, **named)
                    found = answer.items if name == "query" else answer[0] if name == "etags" else answer
                    with count.lock:
                        count.calls[kind] += calls
                        count.read += len(found or ()) if name in COUNTED else 0
                    if name == "list":
                        return answer if "/audit/" in given[0] else count.listed(answer)
                    return answer

                return call

        return Port()

    def listed(self, found: Iterator[StoredObject]) -> Iterator[StoredObject]:
        """Pass on a listing and count one call per page."""
        for place, one in enumerate(found, start=1):
            self.read += 1
            self.calls["s3"] += place % OBJECTS_A_CALL == 0
            yield one

    def asked(self) -> Asked:
        """Return the counts so far."""
        return Asked(*(self.calls[kind] for kind in ("s3", "store", "glue", "athena")), read=self.read)


class Dated(MemoryObjects):
    """Objects in memory that can be written with a past time."""

    def put_at(self, uri: str, body: bytes, at: datetime) -> None:
        """Write an object as if at time `at`."""
        now, self._clock = self._clock, MemoryClock(at)
        self.put(uri, body)
        self._clock = now


@dataclass
class Lake:
    """The table of reviews `days` days after its first batch, with `daily` batches a day."""

    days: int
    daily: int
    refused: tuple[int, ...] = ()
    store: MemoryStore = field(default_factory=MemoryStore)
    catalog: MemoryCatalog = field(default_factory=MemoryCatalog)
    count: Count = field(default_factory=Count)

    def __post_init__(self) -> None:
        self.clock = MemoryClock(START + timedelta(days=self.days))
        self.objects = Dated(clock=self.clock)
        self.settings = Settings(contracts=CONTRACTS, token_key=b"a key for tests, as long as one has to be")
        self.number = self.days * self.daily
        self.table = tables.load(self.settings, TABLE)[TABLE]
        self.catalog.ensure_table(self.table.rows)
        self.catalog.ensure_table(self.table.events)
        # Three batches with refused records that nobody has handled: their objects stay.
        self.refused = (7, self.number // 2, self.number - 9)
        for number in range(1, self.number + 1):
            self._publish(number)
        for night in range(RAW_DAYS, self.days):
            self._let_go(night)
        for name in tables.names(self.settings):
            number = self.number if name == TABLE else 0
            columns = columns_of(self.table) if name == TABLE else None
            self.store.put(Head(name, number, listed_at=self.clock.now(), columns=columns))
        tally.recount(TABLE, self.plain)

    @property
    def plain(self) -> Parts:
        """The ports, uncounted."""
        return Parts(
            self.settings,
            self.store,
            self.objects,
            self.catalog,
            {"light": self, "spark": self},  # type: ignore[dict-item]
            self.clock,
            event_kinds,
            lambda *_: None,
        )

    @property
    def parts(self) -> Parts:
        """The ports, counted."""
        kinds = {"store": self.store, "s3": self.objects, "glue": self.catalog}
        store, objects, catalog = (self.count.port(kind, inner) for kind, inner in kinds.items())
        return replace(self.plain, store=store, objects=objects, catalog=catalog)

    def run(self, order: WorkOrder, beat: Callable[[], None]) -> Report:
        """See Engine. Writes one row per file."""
        ids = (file.file_id for file in order.files)
        return Report(tuple(self._report(one, order.bronze, order.quarantine, 0) for one in ids))

    def query(self, sql: str) -> Sequence[Sequence[str]]:
        """Answer as Athena: silver has consumed everything."""
        self.count.calls["athena"] += 1
        if "ops.consumed" in sql:
            return [(f"bronze.{TABLE}", "reviews_state", str(self.number))]
        return [("1",)] if "count(*)" in sql else []

    def file_id(self, number: int) -> str:
        """Return the id of the raw file of a batch."""
        return file_id_of(BUCKET, _key(number), "null")

    def land(self, name: str) -> None:
        """Land a new file and register it, as if by an event."""
        self.objects.put(f"s3://{BUCKET}/raw/{TABLE}/{name}.csv.gz", b"new")
        (found,) = self.objects.list(f"s3://{BUCKET}/raw/{TABLE}/{name}.csv.gz")
        register(TABLE, found, self.plain)

    def _publish(self, number: int) -> None:
        at = START + timedelta(days=(number - 1) / self.daily)
        age, is_refused = (self.clock.now() - at).days, int(number in self.refused)
        key, file_id, etag = _key(number), self.file_id(number), sha256(HEADER).hexdigest()
        counts = (Counts(2, 2 - is_refused, is_refused),)
        batch = Batch(
            batch_id=f"{number:020x}", table=TABLE, file_ids=(file_id,), size_bytes=1, engine="light",
            created_at=at, state="published", epoch=1, attempts=1, number=number, counts=counts,
            ingest_date=at.date().isoformat(), published_at=at,
        )  # fmt: skip
        attempt = attempt_of(batch, BUCKET)
        report = self._report(file_id, attempt.bronze, attempt.quarantine, is_refused)
        manifest = Manifest(TABLE, batch.batch_id, 1, "1.0.0", (report,), {})
        self.objects.put_at(attempt.document("manifest.json"), sealed := to_json(manifest), at)
        batch = replace(batch, manifest_digest=digest(sealed))
        if age < RAW_DAYS or is_refused:
            self.objects.put_at(f"s3://{BUCKET}/{key}", HEADER, at)
        if age < BRONZE_DAYS or is_refused:
            for written in report.objects:
                self.objects.put_at(written.uri, b'{"line":2,"reason":"bad"}\n', at)
            self.catalog.add_partition(
                partition_of(batch, manifest, database="bronze", table=TABLE, folder=attempt.bronze, rows=2)
            )
        self.store.put(batch)
        file = RawFile(file_id, TABLE, BUCKET, key, "null", etag, 1, 1, 1, "csv", at, at, batch.batch_id)
        self.store.put(file)

    def _report(self, file_id: str, bronze: str, quarantine: str, refused: int) -> FileReport:
        uris = [f"{bronze}/{file_id}-00000.parquet", *([f"{quarantine}/{file_id}.jsonl"] if refused else ())]
        written = tuple(WrittenObject(uri, 3) for uri in uris)
        return FileReport(file_id, 3, 0, 2, 2 - refused, refused, 0, "", {}, None, written)

    def _let_go(self, night: int) -> None:
        at = START + timedelta(days=night, hours=1)
        for kind, days in (("raw", RAW_DAYS), ("bronze", BRONZE_DAYS), ("quarantine", BRONZE_DAYS)):
            first = (night - days) * self.daily + 1
            if first > 0:
                ids = tuple(self.file_id(number) for number in range(first, first + self.daily))
                entry = Entry("let go", TABLE, ids, "retention", f"{kind} of batches {first}-", at, kind)
                name = f"{at:%Y%m%dT%H%M%S.%f}-let-go-{kind}.json"
                self.objects.put_at(f"s3://{BUCKET}/audit/{TABLE}/{name}", to_json(entry), at)


def _key(number: int) -> str:
    return f"raw/{TABLE}/epoch=1/{number:08}.csv.gz"


class Silent:
    """An empty queue."""

    name = "queue"

    def receive(self) -> Sequence[Any]:
        return ()


@contextmanager
def wired(lake: Lake) -> Iterator[None]:
    """Let `dm` run on `lake`."""
    from control.adapters.glue_listing import GlueListing

    with (
        patch("control.wiring.connect", lambda *_: lake.parts),
        patch("control.wiring.query", lambda *_: lake.query),
        patch("control.wiring.raw_queue", lambda _: Silent()),
        patch("control.wiring.hive_columns", lambda _: []),
        patch.object(GlueListing, "tables", lambda *_: iter(())),
        patch.dict("os.environ", DM_CONTRACTS=str(CONTRACTS), AWS_ENDPOINT_URL="http://127.0.0.1:1"),
    ):
        yield


def asked(lake: Lake, *arguments: str) -> Asked:
    """Return the requests of a command on `lake`."""
    lake.count = Count()
    with wired(lake):
        result = click.testing.CliRunner().invoke(dm, arguments, catch_exceptions=False)
    assert result.exit_code in (0, 1), result.output
    return lake.count.asked()


def commands(lake: Lake) -> Iterator[tuple[str, ...]]:
    """Yield the command lines that read the control store or the bucket, one after the other."""
    last = lake.number
    batches = ("--from", str(last - 3), "--to", str(last))
    yield ("status",)
    yield ("files", "list", "--limit", "20")
    yield ("files", "list", "--state", "failed")
    yield ("files", "show", lake.file_id(last))
    yield ("quarantine", "list")
    yield ("quarantine", "show", lake.file_id(last - 9))
    yield ("quarantine", "replay", "--table", TABLE, "--dry-run")
    yield ("quarantine", "waive", f"{lake.file_id(last)}:2", "--until", "2099-01-01", "--reason", "r")
    yield ("ingest", "sweep", "--dry-run")
    yield ("ingest", "replay", "--table", TABLE, *batches, "--dry-run")
    yield ("contract", "replay", "--contract", str(CONTRACTS / "bronze/review.yaml"), "--days", "1")
    yield ("contract", "drift")
    lake.land("new")
    yield ("ingest", "run")
    yield ("ingest", "run", "--list")
    yield ("retention", "plan")
    yield ("retention", "run")
    lake.clock.sleep(86400)
    yield ("retention", "run", "--table", TABLE)
    yield ("status", "--recount")


def shown(line: Sequence[str]) -> str:
    """Return a command line as the table shows it."""
    words = [word for word in line if len(word) < 20 and word not in ("r", "1", "2099-01-01", TABLE)]
    return " ".join(word for word in words if not word.isdecimal() or word == "20")


def main() -> None:
    """Print the requests of each command, by the age of the lake."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=[365, 1460])
    parser.add_argument("--daily", type=int, default=24)
    options = parser.parse_args()
    lakes = [Lake(days, options.daily) for days in options.days]
    print(f"{options.daily} batches a day\n")
    heads = (f"S3, {days:,} days | store | Glue | Athena | read" for days in options.days)
    print(f"| command | {' | '.join(heads)} |")
    print("|---|" + "---:|---:|---:|---:|---:|" * len(lakes))
    for lines in zip(*(commands(lake) for lake in lakes), strict=True):
        answers = [asked(lake, *line) for lake, line in zip(lakes, lines, strict=True)]
        cells = [f"{a.s3:,} | {a.store:,} | {a.glue:,} | {a.athena:,} | {a.read:,}" for a in answers]
        print(f"| `dm {shown(lines[0])}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
