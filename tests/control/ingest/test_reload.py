"""Reloads: files wait for `_BEGIN`, and the completion is published after all files that it lists."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from control.errors import UsageError
from control.ingest.alerts import deliver, note
from control.ingest.files import required_batch
from control.ingest.quarantine import ingest_again, open_files, waive
from control.ingest.reload import position_of
from control.model import RawFile, Reload, file_id_of
from control.status import table_status

FOLDER = "raw/review/epoch=2/reload=7/"


def put(world, name, body):
    world.objects.put(f"s3://lake/{FOLDER}{name}", body.encode())


def begin(world, position="0/A"):
    put(world, "_BEGIN", json.dumps({"position": position}))


def complete(world, **records):
    files = [{"key": f"{FOLDER}{name}.json", "records": count} for name, count in records.items()]
    put(world, "_COMPLETE", json.dumps({"files": files}))


def land(world, name, *lines):
    put(world, f"{name}.json", "\n".join(lines))


def events(world):
    """Return the events of the table by batch number."""
    return world.visible("review_events")


def waits(outcome):
    return [finding.message for finding in outcome.findings if finding.code == "reload.waiting"]


ELSEWHERE = json.dumps({"files": [{"key": "raw/review/x.json", "records": 1}]})
STEPS = {
    "begin": begin,
    "a": lambda world: land(world, "a", "1", "2"),
    "b": lambda world: land(world, "b", "3"),
    "complete": lambda world: complete(world, a=2, b=1),
}


@pytest.mark.parametrize("order", list(permutations(STEPS)), ids="-".join)
def test_begin_is_published_first_and_the_completion_last_in_any_order_of_arrival(world, order) -> None:
    for step in order:
        STEPS[step](world)
        world.run()
    assert events(world)[1] == ["reload-begin"]
    last = world.head("review").number
    assert events(world) == {1: ["reload-begin"], last: ["reload-complete"]}
    assert sorted(row for rows in world.visible("review").values() for row in rows) == ["1", "2", "3"]
    parsed = {
        file.uri.rpartition("/")[2]: file.position for order in world.engine.orders for file in order.files
    }
    assert parsed == {"_BEGIN": None, "a.json": "0/A", "b.json": "0/A", "_COMPLETE": "0/A"}


def test_an_empty_reload_counts_and_is_alerted_once(world, topic) -> None:
    begin(world)
    complete(world)
    world.run()
    world.run()
    assert events(world) == {1: ["reload-begin"], 2: ["reload-complete"]}
    assert deliver(topic, world.parts) == 1
    ((subject, message, _),) = topic.sent
    assert subject == "source.reload-of-nothing: review"
    assert message.startswith(f"the reload {FOLDER} is complete without a record: all that review had before")


def test_waiting_files_block_nothing_else_and_are_reported(world) -> None:
    world.objects._clock = world.clock
    land(world, "a", "1")
    world.land("review", "other", "5")
    world.rules = replace(world.rules, planned_files=1)
    outcome = world.run()
    assert world.visible("review") == {1: ["5"]}
    assert waits(outcome) == ["raw files wait: its _BEGIN has not come"]
    assert {f.severity for f in outcome.findings} == {"warning"}
    assert note(outcome.findings, world.parts) == 0
    world.clock.sleep(timedelta(hours=1).total_seconds())
    late = world.run()
    assert {f.severity for f in late.findings} == {"error"}
    assert note(late.findings, world.parts) == 1


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda w: complete(w, a=1, b=1), "b.json (version null), which its _COMPLETE lists, has not come"),
        (lambda w: complete(w, a=2), "has 1 records and not 2"),
        (lambda w: complete(w), "a.json (version null) is there, and its _COMPLETE does not list it"),
        (lambda w: (complete(w, a=1, bad=1), land(w, "bad", "bad 1")), "has 1 records in quarantine"),
        (lambda w: (complete(w, a=1, no=1), land(w, "no", "!refuse")), "is not published"),
        (lambda w: (complete(w, a=1), land(w, "sub/c", "9")), "sub/c.json (version null) is there"),
        (lambda w: put(w, "_COMPLETE", ELSEWHERE), "is not under"),
    ],
    ids=["absent", "other records", "unlisted", "quarantine", "refused", "unlisted below", "elsewhere"],
)
def test_a_reload_is_complete_only_when_exactly_its_listed_files_are_published(world, spoil, reason) -> None:
    begin(world)
    land(world, "a", "1")
    world.objects.put("s3://lake/raw/review/x.json", b"1")
    world.run()
    spoil(world)
    outcome = world.run()
    assert [kinds for kinds in events(world).values() if "reload-complete" in kinds] == []
    [told] = waits(outcome)
    assert reason in told


def test_waived_and_replayed_records_no_longer_block_the_completion(world) -> None:
    begin(world)
    land(world, "a", "1", "bad 2")
    land(world, "b", "bad 3")
    complete(world, a=2, b=1)
    world.run()
    [a, b] = sorted(open_files("review", world.parts), key=lambda found: found[0].key)
    waive(a[0], "too old", world.parts)
    world.run()
    assert "reload-complete" not in str(events(world))
    world.engine.forgiving = True
    ingest_again(*b, "the contract allows it now", world.parts)
    world.run()
    assert events(world)[world.head("review").number] == ["reload-complete"]


def test_files_that_arrive_after_the_completion_are_not_ingested(world) -> None:
    begin(world)
    land(world, "a", "1")
    complete(world, a=1)
    world.run()
    land(world, "late", "9")
    outcome = world.run()
    assert "9" not in str(world.visible("review"))
    assert waits(outcome) == ["raw files wait: the reload is complete: begin another one under a new number"]


def test_a_waived_late_file_is_left_out_of_its_reload(world) -> None:
    world.objects._clock = world.clock
    begin(world)
    land(world, "a", "1")
    complete(world, a=1)
    world.run()
    land(world, "late", "9")
    world.run()
    world.clock.sleep(timedelta(hours=1).total_seconds())
    [told] = waits(world.run())
    assert "`dm quarantine waive`" in told
    (file,) = [file for file in world.files("review").values() if file.is_open]
    assert table_status("review", world.parts).lag_seconds == 3600
    waive(file, "ticket 4711", world.parts)
    assert waits(world.run()) == []
    with pytest.raises(UsageError, match="left out of its reload"):
        required_batch(world.files("review")["late"], world.parts)
    status = table_status("review", world.parts)
    assert (status.lag_seconds, status.files) == (0, {"published": 3})
    (warning,) = status.warnings
    assert warning.startswith("1 control record(s) reload-complete, the last on ")
    assert "9" not in str(world.visible("review"))
    with pytest.raises(UsageError, match="nothing of raw file"):
        waive(world.files("review")["late"], "once more", world.parts)
    land(world, "late", "8")
    assert waits(world.run()), "content that overwrote the waived file is a new case"


@pytest.mark.parametrize("landed", ["before its _BEGIN", "after it"])
def test_a_waived_file_that_the_completion_does_not_list_no_longer_blocks_it(world, landed) -> None:
    land(world, "a", "1")
    if landed == "before its _BEGIN":
        land(world, "cut", "9")
        world.run()
        waive(world.files("review")["cut"], "cut off, landed again as b", world.parts)
        begin(world)
    else:
        begin(world)
        land(world, "cut", "!refuse")
        world.run()
        complete(world, a=1, b=1)
        land(world, "b", "9")
        [told] = waits(world.run())
        cut = world.files("review")["cut"]
        assert f"`dm quarantine waive {cut.file_id[:12]}`" in told
        waive(cut, "cut off, landed again as b", world.parts)
    complete(world, a=1, b=1)
    land(world, "b", "9")
    assert waits(world.run()) == []
    assert events(world)[world.head("review").number] == ["reload-complete"]
    assert sorted(row for rows in world.visible("review").values() for row in rows) == ["1", "9"]


def test_an_extract_after_a_complete_reload_is_published_with_an_alert(world) -> None:
    for step in STEPS.values():
        step(world)
    world.run()
    for name in (
        "epoch=1/extract=1/old",
        "epoch=2/extract=3/a",
        "epoch=2/extract=3/b",
        "epoch=3/extract=1/new",
    ):
        world.objects.put(f"s3://lake/raw/review/{name}.csv", b"7")
    found = [one for one in world.run().findings if one.code == "reload.newer"]
    assert [one.message.partition(" counts")[0] for one in found] == [
        "extract 1 of review", "extract 3 of review",
    ]  # fmt: skip
    assert all(FOLDER in one.message for one in found)
    assert sorted(row for rows in world.visible("review").values() for row in rows) == [
        "1",
        "2",
        "3",
        *"7777",
    ]
    assert len(list(world.objects.list("s3://lake/alerts/outbox/"))) == 2, "one for each extract"
    assert world.run().findings == ()


def test_waiving_the_second_completion_ends_the_waiting(new_world) -> None:
    world = new_world()
    world.objects._versioned = True
    begin(world)
    land(world, "a", "1")
    put(
        world,
        "_COMPLETE",
        json.dumps({"files": [{"key": f"{FOLDER}a.json", "version_id": "v1", "records": 7}]}),
    )
    world.run()
    put(
        world,
        "_COMPLETE",
        json.dumps({"files": [{"key": f"{FOLDER}a.json", "version_id": "v1", "records": 1}]}),
    )
    assert waits(world.run()) == ["raw files wait: the reload was complete before"]
    (file,) = [file for file in world.store.query(RawFile, "review").items if file.is_open]
    waive(file, "seven were one", world.parts)
    assert waits(world.run()) == []


def test_the_first_begin_of_a_reload_counts(new_world) -> None:
    world = new_world()
    world.objects._versioned = True
    begin(world, "0/A")
    world.run()
    begin(world, "0/B")
    land(world, "a", "1")
    outcome = world.run()
    assert waits(outcome) == ["raw files wait: there was another _BEGIN before this one"]
    reload = world.store.get(Reload, "review", FOLDER)
    assert (reload.begin, reload.position) == (file_id_of("lake", f"{FOLDER}_BEGIN", "v1"), "0/A")
    assert {position_of(file, world.parts) for file in world.files("review").values()} == {None, "0/A"}


def test_a_marker_is_a_batch_of_its_own(world) -> None:
    begin(world)
    world.land("review", "x", "1")
    world.land("review", "y", "2")
    world.run()
    assert sorted(len(batch.file_ids) for batch in world.batches("review")) == [1, 2]
