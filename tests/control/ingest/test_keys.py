"""The token key: one per table, changed only by `rekey`; no batch with another key is published."""

from dataclasses import replace

import pytest

from bronze.tokens import key_name
from control import audit
from control.errors import ConflictError, UsageError
from control.ingest.claim import take
from control.ingest.keys import rekey
from control.ingest.listing import register_listed
from control.ingest.parse import parse
from control.ingest.plan import plan
from control.ingest.publish import publish
from control.ingest.replay import batches, replay
from control.model import Head

OLD, NEW = b"the key of before, long and random", b"the key from now on, long and random"


def use(world, key: bytes, engine: bytes | None = None) -> None:
    """Set the key of the process and of its engine, and let reviews have tokens."""
    world.tables["review"] = replace(world.tables["review"], needs_token_key=True)
    world.parts = replace(world.parts, settings=replace(world.parts.settings, token_key=key))
    world.engine.token_key = key_name(engine or key)


def change(world, key: bytes) -> Head:
    use(world, key)
    return rekey(world.tables["review"], "it has leaked", world.parts)


def ingest(world, name: str) -> None:
    world.land("review", name, name)
    world.run()


def write_next(world):
    """Parse the next batch of new files without publishing it."""
    register_listed(["review"], world.parts)
    (batch,) = plan("review", world.parts, world.rules)
    held = take(batch, "me", world.parts, world.rules)
    return parse(held, world.tables["review"], world.engine, world.parts, world.rules)


def test_a_missing_key_is_reported_before_anything_is_claimed(world) -> None:
    use(world, b"")
    assert world.run().batches == ()
    world.land("review", "a", "1")
    with pytest.raises(UsageError, match="DM_TOKEN_KEY is not set"):
        world.run()
    assert [b.attempts for b in world.batches("review")] == [0]


def test_a_short_key_is_refused_for_the_first_batch(world) -> None:
    use(world, b"short")
    world.land("review", "a", "1")
    with pytest.raises(UsageError, match="less than 32 characters"):
        world.run()
    assert [b.attempts for b in world.batches("review")] == [0]


def test_a_short_key_that_is_already_in_use_stays_valid(world) -> None:
    use(world, OLD)
    ingest(world, "a")
    before = world.head("review")
    world.store.put(replace(before, token_key=None))
    use(world, b"short")
    ingest(world, "b")
    assert (world.head("review").number, world.head("review").token_key) == (2, key_name(b"short"))


def test_a_table_without_tokens_ignores_the_key(world) -> None:
    use(world, OLD)
    world.land("beer", "a", "1")
    world.run()
    use(world, NEW)
    world.land("beer", "b", "2")
    world.run()
    assert [b.token_key for b in world.batches("beer")] == [None, None]
    world.check()


def test_a_different_key_is_refused_before_anything_is_claimed(world) -> None:
    use(world, OLD)
    ingest(world, "a")
    use(world, NEW)
    world.land("review", "b", "2")
    world.land("beer", "b", "2")
    outcome = world.run()
    assert [(b.table, b.state) for b in outcome.batches] == [("beer", "published")]
    (finding,) = outcome.findings
    assert (finding.code, finding.severity, finding.where) == ("table.blocked", "error", "review")
    assert "DM_TOKEN_KEY is not the key that made the tokens of review" in finding.message
    assert "dm ingest rekey --table review" in finding.message
    assert [(b.number, b.attempts) for b in world.batches("review")] == [(None, 0), (1, 1)]
    use(world, OLD)
    world.run()
    world.check()


def test_an_engine_with_a_different_key_publishes_nothing(world) -> None:
    use(world, OLD, engine=NEW)
    with pytest.raises(UsageError, match="has another DM_TOKEN_KEY"):
        ingest(world, "a")
    assert [(b.state, b.number, b.attempts) for b in world.batches("review")] == [("pending", None, 0)]
    use(world, OLD)
    world.run()
    world.check()


def test_an_engine_that_reports_no_key_publishes_nothing(world) -> None:
    use(world, OLD)
    world.engine.token_key = None
    with pytest.raises(UsageError, match="or names none"):
        ingest(world, "a")
    assert [(b.state, b.attempts) for b in world.batches("review")] == [("pending", 0)]


