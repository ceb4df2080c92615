from dataclasses import replace
from datetime import timedelta

import pytest
from raising import raising

from control.ingest import alerts
from control.ingest.redrive import redrive
from control.ports import CatalogColumn

die = raising(KeyboardInterrupt())


def test_a_failed_batch_is_alerted_once_and_without_row_values(world, topic) -> None:
    world.land("review", "killer", "!crash")
    outcome = world.run()
    assert [alerts.note(outcome.findings, world.parts), alerts.deliver(topic, world.parts)] == [0, 1]
    world.run()
    assert [alerts.note(outcome.findings, world.parts), alerts.deliver(topic, world.parts)] == [0, 0]
    ((subject, message, _),) = topic.sent
    assert subject == "batch.failed: review"
    assert message.startswith("RuntimeError at")
    assert "secret" not in message
    (name,) = (file.file_id[:12] for file in world.files("review").values())
    assert f"raw/review/killer.json.gz ({name})" in message
    assert f"dm files redrive {name}" in message


def test_the_alert_for_a_whole_refused_file_says_what_to_do(world, topic) -> None:
    world.land("review", "poison", "!refuse", "1")
    outcome = world.run()
    alerts.deliver(topic, world.parts)
    ((_, message, _),) = topic.sent
    (name,) = (file.file_id[:12] for file in world.files("review").values())
    assert message.startswith("refused as a whole: ")
    assert f"raw/review/poison.json.gz ({name}). `dm quarantine show {name}` says why" in message
    assert [found.message for found in outcome.findings] == [message]


def test_an_alert_that_could_not_be_sent_is_sent_next_time(world, topic) -> None:
    world.land("review", "killer", "!crash")
    world.land("beer", "killer", "!crash")
    topic.away = True
    world.run()
    assert alerts.deliver(topic, world.parts) == 0
    topic.away = False
    assert alerts.deliver(topic, world.parts) == 2
    assert sorted(subject for subject, _, _ in topic.sent) == ["batch.failed: beer", "batch.failed: review"]


def test_alerts_sent_by_another_run_in_the_meantime_are_skipped(world, topic, monkeypatch) -> None:
    world.land("review", "killer", "!crash")
    world.land("beer", "killer", "!crash")
    world.run()
    listed = list(world.objects.list("s3://lake/alerts/outbox/"))
    assert alerts.deliver(topic, world.parts) == 2
    with monkeypatch.context() as patched:
        patched.setattr(world.objects, "list", lambda _: iter(listed))
        assert alerts.deliver(topic, world.parts) == 0
    assert len(topic.sent) == 2


def test_the_alert_for_a_truncate_names_its_batch(world, topic) -> None:
    world.land("review", "a", "1", "ctl:truncate-table")
    world.land("beer", "a", "1", "ctl:create-table")
    world.run()
    alerts.deliver(topic, world.parts)
    assert [sent[:2] for sent in topic.sent] == [
        (
            "source.truncate-table: review",
            "the source said truncate-table, published with batch 1: "
            f"raw/review/a.json.gz ({world.files('review')['a'].file_id[:12]})",
        )
    ]


def test_a_lasting_problem_is_alerted_once_a_day(world, topic) -> None:
    other = replace(world.tables["beer"].rows, columns=(CatalogColumn("line", "bigint"),))
    world.catalog.ensure_table(other)
    world.land("beer", "a", "1")
    for _ in range(3):
        alerts.note(world.run(mode="once").findings, world.parts)
        alerts.deliver(topic, world.parts)
    assert [subject for subject, _, _ in topic.sent] == ["table.blocked: beer"]
    world.clock.sleep(timedelta(days=1).total_seconds())
    alerts.note(world.run(mode="once").findings, world.parts)
    assert alerts.deliver(topic, world.parts) == 1


def test_a_run_without_incidents_sends_no_alert(world, topic) -> None:
    world.land("review", "a", "1", "bad 2")
    assert [alerts.note(world.run().findings, world.parts), alerts.deliver(topic, world.parts)] == [0, 0]


@pytest.mark.parametrize("died", ["before it wrote the alert", "before it recorded that"])
def test_an_alert_survives_the_process_that_saw_the_failure(world, topic, monkeypatch, died) -> None:
    world.land("review", "killer", "!crash")
    with monkeypatch.context() as patched:
        put = alerts.put
        patched.setattr(
            alerts, "put", lambda *args: (died.startswith("before it recorded") and put(*args), die())
        )
        with pytest.raises(KeyboardInterrupt):
            world.run()
    [batch] = world.batches("review")
    assert (batch.state, batch.told) == ("failed", False)
    assert world.run().batches == ()
    assert alerts.deliver(topic, world.parts) == 1
    [batch] = world.batches("review")
    assert (batch.told, batch.is_open) == (True, False)


def test_a_batch_that_fails_again_after_a_redrive_is_alerted_again(world, topic) -> None:
    world.land("review", "killer", "!crash")
    world.run()
    [batch] = world.batches("review")
    redrive(batch, "the disk is larger now", world.parts)
    world.run()
    assert alerts.deliver(topic, world.parts) == 2
