from dataclasses import replace
from datetime import UTC, datetime

import pytest

from control import tally
from control.errors import ConflictError, StaleEpochError, UpstreamError
from control.ingest.catalog import columns_of
from control.ingest.claim import take
from control.ingest.listing import register_listed
from control.ingest.parse import parse
from control.ingest.plan import plan
from control.ingest.publish import publish, settle
from control.model import Batch, Counts, Head, Partition, Tally
from control.orders import attempt_of
from control.partitions import manifest_of
from control.serialization import to_json

ONE = Tally(1, 1, Counts(2, 2), {}, datetime(2026, 1, 2, 23, 59, tzinfo=UTC))


@pytest.fixture
def written(world) -> Batch:
    world.land("review", "a", "1", "2")
    return write_next(world)


def write_next(world) -> Batch:
    register_listed(["review"], world.parts)
    (batch,) = plan("review", world.parts, world.rules)
    held = take(batch, "me", world.parts, world.rules)
    for table in world.tables.values():
        world.catalog.ensure_table(table.rows)
        world.catalog.ensure_table(table.events)
    return parse(held, world.tables["review"], world.engine, world.parts, world.rules)


def head_at(world, number: int, tally: Tally | None = None) -> Head:
    """Return the head without an intent at `number`, after publishing has begun."""
    return Head("review", number, tally=tally, columns=columns_of(world.tables["review"]))


def intend(world, written: Batch) -> Head:
    """Leave an open intent for the first batch."""
    head = intend_next(world, written)
    assert world.visible("review") == {}
    return head


def intend_next(world, written: Batch) -> Head:
    """Leave an open intent, as a publisher that dies right after writing it does."""
    stop = ConflictError("stop here")
    settle("review", world.parts)

    class Store:
        def __getattr__(self, name):
            return getattr(world.store, name)

        def get(self, kind, table, item_id):
            if kind is Head and world.head("review").intent is not None:
                raise stop
            return world.store.get(kind, table, item_id)

    with pytest.raises(ConflictError, match="stop here"):
        publish(written, world.tables["review"], replace(world.parts, store=Store()))
    head = world.head("review")
    assert head.intent is not None
    return head


def test_publishing_again_gives_the_same_number(world, written) -> None:
    first = publish(written, world.tables["review"], world.parts)
    assert publish(written, world.tables["review"], world.parts) == first
    assert publish(first, world.tables["review"], world.parts) == first
    assert (first.number, world.head("review")) == (1, head_at(world, 1, ONE))


def test_any_process_rolls_an_intent_forward_exactly_as_recorded(world, written) -> None:
    intent = intend(world, written).intent
    world.clock.sleep(3600)  # past midnight: a recomputed partition would have another date
    assert settle("review", world.parts) == head_at(world, 1, ONE)
    assert tuple(world.catalog.partitions.values()) == intent.partitions
    batch = world.store.get(Batch, "review", written.batch_id)
    assert (batch.state, batch.number, batch.ingest_date) == ("published", 1, "2026-01-02")
    assert batch.published_at == intent.decided_at


@pytest.mark.parametrize(
    "moved",
    [{"state": "claimed", "epoch": 2}, {"state": "written", "epoch": 2}, {"state": "failed"}],
    ids=["claimed again", "written again", "failed"],
)
def test_an_intent_whose_batch_has_moved_on_is_withdrawn_unseen(world, written, moved) -> None:
    intend(world, written)
    world.store.update(written, replace(written, **moved))
    assert settle("review", world.parts) == head_at(world, 0)
    assert world.visible("review") == {}
    assert world.store.get(Batch, "review", written.batch_id) == replace(written, **moved)


def test_an_intent_for_a_batch_with_another_number_is_withdrawn(world, written) -> None:
    published = publish(written, world.tables["review"], world.parts)
    head = world.head("review")
    again = Partition("bronze", "review", ("2026-01-02", "2"), "s3://lake/bronze/review/twice/", {})
    late = replace(intent_of(world, written), number=2, partitions=(again,))
    world.store.update(head, replace(head, intent=late))
    assert settle("review", world.parts) == head_at(world, 1, ONE)
    assert list(world.visible("review")) == [1]
    assert world.store.get(Batch, "review", written.batch_id) == published