def test_a_rekey_is_recorded_in_the_head_and_the_audit_trail(world) -> None:
    use(world, OLD)
    ingest(world, "a")
    head = change(world, NEW)
    assert (head.token_key, head.rekeyed, head.number) == (key_name(NEW), 1, 1)
    (entry,) = audit.trail("review", world.parts, action="rekey")
    assert entry.reason == "it has leaked"
    ingest(world, "b")
    first, second = world.batches("review")
    assert (first.token_key, first.rekeyed) == (key_name(OLD), None)
    assert (second.token_key, second.rekeyed) == (key_name(NEW), 1)
    assert world.engine.orders[-1].rekeyed == 1
    world.check()


def test_a_rekey_to_the_current_key_is_a_no_op(world) -> None:
    use(world, OLD)
    ingest(world, "a")
    assert change(world, OLD) == world.head("review")
    assert world.head("review").rekeyed is None
    change(world, NEW)
    assert change(world, NEW).rekeyed == 1
    assert len(list(audit.trail("review", world.parts))) == 1


def test_a_replay_uses_the_new_key(world) -> None:
    use(world, OLD)
    ingest(world, "a")
    change(world, NEW)
    for one in batches("review", "1", "1", world.parts):
        replay(one, "another key", world.parts)
    world.run()
    again = world.batches("review")[-1]
    assert (again.number, again.token_key, world.engine.orders[-1].rekeyed) == (2, key_name(NEW), 1)


def test_a_batch_written_before_the_rekey_is_parsed_again(world) -> None:
    use(world, OLD)
    ingest(world, "a")
    world.land("review", "b", "2")
    written = write_next(world)
    change(world, NEW)
    world.run()
    second = world.batches("review")[-1]
    assert (second.batch_id, second.number, second.token_key) == (written.batch_id, 2, key_name(NEW))
    assert ("batch.rekeyed", {"table": "review", "batch": written.batch_id}) in world.said
    assert world.visible("review") == {1: ["a"], 2: ["2"]}
    world.check()


def test_returning_to_an_old_key_does_not_revive_its_unpublished_batches(world) -> None:
    use(world, OLD)
    ingest(world, "a")
    world.land("review", "b", "2")
    written = write_next(world)
    change(world, NEW)
    assert change(world, OLD).rekeyed == 2
    world.run()
    second = world.batches("review")[-1]
    assert (second.batch_id, second.rekeyed, second.epoch) == (written.batch_id, 2, written.epoch + 2)


def test_a_rekey_between_reading_the_head_and_writing_the_intent_is_noticed(world) -> None:
    use(world, OLD)
    ingest(world, "a")
    world.land("review", "b", "2")
    written = write_next(world)
    table, publisher = world.tables["review"], world.parts

    class Store:
        """Changes the key after the publisher has read the head and before it writes the intent."""

        def __getattr__(self, name):
            return getattr(world.store, name)

        def update(self, old, new):
            if isinstance(new, Head) and new.intent is not None and old.rekeyed is None:
                change(world, NEW)
            return world.store.update(old, new)

    pending = publish(written, table, replace(publisher, store=Store()))
    assert (pending.state, pending.number, world.head("review").number) == ("pending", None, 1)


def test_a_publication_just_before_the_rekey_stands(world) -> None:
    use(world, OLD)
    ingest(world, "a")
    world.land("review", "b", "2")
    written, table = write_next(world), world.tables["review"]

    class Store:
        """Publishes a batch after the rekey has read the head and before it writes."""

        def __getattr__(self, name):
            return getattr(world.store, name)

        def update(self, old, new):
            if isinstance(new, Head) and new.rekeyed and old.number == 1:
                publish(written, table, world.parts)
                raise ConflictError("too late")
            return world.store.update(old, new)

    use(world, NEW)
    head = rekey(table, "it has leaked", replace(world.parts, store=Store()))
    assert (head.number, head.rekeyed, head.token_key) == (2, 1, key_name(NEW))
    assert [b.token_key for b in world.batches("review")] == [key_name(OLD)] * 2


def test_a_rekey_needs_a_table_with_tokens_a_long_key_and_a_reason(world) -> None:
    with pytest.raises(UsageError, match="review has no tokens"):
        rekey(world.tables["review"], "why not", world.parts)
    with pytest.raises(UsageError, match="less than 32"):
        change(world, b"short")
    use(world, NEW)
    with pytest.raises(UsageError, match="needs a reason"):
        rekey(world.tables["review"], " ", world.parts)
    assert world.head("review").token_key is None
