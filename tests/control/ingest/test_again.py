"""Redrive, replay, waive: what people do about what is done, each with a trail."""

from dataclasses import replace

import pytest

from control import audit
from control.errors import UsageError
from control.ingest import claim, files, quarantine
from control.ingest.listing import register_listed
from control.ingest.plan import plan
from control.ingest.redrive import redrive
from control.ingest.replay import batches, replay
from control.model import Batch
from control.orders import attempt_of
from control.status import table_status


def failed(world) -> Batch:
    world.land("review", "killer", "!crash", "1")
    world.run()
    (batch,) = world.batches("review")
    assert batch.state == "failed"
    return batch


def heal(world, *lines: str) -> None:
    """The same object parses now."""
    real = world.engine._file
    world.engine._file = lambda file, order, beat: real(file, order, beat)
    versions = world.objects._objects.values["s3://lake/raw/review/killer.json.gz"]
    versions[0] = replace(versions[0], body="\n".join(lines).encode())
    world.landed["raw/review/killer.json.gz"] = list(lines)


def test_what_failed_gets_another_round_of_attempts(world) -> None:
    batch = failed(world)
    heal(world, "1")
    pending = redrive(batch, "the engine is mended", world.parts)
    assert (pending.state, pending.attempts, pending.epoch) == ("pending", 0, batch.epoch + 1)
    world.run()
    assert world.visible("review") == {1: ["1"]}
    world.check()


def test_what_fails_again_after_a_redrive_has_had_all_its_attempts(world) -> None:
    failed(world)
    tried = len(world.engine.orders)
    redrive(world.batches("review")[0], "once more", world.parts)
    world.run()
    (batch,) = world.batches("review")
    assert (batch.state, batch.attempts) == ("failed", world.rules.max_attempts)
    assert len(world.engine.orders) - tried == world.rules.max_attempts


def test_what_was_waived_is_redriven_only_by_name_and_is_open_then(world) -> None:
    failed(world)
    world.land("review", "other", "!crash", "1")
    world.run()
    file = world.files("review")["killer"]
    quarantine.waive(file, "test rows", world.parts)
    named = files.must_belong(file, world.parts)
    assert [b for b in world.batches("review") if b != named] == files.failed_batches("review", world.parts)
    redrive(named, "on purpose", world.parts)
    world.run()
    assert len(files.failed_batches("review", world.parts)) == 2
    assert table_status("review", world.parts).warnings == (
        "2 raw file(s) failed: see `dm files list --state failed`",
    )


def test_who_waives_what_was_just_redriven_is_told_to_run_it_first(world) -> None:
    redrive(failed(world), "once more", world.parts)
    with pytest.raises(UsageError, match="nothing of raw file") as refused:
        quarantine.waive(world.files("review")["killer"], "after all not", world.parts)
    assert "dm ingest run first" in refused.value.hint


def test_only_what_failed_can_be_redriven_and_only_once(world) -> None:
    batch = failed(world)
    # Two people at the same moment: one redrive.
    assert redrive(batch, "why", world.parts) == redrive(batch, "why", world.parts)
    with pytest.raises(UsageError, match="pending"):
        redrive(world.batches("review")[0], "why", world.parts)


def test_nobody_with_an_older_view_ends_a_redriven_batch_once_more(world) -> None:
    world.land("review", "a", "1")
    register_listed(["review"], world.parts)
    (seen,) = plan("review", world.parts, world.rules)
    used_up = world.store.update(seen, replace(seen, attempts=world.rules.max_attempts))
    gave_up = claim.take(used_up, "me", world.parts, world.rules)
    redriven = redrive(gave_up, "why", world.parts)
    assert claim.take(used_up, "a zombie", world.parts, world.rules) is None
    assert world.batches("review") == [redriven]