def intent_of(world, batch: Batch):
    from control.ingest.publish import _intent

    manifest = manifest_of(batch, world.parts)
    return _intent(batch, Head("review"), world.tables["review"], manifest, world.parts)


def test_an_open_intent_is_settled_before_a_new_one_starts(world, written) -> None:
    intend(world, written)
    world.land("review", "b", "3")
    second = publish(write_next(world), world.tables["review"], world.parts)
    assert second.number == 2
    assert world.visible("review") == {1: ["1", "2"], 2: ["3"]}


def test_a_recount_beside_an_open_intent_is_right_once_the_intent_is_settled(world, written) -> None:
    publish(written, world.tables["review"], world.parts)
    world.land("review", "b", "3")
    head = intend_next(world, write_next(world))
    world.store.put(replace(head, tally=None, coming=None))  # as an older version leaves it
    assert tally.recount("review", world.parts) == ONE
    settled = settle("review", world.parts)
    assert settled.counted is not None
    assert (settled.counted.files, settled.counted.counts) == (2, Counts(3, 3))


def test_an_intent_of_an_older_version_is_recounted_not_miscounted(world, written) -> None:
    head = intend(world, written)
    world.store.put(replace(head, coming=None))
    assert settle("review", world.parts).counted is None
    assert tally.recount("review", world.parts) == ONE
    assert world.head("review").counted == ONE


def test_a_batch_that_was_taken_over_is_not_published(world, written) -> None:
    world.store.update(written, replace(written, state="claimed", epoch=2, owner="other"))
    with pytest.raises(StaleEpochError):
        publish(written, world.tables["review"], world.parts)
    assert world.head("review") == Head("review", 0)


def test_an_existing_partition_with_another_location_stops_publication(world, written) -> None:
    foreign = Partition("bronze", "review", ("2026-01-02", "1"), "s3://lake/elsewhere/", {})
    world.catalog.add_partition(foreign)
    with pytest.raises(ConflictError, match="elsewhere"):
        publish(written, world.tables["review"], world.parts)
    assert world.head("review").number == 0


def test_a_manifest_with_another_digest_stops_publication(world, written) -> None:
    uri = attempt_of(written, "lake").document("manifest.json")
    world.objects.put(uri, world.objects.get(uri) + b" ")
    with pytest.raises(UpstreamError, match="sealed"):
        publish(written, world.tables["review"], world.parts)
    assert world.visible("review") == {}


def test_events_become_visible_before_the_rows(world) -> None:
    world.land("review", "a", "1", "ctl:truncate-table")
    added = []

    class Catalog:
        def __getattr__(self, name):
            return getattr(world.catalog, name)

        def add_partition(self, partition):
            added.append(partition.table)
            world.catalog.add_partition(partition)

    written = write_next(world)
    publish(written, world.tables["review"], replace(world.parts, catalog=Catalog()))
    assert added == ["review_events", "review"]


def test_a_stale_publisher_does_not_publish_the_batch_of_a_later_epoch(world, written) -> None:
    world.store.update(written, replace(written, state="written", epoch=2, manifest_digest="another"))
    with pytest.raises(StaleEpochError):
        publish(written, world.tables["review"], world.parts)
    assert world.head("review") == Head("review", 0)


def test_strange_control_records_keep_the_items_of_a_table_small(world) -> None:
    """A DynamoDB item is limited to 400 KB; beyond that, nothing of the table could be published any more."""
    for name in "ab":
        strange = [f"ctl:create-table {name}{number} {'x' * 80}" for number in range(3_000)]
        short = [f"ctl:{name}{number}" for number in range(300)]
        world.land("review", name, *strange, *short, "ctl:", "ctl:truncate-table")
        world.run()
    head, batches = world.head("review"), world.batches("review")
    assert (head.number, head.tally.events["truncate-table"]) == (2, 2)
    assert sum(head.tally.events.values()) == head.tally.counts.control == 2 * 3_302
    assert max(len(to_json(item)) for item in (head, *batches)) < 20_000
    assert head.tally.events.keys() == head.tally.events_at.keys()
    assert tally.total(head, {batch.batch_id: batch for batch in batches}) == head.tally
    world.check()
