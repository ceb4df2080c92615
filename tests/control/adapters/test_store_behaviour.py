"""One suite for every control store: the fake and DynamoDB must not differ."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from control.adapters.dynamodb import DynamoStore
from control.adapters.memory import MemoryStore
from control.errors import ConflictError, UpstreamError
from control.model import Batch, Counts, Head, Intent, Item, Partition, RawFile, Reload, Stray, Tally
from control.ports import ITEMS_A_SHELF, ControlStore, Shelf

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, UTC)
FILE = RawFile(
    file_id="f1",
    table="review",
    bucket="lake",
    key="raw/review/höp \u2028.csv.gz",
    version_id="null",
    etag="e",
    size_bytes=10,
    epoch=1,
    extract=2,
    format="csv",
    landed_at=NOON,
    registered_at=NOON,
)
BATCH = Batch(
    batch_id="b1", table="review", file_ids=("f1", "f2"), size_bytes=20, engine="light", created_at=NOON
)
CLAIMED = replace(
    BATCH, state="claimed", epoch=1, attempts=1, owner="w1", lease_expires_at=NOON + timedelta(minutes=2)
)
INTENT = Intent(
    number=1,
    batch_id="b1",
    epoch=1,
    ingest_date="2026-01-02",
    decided_at=NOON,
    manifest_digest="d",
    partitions=(Partition("bronze", "review", ("2026-01-02", "1"), "s3://lake/x/", {"rows": "2"}),),
)
TALLY = Tally(1, 2, Counts(3, 2, 1, 0), {"truncate-table": 1}, NOON, {"truncate-table": NOON})


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> ControlStore:
    if request.param == "memory":
        return MemoryStore()
    real = DynamoStore(request.getfixturevalue("cloud"))
    real.ensure()
    real.ensure()
    return real


@pytest.mark.parametrize(
    "item",
    [
        FILE,
        CLAIMED,
        Head("review", 0, INTENT, coming=TALLY),
        Reload("review", "raw/review/reload=1/", "f1", "0/A"),
        Stray("raw.key", "raw/review/", 2, NOON, 3, ("raw/review/höp.txt",), told=True),
    ],
    ids=["file", "batch", "head", "reload", "stray"],
)
def test_an_item_reads_back_as_it_was_written(store: ControlStore, item: Item) -> None:
    assert store.create(item)
    assert store.get(type(item), item.table, item.id) == item


def test_an_absent_item_is_none(store: ControlStore) -> None:
    assert store.get(Batch, "review", "b1") is None


def test_an_empty_id_is_refused(store: ControlStore) -> None:
    with pytest.raises(UpstreamError):
        store.get(Batch, "review", "")


def test_creating_twice_keeps_the_first(store: ControlStore) -> None:
    assert store.create(FILE)
    assert not store.create(replace(FILE, size_bytes=99))
    assert store.get(RawFile, "review", "f1") == FILE


def test_ids_are_separate_per_kind_and_table(store: ControlStore) -> None:
    store.create(FILE)
    store.create(replace(FILE, table="beer"))
    store.create(replace(BATCH, batch_id="f1"))
    assert store.get(RawFile, "review", "f1") == FILE
    assert store.query(RawFile, "beer").items == (replace(FILE, table="beer"),)


def test_an_update_under_the_right_fence_returns_the_new_item(store: ControlStore) -> None:
    store.create(BATCH)
    assert store.update(BATCH, CLAIMED) == CLAIMED
    assert store.get(Batch, "review", "b1") == CLAIMED


@pytest.mark.parametrize(
    "stale",
    [
        replace(CLAIMED, epoch=0),
        replace(CLAIMED, epoch=2),
        replace(CLAIMED, state="written"),
        replace(CLAIMED, state="pending"),
    ],
    ids=["older epoch", "newer epoch", "later state", "earlier state"],
)
def test_an_update_under_another_fence_changes_nothing(store: ControlStore, stale: Batch) -> None:
    store.create(CLAIMED)
    with pytest.raises(ConflictError):
        store.update(stale, replace(stale, state="failed", error="late"))
    assert store.get(Batch, "review", "b1") == CLAIMED


def test_an_update_of_an_absent_item_conflicts(store: ControlStore) -> None:
    with pytest.raises(ConflictError):
        store.update(BATCH, CLAIMED)
    assert store.get(Batch, "review", "b1") is None


def test_repeating_an_update_succeeds(store: ControlStore) -> None:
    store.create(BATCH)
    store.update(BATCH, CLAIMED)
    assert store.update(BATCH, CLAIMED) == CLAIMED


def test_two_claims_of_one_epoch_differ_by_owner(store: ControlStore) -> None:
    store.create(BATCH)
    store.update(BATCH, CLAIMED)
    with pytest.raises(ConflictError):
        store.update(BATCH, replace(CLAIMED, owner="w2"))


def test_a_fenced_off_worker_does_not_mistake_an_equal_lease_for_its_own(store: ControlStore) -> None:
    store.create(BATCH)
    held = store.update(BATCH, CLAIMED)
    lease = NOON + timedelta(minutes=9)
    store.update(held, replace(held, epoch=2, owner="w2", lease_expires_at=lease))
    with pytest.raises(ConflictError):
        store.update(held, replace(held, lease_expires_at=lease))


def test_an_update_writes_only_the_fields_that_it_changes(store: ControlStore) -> None:
    store.create(CLAIMED)
    renewed = replace(CLAIMED, lease_expires_at=NOON + timedelta(minutes=5))
    store.update(CLAIMED, renewed)
    written = store.update(CLAIMED, replace(CLAIMED, state="written", counts=(Counts(3, 2, 1, 0), Counts())))
    assert written == replace(renewed, state="written", counts=(Counts(3, 2, 1, 0), Counts()))


def test_a_field_can_be_set_to_none_and_back(store: ControlStore) -> None:
    store.create(CLAIMED)
    free = store.update(CLAIMED, replace(CLAIMED, state="pending", lease_expires_at=None))
    assert store.get(Batch, "review", "b1") == free
    assert free.lease_expires_at is None


def test_the_head_is_fenced_by_its_whole_intent(store: ControlStore) -> None:
    empty, publishing = Head("review"), Head("review", 0, INTENT)
    store.create(empty)
    store.update(empty, publishing)
    with pytest.raises(ConflictError):
        store.update(empty, Head("review", 0, replace(INTENT, batch_id="b2")))
    other = Head("review", 0, replace(INTENT, partitions=()))
    with pytest.raises(ConflictError):
        store.update(other, Head("review", 1))
    assert store.update(publishing, Head("review", 1)) == Head("review", 1)


def test_a_file_is_assigned_once(store: ControlStore) -> None:
    store.create(FILE)
    mine = store.update(FILE, replace(FILE, batch_id="b1"))
    with pytest.raises(ConflictError):
        store.update(FILE, replace(FILE, batch_id="b2"))
    moved = store.update(mine, replace(mine, batch_id="b3"))
    assert moved.batch_id == "b3"


def test_pages_return_every_item_once_in_order_of_id(store: ControlStore) -> None:
    files = [replace(FILE, file_id=f"f{n:02}") for n in range(7)]
    for file in reversed(files):
        store.create(file)
    seen: list[RawFile] = []
    after = None
    while True:
        page = store.query(RawFile, "review", after=after, limit=3)
        assert len(page.items) <= 3
        seen += page.items
        if page.after is None:
            break
        after = page.after
    assert seen == files


def test_a_page_may_begin_after_an_absent_id(store: ControlStore) -> None:
    for name in ("a1", "a3", "b1"):
        store.create(replace(FILE, file_id=name))
    assert [file.file_id for file in store.query(RawFile, "review", after="a2").items] == ["a3", "b1"]
    assert [file.file_id for file in store.query(RawFile, "review", after="a", limit=1).items] == ["a1"]


def test_the_etags_of_all_files_of_a_table_are_read_page_by_page(store: ControlStore) -> None:
    for number in range(3):
        store.create(replace(FILE, file_id=f"f{number}", etag=f"e{number}"))
    store.create(replace(FILE, file_id="f3", table="beer"))
    store.create(BATCH)
    assert store.etags("review") == ({"f0": "e0", "f1": "e1", "f2": "e2"}, None)
    assert store.etags("review", after="f0") == ({"f1": "e1", "f2": "e2"}, None)
    assert store.etags("brewery") == ({}, None)


def test_etags_are_read_by_table_and_id(store: ControlStore) -> None:
    for number in range(230):
        store.create(replace(FILE, file_id=f"f{number}", etag=f"e{number}"))
    store.create(replace(FILE, table="beer", file_id="g", etag="h"))
    wanted = {"review": [f"f{number}" for number in range(20, 300)], "beer": ["g", "f1"], "brewery": ["f1"]}
    assert store.etags_of(wanted) == {"g": "h", **{f"f{number}": f"e{number}" for number in range(20, 230)}}
    assert store.etags_of({}) == {}


def test_at_hand_lists_the_indexed_items_of_the_requested_shelves(store: ControlStore) -> None:
    store.create(Head("review", 0, INTENT))
    store.create(BATCH)
    for name in ("b3", "b2"):
        store.create(replace(BATCH, batch_id=name, state="failed", told=True))
    store.create(replace(BATCH, batch_id="b4", table="beer", state="published", epoch=2))
    store.create(replace(BATCH, batch_id="b5", state="published"))
    store.create(FILE)
    store.create(replace(FILE, file_id="f2", batch_id="b1"))
    store.create(replace(FILE, file_id="f3", batch_id="b1", overwritten="e2"))
    store.create(Stray("raw.key", "raw/review/", 2, NOON, 3, ()))
    shelves: list[Shelf] = [
        (kind, table, place)
        for table in ("beer", "review")
        for kind in (Batch, RawFile)
        for place in ("open", "failed", "overwritten")
    ]
    assert store.at_hand(shelves) == {
        (Batch, "review", "open"): ("b1",),
        (Batch, "review", "failed"): ("b2", "b3"),
        (RawFile, "review", "open"): ("f1",),
        (RawFile, "review", "overwritten"): ("f3",),
    }
    store.update(BATCH, replace(BATCH, state="published"))
    assert (Batch, "review", "open") not in (store.at_hand(shelves) or {})


def test_at_hand_returns_none_if_the_index_has_too_many_items(store: ControlStore) -> None:
    """It returns nothing even for shelves with few items: it would have to read items of other shelves."""
    shelves: list[Shelf] = [(RawFile, table, "open") for table in ("beer", "brewery", "review")]
    for number in range(3 * ITEMS_A_SHELF):
        store.create(replace(BATCH, batch_id=f"b{number}", state="failed", told=True))
    assert store.at_hand(shelves) == {}
    store.create(FILE)
    assert store.at_hand(shelves) is None


def test_old_batches_with_refused_records_do_not_slow_at_hand(store: ControlStore) -> None:
    shelves: list[Shelf] = [(RawFile, table, "open") for table in ("beer", "brewery", "review")]
    refused = replace(BATCH, state="published", counts=(Counts(3, 2, 1, 0),))
    for number in range(3 * ITEMS_A_SHELF + 1):
        store.create(replace(refused, batch_id=f"b{number}"))
    store.create(FILE)
    assert store.at_hand(shelves) == {(RawFile, "review", "open"): ("f1",)}


def test_a_published_batch_with_refused_records_moves_to_the_quarantine_index(store: ControlStore) -> None:
    store.create(BATCH)
    written = store.update(BATCH, replace(BATCH, state="written", counts=(Counts(3, 2, 1, 0),)))
    published = store.update(written, replace(written, state="published"))
    assert store.query(Batch, "review", place="open").items == ()
    assert store.query(Batch, "review", place="quarantined").items == (published,)
    store.update(published, replace(published, state="pending", counts=()))
    assert store.query(Batch, "review", place="quarantined").items == ()


def test_an_open_query_returns_only_unfinished_items(store: ControlStore) -> None:
    store.create(BATCH)
    for number, state in enumerate(["claimed", "written", "splitting", "published", "failed", "split"]):
        store.create(replace(BATCH, batch_id=f"c{number}", state=state, told=state == "failed"))
    store.create(replace(BATCH, batch_id="untold", state="failed"))
    store.update(BATCH, CLAIMED)
    assert [b.state for b in store.query(Batch, "review", place="open").items] == [
        "claimed",
        "claimed",
        "written",
        "splitting",
        "failed",
    ]
    store.update(CLAIMED, replace(CLAIMED, state="failed", told=True))
    pages = [store.query(Batch, "review", place="open", limit=2)]
    while pages[-1].after is not None:
        pages.append(store.query(Batch, "review", place="open", limit=2, after=pages[-1].after))
    assert [b.batch_id for page in pages for b in page.items] == ["c0", "c1", "c2", "untold"]


def test_a_failed_batch_is_indexed_until_it_is_pending_again(store: ControlStore) -> None:
    failed = replace(BATCH, state="failed", told=True)
    store.create(failed)
    store.create(replace(failed, batch_id="b0"))
    store.create(replace(failed, batch_id="b2", table="beer"))
    store.create(replace(failed, batch_id="b3", state="published"))
    pages = [store.query(Batch, "review", place="failed", limit=1)]
    while pages[-1].after is not None:
        pages.append(store.query(Batch, "review", place="failed", limit=1, after=pages[-1].after))
    assert [b.batch_id for page in pages for b in page.items] == ["b0", "b1"]
    store.update(failed, replace(failed, state="pending", epoch=1, told=False))
    assert [b.batch_id for b in store.query(Batch, "review", place="failed").items] == ["b0"]
    assert [b.batch_id for b in store.query(Batch, "review", place="open").items] == ["b1"]


def test_a_finished_batch_with_leftovers_is_indexed_until_it_is_swept(store: ControlStore) -> None:
    published = replace(BATCH, state="published", epoch=2)
    store.create(published)
    store.create(replace(BATCH, batch_id="b2", state="published", epoch=1))
    store.create(replace(BATCH, batch_id="b3", state="split", epoch=1))
    assert [b.batch_id for b in store.query(Batch, "review", place="untidy").items] == ["b1", "b3"]
    store.update(published, replace(published, swept=1))
    assert [b.batch_id for b in store.query(Batch, "review", place="untidy").items] == ["b3"]
    assert store.query(Batch, "review", place="open").items == ()


def test_a_batch_with_refused_records_stays_indexed(store: ControlStore) -> None:
    published = replace(BATCH, state="published", swept=9, counts=(Counts(3, 2, 1, 0),))
    store.create(published)
    store.create(replace(published, batch_id="b2", counts=(Counts(3, 3, 0, 0),)))
    store.create(replace(published, batch_id="b3", epoch=2, swept=0))
    assert [b.batch_id for b in store.query(Batch, "review", place="quarantined").items] == ["b1"]
    assert [b.batch_id for b in store.query(Batch, "review", place="untidy").items] == ["b3"]


def test_a_planned_file_is_indexed_while_it_is_overwritten(store: ControlStore) -> None:
    store.create(FILE)
    noted = store.update(FILE, replace(FILE, overwritten="e2"))
    assert store.query(RawFile, "review", place="overwritten").items == ()
    planned = store.update(noted, replace(noted, batch_id="b1"))
    assert store.query(RawFile, "review", place="overwritten").items == (planned,)
    store.update(planned, replace(planned, overwritten=""))
    assert store.query(RawFile, "review", place="overwritten").items == ()


def test_an_update_does_not_undo_another_processs_new_etag(store: ControlStore) -> None:
    store.create(FILE)
    store.update(FILE, replace(FILE, etag="e2"))
    with pytest.raises(ConflictError):
        store.update(FILE, replace(FILE, etag="e3"))


def test_many_items_are_read_by_id_with_their_current_content(store: ControlStore) -> None:
    for number in range(230):
        store.create(replace(BATCH, batch_id=f"{number:03}", error="x" * 2_000))
    store.create(FILE)
    wanted = [f"{number:03}" for number in range(229, 19, -1)]
    found = store.get_many(Batch, "review", [*wanted, "f1", "999", "020"])
    assert sorted(found) == sorted(wanted)
    assert {name: batch.batch_id for name, batch in found.items()} == {name: name for name in wanted}
    assert store.get_many(Batch, "review", []) == {}


def test_an_assigned_file_is_no_longer_open(store: ControlStore) -> None:
    store.create(FILE)
    assert store.query(RawFile, "review", place="open").items == (FILE,)
    store.update(FILE, replace(FILE, batch_id="b1"))
    assert store.query(RawFile, "review", place="open").items == ()


def test_one_query_reads_the_heads_of_all_tables(store: ControlStore) -> None:
    for table in ("review", "beer"):
        store.create(Head(table))
    assert [head.table for head in store.query(Head, "").items] == ["beer", "review"]
