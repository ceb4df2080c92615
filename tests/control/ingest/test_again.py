"""Redrive, replay and waive: what people do about finished work. Each leaves an audit entry."""

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
    """Make the same object parseable."""
    versions = world.objects._objects.values["s3://lake/raw/review/killer.json.gz"]
    versions[0] = replace(versions[0], body="\n".join(lines).encode())
    world.landed["raw/review/killer.json.gz"] = list(lines)


def test_a_redrive_gives_a_failed_batch_all_its_attempts_again(world) -> None:
    batch = failed(world)
    heal(world, "1")
    pending = redrive(batch, "the engine is mended", world.parts)
    assert (pending.state, pending.attempts, pending.epoch) == ("pending", 0, batch.epoch + 1)
    world.run()
    assert world.visible("review") == {1: ["1"]}
    world.check()


def test_a_batch_fails_again_only_after_using_all_attempts_of_the_redrive(world) -> None:
    failed(world)
    tried = len(world.engine.orders)
    redrive(world.batches("review")[0], "once more", world.parts)
    world.run()
    (batch,) = world.batches("review")
    assert (batch.state, batch.attempts) == ("failed", world.rules.max_attempts)
    assert len(world.engine.orders) - tried == world.rules.max_attempts


def test_a_waived_file_is_redriven_only_by_name_and_is_then_open_again(world) -> None:
    failed(world)
    world.land("review", "other", "!crash", "1")
    world.run()
    file = world.files("review")["killer"]
    quarantine.waive(file, "test rows", world.parts)
    named = files.required_batch(file, world.parts)
    assert [b for b in world.batches("review") if b != named] == files.failed_batches("review", world.parts)
    redrive(named, "on purpose", world.parts)
    world.run()
    assert len(files.failed_batches("review", world.parts)) == 2
    assert table_status("review", world.parts).warnings == (
        "2 raw file(s) failed: see `dm files list --state failed`",
    )


def test_waiving_a_file_that_was_just_redriven_asks_for_a_run_first(world) -> None:
    redrive(failed(world), "once more", world.parts)
    with pytest.raises(UsageError, match="nothing of raw file") as refused:
        quarantine.waive(world.files("review")["killer"], "after all not", world.parts)
    assert "dm ingest run first" in refused.value.hint


def test_only_a_failed_batch_can_be_redriven_and_only_once(world) -> None:
    batch = failed(world)
    # Two people at the same time: one redrive.
    assert redrive(batch, "why", world.parts) == redrive(batch, "why", world.parts)
    with pytest.raises(UsageError, match="pending"):
        redrive(world.batches("review")[0], "why", world.parts)


def test_a_stale_worker_cannot_fail_a_redriven_batch_again(world) -> None:
    world.land("review", "a", "1")
    register_listed(["review"], world.parts)
    (seen,) = plan("review", world.parts, world.rules)
    used_up = world.store.update(seen, replace(seen, attempts=world.rules.max_attempts))
    gave_up = claim.take(used_up, "me", world.parts, world.rules)
    redriven = redrive(gave_up, "why", world.parts)
    assert claim.take(used_up, "a zombie", world.parts, world.rules) is None
    assert world.batches("review") == [redriven]


def test_the_next_failure_is_alerted_even_if_the_redrive_used_a_stale_item(world) -> None:
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


def test_a_batch_that_was_already_replayed_is_not_replayed_again(world) -> None:
    published(world)
    for one in batches("review", "1", "1", world.parts):
        replay(one, "why", world.parts)
    assert batches("review", "1", "1", world.parts) == ()
    world.run()
    assert [one.published.number for one in batches("review", "1", "9", world.parts)] == [2, 3]


