from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from types import SimpleNamespace

import pytest

from control import tally
from control.adapters.memory import MemoryClock, MemoryStore
from control.model import Batch, Counts, Head, Intent, RawFile
from control.ports import Page
from control.status import Promise, every_status, table_status

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
FILE = RawFile(
    file_id="f",
    table="review",
    bucket="lake",
    key="raw/review/f.csv.gz",
    version_id="null",
    etag="e",
    size_bytes=1,
    epoch=1,
    extract=1,
    format="csv",
    landed_at=NOON - timedelta(minutes=10),
    registered_at=NOON,
)
BATCH = Batch(batch_id="b", table="review", file_ids=("f",), size_bytes=1, engine="light", created_at=NOON)


@pytest.fixture
def parts() -> SimpleNamespace:
    return SimpleNamespace(store=MemoryStore(), clock=MemoryClock(NOON))


def put(parts, name, state, *counts, **fields) -> None:
    """Create a batch of one file in `state`."""
    batch = replace(BATCH, batch_id=f"b{name}", file_ids=(f"f{name}",), state=state, counts=counts, **fields)
    parts.store.create(batch)
    parts.store.create(replace(FILE, file_id=f"f{name}", batch_id=batch.batch_id))
    if batch.number is not None:
        close(parts, batch.number)


def close(parts, number) -> None:
    """Move the head to `number` and recount."""
    parts.store.create(Head("review"))
    head = parts.store.get(Head, "review", "review")
    parts.store.update(head, replace(head, number=number))
    tally.recount("review", parts)


def test_an_empty_table_has_no_batch_and_no_lag(parts) -> None:
    status = table_status("review", parts)
    assert (status.last_batch, status.files, status.lag_seconds, status.warnings) == (None, {}, 0, ())


def test_totals_include_published_and_failed_batches(parts) -> None:
    put(parts, 1, "published", Counts(10, 7, 2, 1), number=1, published_at=NOON)
    put(parts, 2, "published", Counts(5, 5, 0, 0), number=2, published_at=NOON + timedelta(hours=1))
    put(parts, 3, "failed", Counts(3, 0, 3, 0))
    put(parts, 4, "written", Counts(100, 100, 0, 0))
    status = table_status("review", parts)
    assert (status.records, status.rows, status.quarantined, status.control) == (18, 12, 5, 1)
    assert status.records == status.rows + status.quarantined + status.control
    assert (status.last_batch, status.published_at) == (2, NOON + timedelta(hours=1))
    assert status.files == {"published": 2, "failed": 1, "written": 1}


def test_only_the_latest_ingestion_of_a_file_counts(parts) -> None:
    put(parts, 1, "published", Counts(10, 7, 3, 0), number=1, published_at=NOON)
    file = parts.store.get(RawFile, "review", "f1")
    again = replace(BATCH, batch_id="again", file_ids=("f1",), parent="b1")
    parts.store.create(again)
    parts.store.update(file, replace(file, batch_id="again"))
    assert table_status("review", parts).rows == 7
    published = replace(again, state="published", counts=(Counts(10, 9, 1, 0),), number=2, published_at=NOON)
    parts.store.update(again, published)
    close(parts, 2)
    status = table_status("review", parts)
    assert (status.last_batch, status.records, status.rows, status.quarantined) == (2, 10, 9, 1)


def test_lag_is_the_age_of_the_oldest_unpublished_file(parts) -> None:
    put(parts, 1, "published", number=1, published_at=NOON)
    assert table_status("review", parts).lag_seconds == 0
    parts.store.create(FILE)
    assert table_status("review", parts).lag_seconds == 600


def test_files_of_a_batch_being_split_are_pending(parts) -> None:
    put(parts, 1, "splitting")
    put(parts, 2, "claimed")
    parts.store.create(FILE)
    assert table_status("review", parts).files == {"pending": 1, "claimed": 1, "registered": 1}


