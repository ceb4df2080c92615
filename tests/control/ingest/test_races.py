"""What another worker does between a read and the following write, and objects that vanish before a read."""

from dataclasses import replace

import pytest

from control import tally
from control.errors import EngineError, StaleEpochError, UpstreamError, UsageError
from control.ingest import run as running
from control.ingest.publish import publish, settle
from control.ingest.quarantine import ingest_again, open_files, refused, waive
from control.ingest.redrive import redrive
from control.ingest.reload import position_of
from control.model import Batch, Head, RawFile, Reload
from control.orders import attempt_of

FOLDER = "raw/review/epoch=2/reload=7/"


class Meanwhile:
    """A store that calls `happens` just before the first update of an item of a kind."""

    def __init__(self, store, kind, happens) -> None:
        self._store, self._kind, self._happens = store, kind, happens

    def __getattr__(self, name):
        return getattr(self._store, name)

    def update(self, old, new):
        if isinstance(old, self._kind) and self._happens is not None:
            happens, self._happens = self._happens, None
            happens()
        return self._store.update(old, new)


def meanwhile(world, kind, happens):
    return replace(world.parts, store=Meanwhile(world.store, kind, happens))


def taken_over(world, batch: Batch) -> None:
    """Let another worker claim the batch and its lease expire."""
    seen = world.store.get(Batch, batch.table, batch.batch_id)
    world.store.put(
        replace(seen, state="claimed", epoch=seen.epoch + 1, owner="other", lease_expires_at=None)
    )


def test_a_batch_taken_over_while_its_intent_is_written_is_not_published(world, monkeypatch) -> None:
    world.land("review", "a", "1")
    seen = []
    monkeypatch.setattr(running, "publish", lambda written, *_: seen.append(written) or written)
    world.run(mode="once")
    [written] = seen
    parts = meanwhile(world, Batch, lambda: taken_over(world, written))
    with pytest.raises(StaleEpochError, match="was taken over from epoch 1"):
        publish(written, world.tables["review"], parts)
    assert (world.head("review").number, world.head("review").intent) == (0, None)
    assert world.visible("review") == {}
    monkeypatch.undo()
    world.run()
    assert world.visible("review") == {1: ["1"]}
    world.check()


def test_a_run_that_loses_its_batch_before_publishing_says_so_and_continues(world, monkeypatch) -> None:
    world.land("review", "a", "1")
    really = running.publish

    def too_late(written, *arguments):
        monkeypatch.setattr(running, "publish", really)
        taken_over(world, written)
        return really(written, *arguments)

    monkeypatch.setattr(running, "publish", too_late)
    outcome = world.run()
    assert [event for event, _ in world.said if event == "batch.lost"] == ["batch.lost"]
    assert [batch.epoch for batch in outcome.batches] == [3]
    assert world.visible("review") == {1: ["1"]}
    world.check()


def test_a_recount_includes_a_batch_published_in_the_meantime(world) -> None:
    world.land("review", "a", "1", "2")
    world.run()
    world.land("review", "b", "3")
    found = tally.recount("review", meanwhile(world, Head, world.run))
    assert (found.number, found.counts.rows) == (2, 3)
    assert world.head("review").counted == found


def test_a_batch_changed_by_another_process_is_neither_redriven_nor_waived(world) -> None:
    world.land("review", "a", "1", "bad 2")
    world.land("review", "killer", "!crash")
    world.run()
    [failed] = [batch for batch in world.batches("review") if batch.state == "failed"]

    def faster() -> None:
        redrive(failed, "the other was faster", world.parts)
        taken_over(world, failed)

    again = meanwhile(world, Batch, faster)
    with pytest.raises(UsageError, match=r"was just changed by another process$"):
        redrive(failed, "again", again)
    [(file, batch)] = open_files("review", world.parts)
    moved = meanwhile(world, RawFile, lambda: ingest_again(file, batch, "by another", world.parts))
    with pytest.raises(UsageError, match=r"was just changed by another process$"):
        waive(file, "lost", moved)
    assert world.files("review")["a"].waived == ""


def test_an_invalid_quarantine_entry_is_reported_with_its_place(world) -> None:
    world.land("review", "a", "1", "bad 2")
    world.run()
    [batch] = world.batches("review")
    folder = attempt_of(batch, "lake").quarantine
    [kept] = world.objects.list(f"{folder}/")
    world.objects.put(kept.uri, b'{"line": 1}\n{"line": 2\n')
    with pytest.raises(UpstreamError, match=r"\.jsonl, line 2, is not a quarantine entry"):
        list(refused(world.parts, "review"))


def test_a_missing_manifest_stops_publication(world, monkeypatch) -> None:
    world.land("review", "a", "1")
    seen = []
    monkeypatch.setattr(running, "publish", lambda written, *_: seen.append(written) or written)
    world.run(mode="once")
    [written] = seen
    uri = attempt_of(written, "lake").document("manifest.json")
    world.objects.delete([uri])
    with pytest.raises(UpstreamError, match="is gone, and with it the record"):
        publish(written, world.tables["review"], world.parts)
    assert settle("review", world.parts).number == 0


def put(world, name: str, text: str) -> None:
    world.objects.put(f"s3://lake/{FOLDER}{name}", text.encode())


def waiting(outcome) -> list[str]:
    return [finding.message for finding in outcome.findings if finding.code == "reload.waiting"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda world: world.objects.delete([f"s3://lake/{FOLDER}_BEGIN"]),
        lambda world: put(world, "_BEGIN", '{"position": "0/F"}'),
    ],
    ids=["deleted", "overwritten"],
)
def test_a_reload_waits_if_its_begin_is_lost_before_its_position_is_recorded(world, spoil) -> None:
    put(world, "_BEGIN", '{"position": "0/A"}')
    world.run()
    spoil(world)
    put(world, "a.json", "1")
    [told] = waiting(world.run())
    assert "its _BEGIN can no longer be read" in told
    assert "1" not in world.visible("review")
    [file] = [file for file in world.files("review").values() if file.is_open]
    with pytest.raises(EngineError, match="the _BEGIN of its reload is not published"):
        position_of(file, world.parts)


def test_an_unreadable_completion_goes_to_the_parser_and_completes_no_reload(world) -> None:
    put(world, "_BEGIN", '{"position": "0/A"}')
    put(world, "a.json", "1")
    world.run()
    put(world, "_COMPLETE", "half of it {")
    assert waiting(world.run()) == []
    assert [order.files[0].format for order in world.engine.orders][-1] == "complete"
    assert world.store.get(Reload, "review", FOLDER).complete == ""


def test_a_completion_deleted_before_it_is_read_completes_nothing(world, monkeypatch) -> None:
    put(world, "_BEGIN", '{"position": "0/A"}')
    put(world, "a.json", "1")
    world.run()
    put(world, "_COMPLETE", f'{{"files": [{{"key": "{FOLDER}a.json", "records": 1}}]}}')
    listed = list(world.objects.list("s3://lake/raw/"))
    world.objects.delete([f"s3://lake/{FOLDER}_COMPLETE"])
    with monkeypatch.context() as patched:
        patched.setattr(world.objects, "list", lambda _: iter(listed))
        [told] = waiting(world.run(mode="once"))
    assert "its _COMPLETE can no longer be read" in told
    assert world.store.get(Reload, "review", FOLDER).complete == ""