def test_an_interrupted_replay_is_completed_by_another_one(world) -> None:
    published(world)
    (one,) = batches("review", "1", "1", world.parts)
    replay(replace(one, files=one.files[:1]), "then the power went", world.parts)
    (rest,) = batches("review", "1", "1", world.parts)
    assert rest.files == one.files[1:]
    replay(rest, "again", world.parts)
    world.run()
    assert sorted(row for n, rows in world.visible("review").items() if n > 2 for row in rows) == ["1", "3"]


def test_a_replay_accepts_a_range_of_dates(world) -> None:
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
def test_an_invalid_range_is_refused(world, first, last) -> None:
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
def refusing(world):
    """A world with a published batch whose quarantine entry has the form that the parser writes."""
    published(world)
    batch = world.batches("review")[0]
    (stored,) = world.objects.list(f"{attempt_of(batch, 'lake').quarantine}/")
    world.objects.put(stored.uri, b'{"line":2,"reason":"bad","raw":"x","contract_version":"1.0.0"}\n')
    return world


def test_waived_lines_stay_listed_as_waived(refusing) -> None:
    file = refusing.files("review")["a"]
    assert [f.file_id for f, _ in quarantine.open_files("review", refusing.parts)] == [file.file_id]
    quarantine.waive(file, "test rows", refusing.parts)
    assert refused_lines(refusing) == [("bad", True)]
    assert list(quarantine.open_files("review", refusing.parts)) == []


def test_a_waiver_ends_when_the_file_is_ingested_again(refusing) -> None:
    file = refusing.files("review")["a"]
    waived = quarantine.waive(file, "test rows", refusing.parts)
    quarantine.ingest_again(waived, refusing.batches("review")[0], "mended", refusing.parts)
    assert list(quarantine.open_files("review", refusing.parts)) == []
    refusing.run()
    ((again, batch),) = quarantine.open_files("review", refusing.parts)
    assert (again.file_id, batch.number) == (file.file_id, 3)


def test_only_the_refusals_of_the_latest_ingestion_are_shown(refusing) -> None:
    file = refusing.files("review")["a"]
    quarantine.ingest_again(file, refusing.batches("review")[0], "mended", refusing.parts)
    assert refused_lines(refusing, file=file) == [("bad", False)]
    assert refused_lines(refusing) == [("bad", False)]
    refusing.run()
    ((again, batch),) = quarantine.open_files("review", refusing.parts)
    folder = f"{attempt_of(batch, 'lake').quarantine}/"
    worse = b'{"line":2,"reason":"worse","raw":"x","contract_version":"2.0.0"}\n'
    for stored in refusing.objects.list(folder):
        refusing.objects.put(stored.uri, worse)
    assert refused_lines(refusing, file=again) == refused_lines(refusing) == [("worse", False)]


def test_ingesting_a_whole_refused_file_again_is_a_redrive(world) -> None:
    world.land("review", "poison", "!refuse", "1")
    world.run()
    ((file, batch),) = quarantine.open_files("review", world.parts)
    assert quarantine.ingest_again(file, batch, "why", world.parts).state == "pending"


def test_a_file_without_refusals_cannot_be_waived(world) -> None:
    published(world)
    with pytest.raises(UsageError, match="in quarantine"):
        quarantine.waive(world.files("review")["c"], "why", world.parts)


def test_a_file_that_is_not_planned_yet_has_no_refusals(world) -> None:
    world.run()
    world.land("review", "a", "1")
    register_listed(world.tables, world.parts)
    assert refused_lines(world, file=world.files("review")["a"]) == []


def test_the_finding_of_a_failed_replay_says_that_published_rows_stay(world) -> None:
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


def test_the_audit_trail_records_who_did_what_when_and_why(world) -> None:
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


def test_a_file_is_found_by_a_prefix_of_its_id(world) -> None:
    published(world)
    file = world.files("review")["a"]
    assert files.find(world.parts, file.file_id[:8]) == file
    assert files.required_batch(file, world.parts).number == 1
    with pytest.raises(UsageError, match="not planned"):
        files.required_batch(replace(file, batch_id=None), world.parts)