def test_a_truncate_or_a_changed_column_is_a_warning_and_a_new_table_is_not(parts) -> None:
    put(parts, 1, "published", number=1, published_at=NOON, events={"create-table": 1, "truncate-table": 1})
    put(parts, 2, "published", number=2, published_at=NOON, events={"add-column": 2})
    status = table_status("review", parts)
    assert status.events == {"create-table": 1, "truncate-table": 1, "add-column": 2}
    assert [warning.split(":")[0] for warning in status.warnings] == [
        "2 control record(s) add-column, the last on 2026-01-02",
        "1 control record(s) truncate-table, the last on 2026-01-02",
    ]


def test_a_truncate_is_a_warning_for_a_week_and_counted_forever(parts) -> None:
    put(parts, 1, "published", number=1, published_at=NOON, events={"truncate-table": 1})
    put(parts, 2, "published", number=2, published_at=NOON + timedelta(days=5))
    parts.clock.sleep(timedelta(days=7).total_seconds() - 1)
    assert len(table_status("review", parts).warnings) == 1
    parts.clock.sleep(1)
    status = table_status("review", parts)
    assert (status.warnings, status.events) == ((), {"truncate-table": 1})
    # Published, but not yet in the head.
    put(parts, 3, "published", events={"truncate-table": 1}, published_at=parts.clock.now())
    assert table_status("review", parts).warnings == (
        "2 control record(s) truncate-table, the last on 2026-01-09: the source table was emptied or changed",
    )


def test_a_complete_reload_is_news_and_no_emptied_source(parts) -> None:
    put(parts, 1, "published", number=1, published_at=NOON, events={"reload-begin": 1, "reload-complete": 1})
    (told,) = table_status("review", parts).warnings
    assert told.endswith("what the table had before and the reload lacks counts as deleted")


def test_failed_files_are_a_warning_and_do_not_count_as_lag(parts) -> None:
    put(parts, 1, "failed")
    status = table_status("review", parts)
    assert status.lag_seconds == 0
    assert status.warnings == ("1 raw file(s) failed: see `dm files list --state failed`",)


def test_a_waived_failed_file_is_no_warning(parts) -> None:
    put(parts, 1, "failed")
    put(parts, 2, "failed")
    file = parts.store.get(RawFile, "review", "f1")
    parts.store.update(file, replace(file, waived="b1"))
    status = table_status("review", parts)
    assert status.files == {"failed": 2}
    assert status.warnings == ("1 raw file(s) failed: see `dm files list --state failed`",)


DAY = Promise(freshness_hours=24, completeness_percent=99.0)


def test_a_table_that_keeps_its_promises_has_none_broken(parts) -> None:
    put(
        parts,
        1,
        "published",
        Counts(records=100, rows=100),
        number=1,
        published_at=NOON - timedelta(hours=24),
    )
    status = table_status("review", parts, DAY)
    assert (status.age_seconds, status.completeness_percent, status.broken) == (86400, 100.0, ())


def test_data_older_than_promised_breaks_the_freshness_promise(parts) -> None:
    put(parts, 1, "published", Counts(records=1, rows=1), number=1, published_at=NOON - timedelta(hours=30))
    assert table_status("review", parts, DAY).broken == (
        "freshness: 30.0 h without newer data, 24 h are promised",
    )
    assert table_status("review", parts).broken == ()


def test_a_raw_file_that_waits_longer_than_promised_breaks_the_freshness_promise(parts) -> None:
    put(parts, 1, "published", Counts(records=1, rows=1), number=1, published_at=NOON)
    parts.store.create(replace(FILE, landed_at=NOON - timedelta(hours=25)))
    assert [text.split(":")[0] for text in table_status("review", parts, DAY).broken] == ["freshness"]


def test_completeness_is_the_share_of_rows_among_rows_and_refused_records(parts) -> None:
    counts = Counts(records=103, rows=98, quarantined=2, control=3)
    put(parts, 1, "published", counts, number=1, published_at=NOON)
    status = table_status("review", parts, DAY)
    assert status.completeness_percent == 98.0
    assert status.broken == ("completeness: 98 % of the records are rows, 99 % are promised",)


class Reads:
    """Wraps a control store and records which items were read."""

    def __init__(self, store) -> None:
        self.store, self.read = store, []

    def get(self, kind, table, item_id):
        self.read.append(item_id)
        return self.store.get(kind, table, item_id)

    def get_many(self, kind, table, item_ids):
        self.read += item_ids
        return self.store.get_many(kind, table, item_ids)

    def query(self, kind, table, **options):
        page = self.store.query(kind, table, **options)
        self.read += [item.id for item in page.items]
        return page


