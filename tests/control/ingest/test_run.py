import re
from dataclasses import replace
from pathlib import Path

import pytest
from raising import raising

from control.cli.ingest import SENTENCES, log, tell
from control.errors import UnavailableError, UsageError
from control.ingest import alerts, events, notices, overwritten, publish
from control.ingest import run as run_module
from control.ingest.listing import register_listed
from control.ingest.plan import plan
from control.model import Partition
from control.ports import CatalogColumn


def test_two_files_become_one_published_batch(world) -> None:
    world.land("review", "a", "1", "2")
    world.land("review", "b", "3", "bad 4")
    outcome = world.run()
    assert outcome.registered == 2
    assert [(b.state, b.number, b.totals.records) for b in outcome.batches] == [("published", 1, 4)]
    assert world.visible("review") == {1: ["1", "2", "3"]}
    world.check()


def test_each_table_numbers_its_own_batches(world) -> None:
    world.land("review", "a", "1")
    world.land("beer", "a", "1")
    world.run()
    world.land("beer", "b", "2")
    world.run()
    assert world.visible("beer") == {1: ["1"], 2: ["2"]}
    assert world.visible("review") == {1: ["1"]}
    world.check()


def test_a_second_run_finds_nothing_to_do(world) -> None:
    world.land("review", "a", "1")
    world.run()
    again = world.run()
    assert (again.registered, again.batches, again.left) == (0, (), 0)
    world.check()


def test_one_pass_publishes_everything_that_is_ready(world) -> None:
    world.land("review", "a", "1")
    assert [b.state for b in world.run(mode="once").batches] == ["published"]


def test_a_batch_without_rows_gets_a_number_and_a_partition(world) -> None:
    world.land("review", "a", "bad 1")
    world.run()
    assert world.visible("review") == {1: []}
    world.check()


def test_control_records_are_published_under_the_number_of_their_rows(world) -> None:
    world.land("review", "a", "1")
    world.run()
    world.land("review", "b", "ctl:truncate-table", "2")
    world.run()
    assert world.visible("review_events") == {2: ["truncate-table"]}
    assert world.batches("review")[1].events == {"truncate-table": 1}
    world.check()


def test_a_partition_ends_with_a_slash_and_names_its_attempt(world) -> None:
    world.land("review", "a", "1", "2")
    world.run()
    (partition,) = world.catalog.partitions.values()
    attempt = f"{world.batches('review')[0].batch_id}-e1"
    assert partition.location == f"s3://lake/bronze/review/{attempt}/"
    assert partition.values == ("2026-01-02", "1")
    assert (partition.parameters["attempt"], partition.parameters["rows"]) == (attempt, "2")


def test_a_whole_refused_file_fails_alone_and_the_others_are_published(world) -> None:
    world.land("review", "good", "1")
    world.land("review", "poison", "!refuse", "2")
    world.land("review", "fine", "3")
    outcome = world.run()
    assert sorted(b.state for b in outcome.batches) == ["failed", "published", "published", "split"]
    assert sorted(row for rows in world.visible("review").values() for row in rows) == ["1", "3"]
    (failed,) = [b for b in outcome.batches if b.state == "failed"]
    assert failed.file_ids == (world.files("review")["poison"].file_id,)
    assert failed.attempts == 1
    assert failed.totals.quarantined == 2
    assert [f.code for f in outcome.findings] == ["batch.failed"]
    world.check()


def test_a_file_that_crashes_its_engine_fails_alone_after_all_attempts(world) -> None:
    world.land("review", "good", "1")
    world.land("review", "killer", "!crash")
    outcome = world.run()
    assert world.visible("review") == {1: ["1"]}
    (failed,) = [b for b in outcome.batches if b.state == "failed"]
    assert failed.file_ids == (world.files("review")["killer"].file_id,)
    assert failed.attempts == world.rules.max_attempts
    # First together with the good file, then alone.
    assert len(world.engine.orders) == world.rules.split_after + world.rules.max_attempts + 1
    world.check()


def test_a_recorded_error_has_no_row_values(world) -> None:
    world.land("review", "killer", "!crash")
    world.run()
    (failed,) = world.batches("review")
    assert failed.error.startswith("RuntimeError at conftest.py:")
    assert "secret" not in str(world.said) + str(failed)


