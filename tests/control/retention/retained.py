"""A small lake for tests of retention: its content, runs on it, and a wire that dies at a call."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from control import audit
from control.adapters.memory import MemoryCatalog, MemoryClock, MemoryObjects, MemoryStore
from control.config import Settings
from control.model import Batch, Counts, Head, Partition, RawFile, file_id_of
from control.orders import FileReport, Manifest, WrittenObject, attempt_of
from control.ports import CatalogColumn, CatalogTable, Parts
from control.retention.judge import Keep
from control.retention.let_go import TAG, let_go
from control.retention.table import Judged, Objects, judge_table
from control.serialization import digest, to_json

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
NOW = LONG_AGO + timedelta(days=365)
PUBLISHED = ("2025-01-01", "1")
FILE = file_id_of("lake", "raw/review/f", "null")
FOLDER = "s3://lake/bronze/review/b-e1"
GONE = ["bronze/review/b-e1/1.parquet", "bronze/review/b-e1/2.parquet", "raw/review/f"]


def small_lake() -> Parts:
    """Create a lake with one raw file in one old, published batch."""
    settings = Settings()
    store, objects, catalog = MemoryStore(), MemoryObjects(), MemoryCatalog()
    etag = sha256(b"abc").hexdigest()
    raw = RawFile(
        FILE, "review", "lake", "raw/review/f", "null", etag, 3, 1, 1, "csv", LONG_AGO, LONG_AGO, "b"
    )
    batch = Batch(
        batch_id="b",
        table="review",
        file_ids=(FILE,),
        size_bytes=3,
        engine="light",
        created_at=LONG_AGO,
        state="published",
        epoch=1,
        counts=(Counts(2, 2, 0, 0),),
        number=1,
        ingest_date=PUBLISHED[0],
        published_at=LONG_AGO,
    )
    attempt = attempt_of(batch, settings.bucket)
    written = [f"{attempt.bronze}/1.parquet", f"{attempt.bronze}/2.parquet", f"{attempt.events}/1"]
    for uri in (raw.uri, *written):
        objects.put(uri, b"abc")
    objects.put(f"{attempt.bronze}0/1.parquet", b"of another attempt")
    made = tuple(WrittenObject(uri, 3) for uri in written)
    report = FileReport(FILE, 3, 0, 3, 2, 0, 1, "", {}, None, made)
    sealed = to_json(Manifest("review", "b", 1, "1.0.0", (report,), {}))
    objects.put(attempt.document("manifest.json"), sealed)
    store.create(raw)
    store.create(replace(batch, manifest_digest=digest(sealed)))
    store.create(Head("review", 1))
    keys = (CatalogColumn("ingest_date", "string"), CatalogColumn("batch", "bigint"))
    for name, place, rows in (("review", attempt.bronze, 2), ("review_events", attempt.events, 1)):
        catalog.ensure_table(CatalogTable("bronze", name, "s3://lake/bronze/", (), keys))
        parameters = {
            "attempt": "b-e1",
            "contract_version": "1.0.0",
            "manifest_digest": digest(sealed),
            "rows": str(rows),
        }
        catalog.add_partition(Partition("bronze", name, PUBLISHED, f"{place}/", parameters))
    return Parts(settings, store, objects, catalog, {}, MemoryClock(NOW), lambda _: {}, lambda *_: None)


def judged(parts: Parts, offset: int, *new: str) -> Judged:
    """Judge the table when its model has consumed batches up to `offset`, and the models in `new` none."""
    return judge_table("review", {"reviews_state": offset, **dict.fromkeys(new, 0)}, Keep(), parts)


def run(parts: Parts, offset: int = 1, *new: str, by: Any = let_go) -> list[Objects]:
    """Run retention on the table once."""
    return [done for _, done in by(judged(parts, offset, *new), parts)]


def tagged(parts: Parts) -> list[str]:
    return [
        stored.key
        for stored in parts.objects.list("s3://lake/")
        if parts.objects.tags(stored.uri, stored.version_id).get(TAG[0]) == TAG[1]
    ]


def trail(parts: Parts) -> list[tuple[str, str]]:
    return sorted((entry.action, entry.reason) for entry in audit.trail("review", parts))


def rows_in_catalog(parts: Parts) -> Partition | None:
    return parts.catalog.get_partition("bronze", "review", PUBLISHED)


def assert_let_go(parts: Parts) -> None:
    assert rows_in_catalog(parts) is None
    assert parts.catalog.get_partition("bronze", "review_events", PUBLISHED) is not None
    assert tagged(parts) == GONE


def assert_nobody_reads_what_may_be_deleted(parts: Parts) -> None:
    """Assert, at any time: no reader is sent to eligible rows, and every tag is in the audit trail."""
    half = tagged(parts)
    assert rows_in_catalog(parts) is None or not [key for key in half if key.startswith("bronze/")]
    assert not half or [action for action, _ in trail(parts)], "an action is missing in the audit trail"
    assert parts.catalog.get_partition("bronze", "review_events", PUBLISHED) is not None


class Killed(BaseException):
    """The process was killed."""


class Wire:
    """Dies at the n-th call to a port, before or after its effect."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at, self.after, self.calls = at, after, 0

    def around(self, inner: Any) -> Any:
        wire = self

        class Around:
            def __getattr__(self, name: str) -> Any:
                return lambda *given, **named: wire.call(getattr(inner, name), *given, **named)

        return Around()

    def call(self, effect: Any, *given: Any, **named: Any) -> Any:
        self.calls += 1
        if self.calls == self.at and not self.after:
            raise Killed
        result = effect(*given, **named)
        if self.calls == self.at:
            raise Killed
        return result


def wired(parts: Parts, wire: Wire) -> Parts:
    around = wire.around
    return replace(
        parts, store=around(parts.store), objects=around(parts.objects), catalog=around(parts.catalog)
    )


def copied(parts: Parts) -> Parts:
    store, objects, catalog = deepcopy((parts.store, parts.objects, parts.catalog))
    return replace(parts, store=store, objects=objects, catalog=catalog)
