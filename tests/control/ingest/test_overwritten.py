"""A key that is overwritten in a bucket without versions: one alert, and nothing is ingested twice."""

from collections.abc import Iterator

import pytest
from raising import raising

from control.adapters.memory import MemoryObjects
from control.ingest import alerts, quarantine
from control.ingest.files import file_lines
from control.ingest.listing import register_listed
from control.ingest.redrive import redrive
from control.ingest.replay import batches, replay
from control.model import Finding
from control.status import table_status

MESSAGE = (
    "1 object(s) were overwritten after they had been ingested, and their present content is not: land their "
    "present content under new keys, and delete these (a producer that overwrites keys by design, such as a "
    "Kafka sink, needs a bucket with versions); for example raw/review/a.json.gz"
)

dying = raising(KeyboardInterrupt())


@pytest.fixture
def ingested(world):
    """A world in which one file was published and then overwritten."""
    world.land("review", "a", "1")
    world.run()
    world.land("review", "a", "2")
    return world


def severities(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(found.code, found.severity) for found in findings]


def test_the_published_content_stays_and_one_alert_is_sent(ingested) -> None:
    told = ingested.run().findings
    assert told == (Finding("raw.overwritten", "error", "raw/review/", MESSAGE),)
    assert ingested.visible("review") == {1: ["1"]}
    for _ in range(3):
        ingested.clock.sleep(100_000)
        later = ingested.run().findings
        assert severities(later) == [("raw.overwritten", "warning")]
        assert later[0].message.startswith("1 object(s) have other content than was ingested")
    assert len(list(outbox(ingested))) == 1


def test_for_the_marker_of_a_reload_the_advice_is_another_reload(world) -> None:
    marker = "s3://lake/raw/review/reload=7/_BEGIN"
    world.objects.put(marker, b'{"position": "0/A"}')
    world.run()
    world.objects.put(marker, b'{"position": "0/B"}')
    (told,) = world.run().findings
    assert "begin another reload under a new number" in told.message
    assert "new keys" not in told.message


def test_a_later_overwrite_is_a_new_error(ingested) -> None:
    ingested.land("review", "b", "3")
    ingested.run()
    ingested.land("review", "b", "4")
    findings = ingested.run().findings
    assert severities(findings) == [("raw.overwritten", "error"), ("raw.overwritten", "warning")]
    assert "raw/review/b" in findings[0].message
    ingested.clock.sleep(100_000)
    ingested.land("review", "b", "5")
    assert severities(ingested.run().findings)[0] == ("raw.overwritten", "error")


def test_status_and_files_list_show_it_until_it_is_deleted(ingested) -> None:
    ingested.run()
    warning = "1 raw file(s) were overwritten after ingestion: see `dm files list --overwritten`"
    assert table_status("review", ingested.parts).warnings == (warning,)
    assert [line.key for line in file_lines(ingested.parts, overwritten=True)] == ["raw/review/a.json.gz"]
    ingested.objects.delete(["s3://lake/raw/review/a.json.gz"])
    assert ingested.run().findings == ()
    assert table_status("review", ingested.parts).warnings == ()
    assert list(file_lines(ingested.parts, overwritten=True)) == []


def test_restoring_the_content_ends_the_finding(ingested) -> None:
    ingested.run()
    ingested.land("review", "a", "1")
    assert ingested.run().findings == ()
    replay(batches("review", "1", "1", ingested.parts)[0], "why not", ingested.parts)
    ingested.run()
    assert ingested.visible("review") == {1: ["1"], 2: ["1"]}


def test_a_process_that_dies_before_recording_it_repeats_the_same_alert(ingested, monkeypatch) -> None:
    put, update = alerts.put, ingested.store.update
    with monkeypatch.context() as patched:
        patched.setattr(alerts, "put", dying)
        with pytest.raises(KeyboardInterrupt):
            register_listed(ingested.tables, ingested.parts)
    with monkeypatch.context() as patched:
        patched.setattr(alerts, "put", put)
        patched.setattr(ingested.store, "update", dying)
        with pytest.raises(KeyboardInterrupt):
            register_listed(ingested.tables, ingested.parts)
    assert len(list(outbox(ingested))) == 1
    ingested.store.update = update
    assert severities(ingested.run().findings) == [("raw.overwritten", "error")]
    assert len(list(outbox(ingested))) == 1


@pytest.mark.parametrize("planned", [False, True])
def test_a_file_overwritten_before_ingestion_is_ingested_with_its_new_content(world, planned: bool) -> None:
    world.land("review", "a", "1")
    world.land("review", "b", "2")
    if planned:
        world.engine.objects = Overwriting(world)
        world.run()
        assert ("file.overwritten", "raw/review/a.json.gz") in [(e, f.get("key")) for e, f in world.said]
    else:
        register_listed(world.tables, world.parts)
        world.land("review", "a", "3")
        world.run()
    assert sorted(row for rows in world.visible("review").values() for row in rows) == ["2", "3"]
    world.check()
    assert world.run().findings == ()


def test_a_redrive_reads_a_failed_file_that_was_landed_again(world) -> None:
    world.land("review", "a", "!refuse", "1")
    world.run()
    world.land("review", "a", "1")
    findings = world.run().findings
    assert severities(findings) == [("raw.overwritten", "warning")]
    assert "dm files redrive" in findings[0].message
    [batch] = world.batches("review")
    redrive(batch, "the producer has mended it", world.parts)
    world.run()
    assert world.visible("review") == {1: ["1"]}
    assert world.run().findings == ()
    world.check()


def test_a_replay_never_reads_content_that_overwrote_a_published_file(ingested) -> None:
    replay(batches("review", "1", "1", ingested.parts)[0], "why not", ingested.parts)
    ingested.run()
    [_, failed] = sorted(ingested.batches("review"), key=lambda batch: batch.state != "published")
    assert (failed.state, ingested.visible("review")) == ("failed", {1: ["1"]})
    redrive(failed, "once more", ingested.parts)
    ingested.run()
    assert ingested.visible("review") == {1: ["1"]}


def test_the_loss_of_a_deleted_file_can_be_waived(world) -> None:
    world.land("review", "a", "1")
    register_listed(world.tables, world.parts)
    world.objects.delete(["s3://lake/raw/review/a.json.gz"])
    world.run()
    assert "failed" in table_status("review", world.parts).warnings[0]
    quarantine.waive(world.files("review")["a"], "deleted by its owner", world.parts)
    assert table_status("review", world.parts).warnings == ()


def test_in_a_versioned_bucket_each_version_is_a_file(world) -> None:
    world.objects = MemoryObjects(versioned=True)
    world.__post_init__()
    world.land("review", "a", "1")
    world.run()
    world.land("review", "a", "2")
    assert world.run().findings == ()
    assert world.visible("review") == {1: ["1"], 2: ["2"]}


class Overwriting:
    """An object store that overwrites the object just before its first read."""

    def __init__(self, world) -> None:
        self.world = world

    def open(self, *args, **options):
        self.world.land("review", "a", "3")
        self.world.engine.objects = self.world.objects
        return self.world.objects.open(*args, **options)

    def put(self, *args) -> None:
        self.world.objects.put(*args)


def outbox(world) -> Iterator[str]:
    return (found.uri for found in world.objects.list("s3://lake/alerts/outbox/"))
