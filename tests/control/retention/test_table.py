"""What may go leaves the catalog first and is tagged then; control records and all else stay."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from control.adapters.memory import MemoryCatalog, MemoryClock, MemoryObjects, MemoryStore
from control.config import Settings
from control.errors import UnavailableError, UpstreamError
from control.model import Batch, Counts, Partition, RawFile, attempt_of
from control.ports import CatalogColumn, CatalogTable, Parts
from control.retention.judge import Keep, Verdict, judge
from control.retention.table import TAG, known, let_go, measure, offsets

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
NOW = LONG_AGO + timedelta(days=365)
PUBLISHED = ("2025-01-01", "1")


@pytest.fixture
def parts() -> Parts:
    """One raw file of one batch, published and old."""
    settings = Settings()
    store, objects, catalog = MemoryStore(), MemoryObjects(), MemoryCatalog()
    raw = RawFile("f", "review", "lake", "raw/review/f", "null", "e", 3, 1, 1, "csv", LONG_AGO, LONG_AGO, "b")
    batch = Batch(
        batch_id="b",
        table="review",
        file_ids=("f",),
        size_bytes=3,
        engine="light",
        created_at=LONG_AGO,
        state="published",
        epoch=1,
        counts=(Counts(1, 1, 0, 0),),
        number=1,
        ingest_date=PUBLISHED[0],
        published_at=LONG_AGO,
    )
    store.create(raw)
    store.create(batch)
    attempt = attempt_of(batch, settings.bucket)
    for uri in (raw.uri, f"{attempt.bronze}/1.parquet", f"{attempt.bronze}/2.parquet", f"{attempt.events}/1"):
        objects.put(uri, b"abc")
    objects.put(f"{attempt.bronze}0/1.parquet", b"of another attempt")
    keys = (CatalogColumn("ingest_date", "string"), CatalogColumn("batch", "bigint"))
    for name, place in (("review", attempt.bronze), ("review_events", attempt.events)):
        catalog.ensure_table(CatalogTable("bronze", name, "s3://lake/bronze/", (), keys))
        catalog.add_partition(Partition("bronze", name, PUBLISHED, f"{place}/", {}))
    return Parts(settings, store, objects, catalog, {}, MemoryClock(NOW), lambda _: {}, lambda *_: None)


def verdicts(parts: Parts, offset: int) -> list[Verdict]:
    taken = {"reviews_state": offset} if offset else {}
    return list(judge(known("review", ["reviews_state"], taken, parts), Keep(), NOW))


def tagged(parts: Parts) -> list[str]:
    return [
        stored.key
        for stored in parts.objects.list("s3://lake/")
        if parts.objects.tags(stored.uri, stored.version_id).get(TAG[0]) == TAG[1]
    ]


def test_rows_leave_the_catalog_and_are_tagged_while_control_records_stay(parts: Parts) -> None:
    done = [let_go(one, parts) for one in verdicts(parts, 1)]
    assert parts.catalog.get_partition("bronze", "review", PUBLISHED) is None
    assert parts.catalog.get_partition("bronze", "review_events", PUBLISHED) is not None
    assert tagged(parts) == ["bronze/review/b-e1/1.parquet", "bronze/review/b-e1/2.parquet", "raw/review/f"]
    assert sum(size.tagged for size in done) == 3
    assert sum(let_go(one, parts).tagged for one in verdicts(parts, 1)) == 0, "a second run finds it done"


def test_a_model_that_has_taken_in_nothing_yet_keeps_all(parts: Parts) -> None:
    assert not any(one.may_go for one in verdicts(parts, 0))
    with pytest.raises(ValueError, match="reviews_state has taken in batch 0"):
        let_go(verdicts(parts, 0)[0], parts)
    assert tagged(parts) == []


def test_no_object_is_tagged_while_readers_are_still_sent_to_it(parts: Parts) -> None:
    class Unreachable(MemoryCatalog):
        def drop_partition(self, database: str, table: str, values: tuple[str, ...]) -> None:
            raise UnavailableError("glue")

    (bronze,) = [one for one in verdicts(parts, 1) if one.kind == "bronze"]
    broken = Parts(
        parts.settings,
        parts.store,
        parts.objects,
        Unreachable(),
        {},
        parts.clock,
        parts.event_kinds,
        parts.say,
    )
    with pytest.raises(UnavailableError):
        let_go(bronze, broken)
    assert tagged(parts) == []


def test_a_plan_says_how_much_it_is_about(parts: Parts) -> None:
    assert {
        one.kind: (measure(one, parts).count, measure(one, parts).size_bytes) for one in verdicts(parts, 1)
    } == {
        "raw": (1, 3),
        "bronze": (2, 6),
        "quarantine": (0, 0),
    }


@pytest.mark.parametrize("reason", ["TABLE_NOT_FOUND: line 1", "SCHEMA_NOT_FOUND: line 1"])
def test_before_the_first_build_no_model_has_taken_anything_in(reason: str) -> None:
    def refuse(_: str) -> Sequence[Sequence[str]]:
        raise UpstreamError(reason)

    assert offsets(refuse, "") == {}


def test_another_failure_of_athena_is_not_taken_for_an_empty_answer() -> None:
    def refuse(_: str) -> Sequence[Sequence[str]]:
        raise UpstreamError("GENERIC_INTERNAL_ERROR")

    with pytest.raises(UpstreamError):
        offsets(refuse, "")


def test_offsets_are_those_of_each_model_by_table() -> None:
    rows = [
        ("bronze.review", "reviews_state", "7"),
        ("bronze.review", "other", "3"),
        ("bronze.beer", "b", "1"),
    ]
    assert offsets(lambda _: rows, "") == {
        "bronze.review": {"reviews_state": 7, "other": 3},
        "bronze.beer": {"b": 1},
    }