def test_status_reads_no_finished_work(parts) -> None:
    for name in range(1, 40):
        put(parts, name, "published", Counts(10, 7, 2, 1), number=name, published_at=NOON)
    put(parts, "failed", "failed", Counts(3, 0, 3, 0))
    put(parts, "claimed", "claimed")
    parts.store.create(FILE)
    parts.store = Reads(parts.store)
    status = table_status("review", parts)
    assert status.files == {"published": 39, "failed": 1, "claimed": 1, "registered": 1}
    assert (status.records, status.rows, status.last_batch) == (393, 273, 39)
    assert set(parts.store.read) == {"review", "bfailed", "ffailed", "bclaimed", "fclaimed", "f"}


def test_batches_of_an_older_version_are_read_until_they_are_counted(parts) -> None:
    put(parts, 1, "published", Counts(10, 7, 2, 1), number=1, published_at=NOON, events={"x": 1})
    head = parts.store.get(Head, "review", "review")
    parts.store.put(replace(head, tally=None))
    uncounted = table_status("review", parts)
    assert [text.split(":")[0] for text in uncounted.warnings][-1].startswith("no totals")
    tally.recount("review", parts)
    counted = table_status("review", parts)
    assert replace(uncounted, warnings=()) == replace(counted, warnings=())
    assert len(counted.warnings) == len(uncounted.warnings) - 1


def test_a_tally_of_an_older_batch_number_is_ignored(parts) -> None:
    put(parts, 1, "published", Counts(10, 7, 2, 1), number=1, published_at=NOON)
    head = parts.store.get(Head, "review", "review")
    parts.store.put(replace(head, number=2))
    assert parts.store.get(Head, "review", "review").counted is None


def test_stale_index_entries_of_a_just_published_batch_are_ignored(parts) -> None:
    put(parts, 1, "published", Counts(10, 7, 2, 1), number=1, published_at=NOON)
    late = replace(BATCH, batch_id="b1", file_ids=("f1",), state="written")
    real = parts.store.query

    class Lagging(Reads):
        def query(self, kind, table, *, place=None, **options):
            if place == "open":
                return Page((late,) if kind is Batch else (replace(FILE, file_id="f1"),), None)
            return real(kind, table, place=place, **options)

    parts.store = Lagging(parts.store)
    status = table_status("review", parts)
    assert (status.files, status.records, status.lag_seconds) == ({"published": 1}, 10, 0)


def test_a_committed_batch_counts_as_published_before_its_intent_is_closed(parts) -> None:
    put(parts, 1, "published", Counts(10, 7, 2, 1), number=1, published_at=NOON)
    intent = Intent(2, "b2", 0, "2026-01-02", NOON, "d", ())
    head = parts.store.get(Head, "review", "review")
    parts.store.put(replace(head, intent=intent, coming=replace(head.tally, number=2)))
    batch = replace(BATCH, batch_id="b2", file_ids=("f2",), state="written", counts=(Counts(1, 1),))
    parts.store.create(batch)
    parts.store.create(replace(FILE, file_id="f2", batch_id="b2"))
    assert table_status("review", parts).files == {"published": 1, "written": 1}
    parts.store.update(batch, replace(batch, state="published", number=2, published_at=NOON))
    status = table_status("review", parts)
    assert (status.files, status.last_batch, status.records) == ({"published": 2}, 2, 11)


def test_several_tables_are_read_concurrently_and_listed_in_the_given_order(parts) -> None:
    class Meeting(MemoryStore):
        """A store that returns the head of a table only once that of another is requested, too."""

        def __init__(self) -> None:
            super().__init__()
            self.both = Barrier(2, timeout=30)

        def get(self, kind, table, item_id):
            self.both.wait()
            return super().get(kind, table, item_id)

    parts.store = Meeting()
    listed = every_status(["review", "beer"], parts, {"beer": Promise(freshness_hours=1)})
    assert [one.table for one in listed] == ["review", "beer"]