def test_who_redrives_by_an_older_view_does_not_take_the_next_failure_for_told(world) -> None:
    batch = failed(world)
    assert batch.told
    before_people_were_told = replace(batch, told=False)
    assert not redrive(before_people_were_told, "why", world.parts).told
    world.run()
    messages = [o.uri for o in world.objects.list("s3://lake/alerts/outbox/")]
    assert (world.batches("review")[0].told, len(messages)) == (True, 2)


def published(world) -> None:
    world.land("review", "a", "1", "bad 2")
    world.land("review", "b", "3")
    world.run()
    world.land("review", "c", "4")
    world.run()


def test_a_replay_publishes_the_same_files_again_under_new_numbers(world) -> None:
    published(world)
    first, second = batches("review", "1", "2", world.parts)
    assert [len(first.files), len(second.files)] == [2, 1]
    replay(first, "the parser reads more now", world.parts)
    world.run()
    assert world.visible("review") == {1: ["1", "3"], 2: ["4"], 3: ["1", "3"]}
    again = world.batches("review")[2]
    assert (again.parent, again.file_ids) == (first.published.batch_id, first.published.file_ids)
    assert {file.batch_id for file in world.files("review").values()} == {again.batch_id, second.published.id}


def test_what_was_replayed_since_is_left_to_its_later_batch(world) -> None:
    published(world)
    for one in batches("review", "1", "1", world.parts):
        replay(one, "why", world.parts)
    assert batches("review", "1", "1", world.parts) == ()
    world.run()
    assert [one.published.number for one in batches("review", "1", "9", world.parts)] == [2, 3]


def test_a_replay_that_was_interrupted_is_completed_by_another_one(world) -> None:
    published(world)
    (one,) = batches("review", "1", "1", world.parts)
    replay(replace(one, files=one.files[:1]), "then the power went", world.parts)
    (rest,) = batches("review", "1", "1", world.parts)
    assert rest.files == one.files[1:]
    replay(rest, "again", world.parts)
    world.run()
    assert sorted(row for n, rows in world.visible("review").items() if n > 2 for row in rows) == ["1", "3"]


def test_a_replay_goes_by_date_too(world) -> None:
    published(world)
    assert [one.published.number for one in batches("review", "2026-01-02", "2026-01-02", world.parts)] == [
        1,
        2,
    ]
    assert batches("review", "2026-01-03", "2026-02-01", world.parts) == ()


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2", "1"),
        ("1", "2026-01-02"),
        ("a", "b"),
        ("-1", "2"),
        ("2026-02-03", "2026-02-30"),
        ("2026-1a-01", "2026-1b-01"),
    ],
)
def test_what_is_no_range_is_refused(world, first, last) -> None:
    with pytest.raises(UsageError, match="range"):
        batches("review", first, last, world.parts)


@pytest.mark.parametrize("reason", ["", "  ", "bytes of a terminal: \udcff", "half of a smile: \ud83d"])
def test_nothing_is_done_without_a_reason(world, reason) -> None:
    published(world)
    before = world.batches("review")
    with pytest.raises(UsageError, match="reason"):
        replay(batches("review", "1", "1", world.parts)[0], reason, world.parts)
    with pytest.raises(UsageError, match="reason"):
        quarantine.waive(world.files("review")["a"], reason, world.parts)
    assert world.batches("review") == before


def refused_lines(world, **options) -> list[tuple[str, bool]]:
    entries = quarantine.refused(world.parts, "review", **options)
    return [(entry.reason, entry.waived) for entry in entries]


@pytest.fixture
def told(world):
    """A world whose engine writes quarantine entries as the parser does."""
    published(world)
    batch = world.batches("review")[0]
    (stored,) = world.objects.list(f"{attempt_of(batch, 'lake').quarantine}/")
    world.objects.put(stored.uri, b'{"line":2,"reason":"bad","raw":"x","contract_version":"1.0.0"}\n')
    return world


def test_what_is_waived_stays_to_be_looked_at_and_says_so(told) -> None:
    file = told.files("review")["a"]
    assert [f.file_id for f, _ in quarantine.open_files("review", told.parts)] == [file.file_id]
    quarantine.waive(file, "test rows", told.parts)
    assert refused_lines(told) == [("bad", True)]
    assert list(quarantine.open_files("review", told.parts)) == []