def test_attempts_are_spaced_out(world) -> None:
    world.land("review", "killer", "!crash")
    start = world.clock.now()
    world.run()
    assert 3.5 <= (world.clock.now() - start).total_seconds() <= 7 + 3 * 2


def test_one_pass_reports_a_failed_attempt_as_work_left(world) -> None:
    world.land("review", "killer", "!crash")
    assert world.run(mode="once").left == 1


def test_a_vanished_object_fails_only_its_own_batch(impatient) -> None:
    impatient.land("review", "a", "1")
    impatient.land("review", "gone", "2")
    impatient.run(mode="once")
    impatient.land("beer", "x", "1")
    impatient.land("beer", "gone", "2")
    real_run = impatient.engine.run

    def run_without_it(order, beat):
        impatient.objects.delete(["s3://lake/raw/beer/gone.json.gz"])
        return real_run(order, beat)

    impatient.engine.run = run_without_it
    outcome = impatient.run()
    assert [b.error for b in outcome.batches if b.state == "failed"] == [
        "NotFoundError: s3://lake/raw/beer/gone.json.gz: does not exist"
    ]
    assert impatient.visible("beer") == {1: ["1"]}


@pytest.mark.parametrize("error", [UnavailableError("s3 is away"), UsageError("access is refused")])
def test_an_error_that_affects_every_batch_stops_the_run_and_costs_no_attempt(world, error) -> None:
    world.land("review", "a", "1")
    real_run = world.engine.run
    world.engine.run = lambda order, beat: (_ for _ in ()).throw(error)
    for _ in range(world.rules.max_attempts + 1):
        with pytest.raises(type(error)):
            world.run()
    world.engine.run = real_run
    world.run()
    assert world.visible("review") == {1: ["1"]}
    assert world.batches("review")[0].attempts == 1
    world.check()


def test_an_interrupt_gives_the_batch_back_at_once(world) -> None:
    world.land("review", "a", "1")
    real_run = world.engine.run
    world.engine.run = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        world.run()
    world.engine.run = real_run
    start = world.clock.now()
    world.run()
    assert world.clock.now() == start
    world.check()


def test_a_run_of_one_table_ignores_the_others(world) -> None:
    world.land("review", "a", "1")
    world.land("beer", "a", "1")
    del world.tables["beer"]
    outcome = world.run(others=["beer"])
    assert outcome.registered == 1
    assert outcome.findings == ()


def test_an_explicit_engine_overrides_the_plan(world) -> None:
    world.land("review", "a", "1")
    world.parts = replace(world.parts, engines={"spark": world.engine})
    register_listed(["review"], world.parts)
    assert [b.engine for b in plan("review", world.parts, world.rules)] == ["light"]
    assert [b.engine for b in world.run(choice="spark").batches] == ["spark"]
    assert world.visible("review") == {1: ["1"]}


def test_one_pass_that_splits_a_batch_reports_the_new_batches_as_left(world) -> None:
    world.land("review", "poison", "!refuse")
    world.land("review", "fine", "1")
    assert world.run(mode="once").left == 2


def test_every_event_of_a_run_can_be_printed_and_logged(world, capsys) -> None:
    world.land("review", "poison", "!refuse")
    world.land("review", "fine", "1")
    world.land("beer", "killer", "!crash")
    world.run()
    for event, fields in world.said:
        tell(event, fields)
        log(event, fields)
    told = capsys.readouterr().err
    assert {event for event, _ in world.said} >= {
        "batch.split",
        "batch.failed",
        "attempt.failed",
        "run.waiting",
    }
    assert "review: batch 1 published: 1 rows, 0 quarantined" in told
    assert '{"event": "files.registered", "files": 3, "findings": 0}' in told


def test_every_event_has_a_sentence_for_people() -> None:
    modules = (run_module, alerts, events, notices, overwritten, publish)
    source = "".join(Path(module.__file__).read_text() for module in modules)
    said = set(re.findall(r'say\("([a-z.]+)"', source)) | {"batch.published", "batch.failed", "batch.split"}
    assert said == set(SENTENCES)


