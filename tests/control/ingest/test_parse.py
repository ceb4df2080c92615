from collections.abc import Callable
from dataclasses import replace

import pytest

from control.errors import EngineError, NotFoundError, StaleEpochError
from control.ingest.claim import take
from control.ingest.listing import register_listed
from control.ingest.parse import parse
from control.ingest.plan import assign, new_batch, plan
from control.model import Batch
from control.orders import Manifest, Report, WorkOrder, attempt_of
from control.serialization import digest, from_json


def held(world, *lines: str, files: int = 1) -> Batch:
    for number in range(files):
        world.land("review", f"f{number}", *lines)
    register_listed(["review"], world.parts)
    (batch,) = plan("review", world.parts, world.rules)
    return take(batch, "me", world.parts, world.rules)


def do(world, batch: Batch, change: Callable[[Report], Report] = lambda report: report) -> Batch:
    class Liar:
        def run(self, order, beat):
            return change(world.engine.run(order, beat))

    return parse(batch, world.tables["review"], Liar(), world.parts, world.rules)


def test_the_files_of_a_batch_are_read_together(world, monkeypatch) -> None:
    batch, read = held(world, "1", files=30), []
    get_many = world.store.get_many
    monkeypatch.setattr(world.store, "get_many", lambda *given: read.append(given[2]) or get_many(*given))
    assert len(do(world, batch).counts) == 30
    assert read == [batch.file_ids]


def test_a_written_batch_has_a_complete_manifest_with_its_digest_in_the_store(world) -> None:
    written = do(world, held(world, "1", "bad 2"))
    text = world.objects.get(attempt_of(written, "lake").document("manifest.json"))
    manifest = from_json(Manifest, text, "manifest")
    assert written.state == "written"
    assert written.manifest_digest == digest(text)
    assert manifest.totals == written.totals
    assert (manifest.epoch, manifest.contract_version) == (1, "1.0.0")
    assert [o.uri.split("/")[3] for o in manifest.files[0].objects] == ["bronze", "quarantine"]


def test_the_order_and_the_contract_are_kept_with_the_attempt(world) -> None:
    written = do(world, held(world, "1"))
    attempt = attempt_of(written, "lake")
    order = from_json(WorkOrder, world.objects.get(attempt.document("order.json")), "order")
    assert order == world.engine.orders[0]
    assert order.contract == attempt.document("contract.yaml")
    assert world.objects.get(order.contract) == b"contract of review"
    assert order.files[0].version_id is None


def first(report: Report, **changes: object) -> Report:
    return Report((replace(report.files[0], **changes), *report.files[1:]))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda r: Report(()), "exactly the files"),
        (lambda r: Report((*r.files, *r.files)), "exactly the files"),
        (lambda r: first(r, file_id="other"), "exactly the files"),
        (lambda r: first(r, rows=99), "rows \\+ quarantined"),
        (lambda r: first(r, failure="gzip"), "but has rows"),
        (lambda r: first(r, objects=()), "do not fit together"),
        (lambda r: first(r, objects=r.files[0].objects[:1]), "do not fit together"),
        (
            lambda r: first(r, objects=tuple(replace(o, bytes=o.bytes + 1) for o in r.files[0].objects)),
            "another size",
        ),
    ],
)
def test_a_wrong_report_of_an_engine_is_refused_and_no_manifest_written(world, change, problem) -> None:
    batch = held(world, "1", "bad 2", "ctl:add-column")
    with pytest.raises(EngineError, match=problem):
        do(world, batch, change)
    assert world.store.get(Batch, "review", batch.batch_id) == batch
    assert not list(world.objects.list(attempt_of(batch, "lake").document("manifest.json")))


@pytest.mark.parametrize("folder", ["bronze", "events", "quarantine"])
def test_an_unreported_object_is_refused(world, folder) -> None:
    batch = held(world, "1")
    stray = getattr(attempt_of(batch, "lake"), folder)
    world.objects.put(f"{stray}/stray.parquet", b"x")
    with pytest.raises(EngineError, match="unreported"):
        do(world, batch)


def test_objects_of_attempt_ten_are_not_counted_for_attempt_one(world) -> None:
    batch = held(world, "1")
    world.objects.put(f"{attempt_of(batch, 'lake').bronze}0/x.parquet", b"x")
    assert do(world, batch).state == "written"


def test_a_worker_that_was_taken_over_cannot_write(world) -> None:
    batch = held(world, "1")
    world.clock.sleep(world.rules.lease_seconds)
    rival = take(batch, "rival", world.parts, world.rules)
    with pytest.raises(StaleEpochError):
        do(world, batch)
    assert world.store.get(Batch, "review", batch.batch_id) == rival


def test_a_file_of_another_batch_is_left_out(world) -> None:
    batch = held(world, "1", files=3)
    file = world.files("review")["f1"]
    # Another planner was faster with this file.
    world.store.update(file, replace(file, batch_id=None))
    free = world.files("review")["f1"]
    other = new_batch([free], "light", world.parts)
    assert assign(free, other, world.parts)
    written = do(world, batch)
    assert file.file_id not in written.file_ids
    assert len(written.file_ids) == 2


def test_a_batch_without_files_of_its_own_ends_without_a_number(world) -> None:
    batch = held(world, "1")
    (file,) = world.files("review").values()
    world.store.update(file, replace(file, batch_id="another"))
    assert do(world, batch).state == "split"
    assert world.engine.orders == []


def test_a_file_whose_planner_died_before_assigning_it_is_included(world) -> None:
    batch = held(world, "1", files=2)
    for file in world.files("review").values():
        world.store.update(file, replace(file, batch_id=None))
    written = do(world, batch)
    assert len(written.file_ids) == 2
    assert {f.batch_id for f in world.files("review").values()} == {batch.batch_id}


def test_one_refused_file_of_several_splits_the_batch_at_once(world) -> None:
    world.land("review", "poison", "!refuse")
    assert do(world, held(world, "1")).state == "splitting"


def test_a_refused_file_alone_fails_and_its_lines_are_kept(world) -> None:
    failed = do(world, held(world, "!refuse", "1"))
    assert (failed.state, failed.error) == ("failed", "refused as a whole: gzip")
    assert failed.totals.quarantined == 2
    assert list(world.objects.list(f"{attempt_of(failed, 'lake').quarantine}/"))
    assert list(world.objects.list(attempt_of(failed, "lake").document("manifest.json")))


def test_the_order_names_the_version_in_a_versioned_bucket(world) -> None:
    batch = held(world, "1")
    (file,) = world.files("review").values()
    versioned = replace(file, version_id="v7")
    world.store.put(versioned)
    with pytest.raises(NotFoundError, match="v7"):
        do(world, batch)
    assert world.engine.orders[0].files[0].version_id == "v7"


def test_older_versions_of_written_objects_are_ignored(world) -> None:
    batch = held(world, "1")
    real_list = world.objects.list

    def versioned(uri):
        for found in real_list(uri):
            yield found
            yield replace(found, version_id="older", size_bytes=1, is_latest=False)

    world.objects.list = versioned
    assert do(world, batch).state == "written"