def test_a_waiver_holds_only_until_the_file_is_ingested_again(told) -> None:
    file = told.files("review")["a"]
    waived = quarantine.waive(file, "test rows", told.parts)
    quarantine.ingest_again(waived, told.batches("review")[0], "mended", told.parts)
    assert list(quarantine.open_files("review", told.parts)) == []
    told.run()
    ((again, batch),) = quarantine.open_files("review", told.parts)
    assert (again.file_id, batch.number) == (file.file_id, 3)


def test_of_a_file_that_was_ingested_again_only_the_last_refusals_are_shown(told) -> None:
    file = told.files("review")["a"]
    quarantine.ingest_again(file, told.batches("review")[0], "mended", told.parts)
    assert refused_lines(told, file=file) == [("bad", False)]
    assert refused_lines(told) == [("bad", False)]
    told.run()
    ((again, batch),) = quarantine.open_files("review", told.parts)
    folder = f"{attempt_of(batch, 'lake').quarantine}/"
    for stored in told.objects.list(folder):
        told.objects.put(stored.uri, b'{"line":2,"reason":"worse","raw":"x","contract_version":"2.0.0"}\n')
    assert refused_lines(told, file=again) == refused_lines(told) == [("worse", False)]


def test_a_file_that_was_refused_as_a_whole_is_redriven(world) -> None:
    world.land("review", "poison", "!refuse", "1")
    world.run()
    ((file, batch),) = quarantine.open_files("review", world.parts)
    assert quarantine.ingest_again(file, batch, "why", world.parts).state == "pending"


def test_what_was_not_refused_cannot_be_waived(world) -> None:
    published(world)
    with pytest.raises(UsageError, match="in quarantine"):
        quarantine.waive(world.files("review")["c"], "why", world.parts)


def test_of_a_file_that_is_not_planned_nothing_is_refused(world) -> None:
    world.run()
    world.land("review", "a", "1")
    register_listed(world.tables, world.parts)
    assert refused_lines(world, file=world.files("review")["a"]) == []


def test_a_replay_that_fails_says_that_what_was_published_stays(world) -> None:
    published(world)
    replay(batches("review", "1", "1", world.parts)[0], "parser 1.4", world.parts)
    for file in world.files("review").values():
        world.objects.delete([file.uri])
    told = [found.message for found in world.run().findings if found.code == "batch.failed"]
    assert told
    assert all("of which what was published before stays. `dm files show" in message for message in told)
    world.land("review", "new", "!crash", "1")
    told = [found.message for found in world.run().findings if found.code == "batch.failed"]
    assert told
    assert not any("published before" in message for message in told)


def test_the_trail_says_who_did_what_when_and_why(world) -> None:
    published(world)
    world.parts = replace(world.parts, settings=replace(world.parts.settings, actor="ann"))
    file = world.files("review")["a"]
    quarantine.waive(file, "ticket 4711", world.parts)
    world.clock.sleep(60)
    replay(batches("review", "1", "1", world.parts)[0], "parser 1.4", world.parts)
    trail = list(audit.trail("review", world.parts, file.file_id))
    assert [(entry.action, entry.by, entry.reason) for entry in trail] == [
        ("waive", "ann", "ticket 4711"),
        ("replay", "ann", "parser 1.4"),
    ]
    assert trail[0].at < trail[1].at
    other = world.files("review")["b"].file_id
    assert [entry.action for entry in audit.trail("review", world.parts, other)] == ["replay"]
    assert list(audit.trail("beer", world.parts)) == []


def test_a_file_is_found_by_the_start_of_its_id(world) -> None:
    published(world)
    file = world.files("review")["a"]
    assert files.find(world.parts, file.file_id[:8]) == file
    assert files.must_belong(file, world.parts).number == 1
    with pytest.raises(UsageError, match="not planned"):
        files.must_belong(replace(file, batch_id=None), world.parts)