def test_a_blocked_table_is_a_finding_and_the_others_continue(world) -> None:
    other = replace(world.tables["beer"].rows, columns=(CatalogColumn("line", "bigint"),))
    world.catalog.ensure_table(other)
    world.land("beer", "a", "1")
    world.land("review", "a", "1")
    outcome = world.run()
    assert [(f.code, f.severity, f.where) for f in outcome.findings] == [("table.blocked", "error", "beer")]
    assert world.visible("review") == {1: ["1"]}
    assert [batch.attempts for batch in world.batches("beer")] == [0]
    world.catalog.tables.clear()
    world.run()
    world.check()


def test_after_a_worker_dies_having_widened_the_table_another_continues(world, monkeypatch) -> None:
    beer = world.tables["beer"]
    narrow, wide = (
        replace(beer, rows=replace(beer.rows, columns=(CatalogColumn("line", kind),)))
        for kind in ("int", "bigint")
    )
    world.tables["beer"] = narrow
    world.land("beer", "a", "1")
    world.run()
    world.tables["beer"] = wide
    world.land("beer", "b", "4294967296")
    with monkeypatch.context() as patched:
        patched.setattr(world.engine, "run", raising(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            world.run()
    assert world.catalog.get_table("bronze", "beer").columns == wide.rows.columns
    assert world.visible("beer") == {1: ["1"]}
    world.tables["beer"] = narrow  # a worker that does not have the new contract yet
    assert [found.code for found in world.run().findings] == ["table.blocked"]
    world.tables["beer"] = wide
    world.run()
    assert world.visible("beer") == {1: ["1"], 2: ["4294967296"]}
    world.check()


def test_a_partition_with_another_location_blocks_only_its_table(world) -> None:
    for table in world.tables.values():
        world.catalog.ensure_table(table.rows)
    world.catalog.add_partition(Partition("bronze", "beer", ("2026-01-02", "1"), "s3://lake/elsewhere/", {}))
    world.land("beer", "a", "1")
    world.land("review", "a", "1")
    outcome = world.run()
    assert [f.code for f in outcome.findings] == ["table.blocked"]
    assert "elsewhere" in outcome.findings[0].message
    assert world.visible("review") == {1: ["1"]}


def test_tables_take_turns_so_that_one_backlog_does_not_delay_the_others(impatient) -> None:
    for number in range(3):
        impatient.land("beer", f"{number}", "1")
    impatient.land("review", "a", "1")
    impatient.run(mode="once")
    assert [order.table for order in impatient.engine.orders] == ["beer", "review", "beer", "beer"]


def test_a_backlog_is_planned_bit_by_bit(impatient) -> None:
    impatient.rules = replace(impatient.rules, open_batches=2)
    for number in range(5):
        impatient.land("review", f"{number}", f"{number}")
    assert len(impatient.run(mode="once").batches) == 2
    assert len(impatient.batches("review")) == 2
    impatient.run()
    assert len(impatient.visible("review")) == 5
    impatient.check()


def test_a_long_run_lists_the_bucket_at_its_start_its_end_and_in_between(impatient) -> None:
    impatient.rules = replace(impatient.rules, open_batches=1)
    for number in range(9):
        impatient.land("review", f"{number}", f"{number}")
    listed = []
    real_list = impatient.objects.list
    impatient.objects.list = lambda uri, after="": listed.append(uri) or real_list(uri, after)
    impatient.run()
    assert listed.count("s3://lake/raw/") == 2
    for number in range(9, 13):
        impatient.land("review", f"{number}", f"{number}")
    impatient.rules = replace(impatient.rules, list_seconds=0)
    listed.clear()
    impatient.run()
    assert listed.count("s3://lake/raw/") == 5
    impatient.check()


def test_files_that_land_during_a_run_until_idle_are_ingested_before_it_ends(impatient) -> None:
    impatient.land("review", "a", "1")
    real_run = impatient.engine.run

    def landing(order, beat):
        if order.files[0].uri.endswith("a.json.gz"):
            impatient.land("review", "b", "2")
        return real_run(order, beat)

    impatient.engine.run = landing
    impatient.run()
    assert impatient.visible("review") == {1: ["1"], 2: ["2"]}


def test_only_operating_system_errors_are_described_with_their_cause() -> None:
    assert run_module.describe(OSError(28, "while writing row 4711")) == "OSError: No space left on device"
    assert run_module.describe(ValueError("row 4711")) == "ValueError"
