from dataclasses import replace

import pytest
from raising import raising

from control.errors import UsageError
from control.ingest.listing import register_listed
from control.ingest.register import register
from control.model import RawFile, file_id_of


def test_a_file_is_registered_with_the_fields_of_its_key(world) -> None:
    world.objects.put("s3://lake/raw/review/epoch=3/extract=4/a b.csv.gz", b"12")
    assert register_listed(world.tables, world.parts) == (1, ())
    (file,) = world.files("review").values()
    assert (file.epoch, file.extract, file.format, file.size_bytes) == (3, 4, "csv", 2)
    assert file.file_id == file_id_of("lake", "raw/review/epoch=3/extract=4/a b.csv.gz", "null")
    assert file.is_open


def test_file_ids_distinguish_bucket_key_and_version() -> None:
    ids = {
        file_id_of(*parts)
        for parts in [("a", "bc", "1"), ("ab", "c", "1"), ("a", "bc1", ""), ("a", "b", "c1")]
    }
    assert len(ids) == 4
    assert all(len(file_id) == 64 for file_id in ids)


def test_a_duplicate_registration_is_a_no_op_even_after_success(world) -> None:
    world.land("review", "a", "1")
    (found,) = world.objects.list("s3://lake/raw/review/")
    assert register("review", found, world.parts)
    assert not register("review", found, world.parts)
    world.run()
    published = world.files("review")
    assert not register("review", found, world.parts)
    assert world.files("review") == published
    assert world.run().batches == ()


def test_a_file_whose_event_was_lost_is_found_by_listing(world) -> None:
    world.land("review", "a", "1")
    (found,) = world.objects.list("s3://lake/raw/review/")
    register("review", found, world.parts)
    world.land("review", "b", "2")
    assert register_listed(world.tables, world.parts) == (1, ())
    assert register_listed(world.tables, world.parts) == (0, ())


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("raw/wine/a.csv.gz", "raw.unknown_table"),
        ("raw/a.csv.gz", "raw.unknown_table"),
        ("raw/", "raw.unknown_table"),
        ("raw//a.csv.gz", "raw.unknown_table"),
        ("raw/review;drop table x/a.csv.gz", "raw.unknown_table"),
        ("raw/review/a.csv.bz2", "raw.key"),
        ("raw/review/a.parquet", "raw.key"),
        ("raw/review/_COMPLETE", "raw.key"),
        ("raw/review/epoch=x/a.csv.gz", "raw.key"),
        ("raw/review/epoch=1/epoch=2/a.csv.gz", "raw.key"),
    ],
)
def test_an_object_that_cannot_be_ingested_is_a_finding_and_not_a_file(world, key, code) -> None:
    world.objects.put(f"s3://lake/{key}", b"x")
    for severity in ("error", "warning", "warning"):
        new, findings = register_listed(world.tables, world.parts)
        assert (new, [(f.code, f.severity) for f in findings]) == (0, [(code, severity)])
        assert key in findings[0].message
    [alert] = world.objects.list("s3://lake/alerts/outbox/")
    assert key in world.objects.get(alert.uri).decode()
    assert world.files("review") == {}


@pytest.mark.parametrize(
    "key",
    [
        "raw/review/../../beer/a.csv.gz",
        "raw/review//.csv.gz",
        "raw/review/höp ★ %2F+&?#'\".csv.gz",
        "raw/review/\x1b[31m\n\x00.csv.gz",
        "raw/review/s3://other/raw/beer/a.csv.gz",
    ],
)
def test_a_hostile_key_is_only_a_name(world, key) -> None:
    world.objects.put(f"s3://lake/{key}", b"1")
    world.run()
    assert world.visible("review") == {1: ["1"]}
    assert [file.key for file in world.files("review").values()] == [key]


def test_a_finding_escapes_terminal_control_characters(world) -> None:
    world.objects.put("s3://lake/raw/review/\x1b[31mred.txt", b"1")
    _, (finding,) = register_listed(world.tables, world.parts)
    assert "\x1b" not in finding.message
    assert "\\x1b[31mred.txt" in finding.message


def test_many_objects_with_the_same_problem_are_one_finding(world) -> None:
    for number in range(50):
        world.objects.put(f"s3://lake/raw/review/{number}.txt", b"x")
    _, findings = register_listed(world.tables, world.parts)
    assert len(findings) == 1
    assert findings[0].message.startswith("50 object(s)")


def test_the_marker_of_an_empty_folder_is_ignored(world) -> None:
    world.objects.put("s3://lake/raw/review/", b"")
    assert register_listed(world.tables, world.parts) == (0, ())


def test_listing_one_table_ignores_the_others(world) -> None:
    world.land("review", "a", "1")
    world.objects.put("s3://lake/raw/wine/a.txt", b"x")
    assert register_listed(["review"], world.parts, others=["beer"]) == (1, ())


def test_an_access_error_is_not_blamed_on_the_key(world, monkeypatch) -> None:
    world.land("review", "a", "1")

    refused = raising(UsageError("access is refused"))
    with monkeypatch.context() as patched:
        patched.setattr(world.store, "create", refused)
        with pytest.raises(UsageError, match="access"):
            register_listed(world.tables, world.parts)
    assert register_listed(world.tables, world.parts) == (1, ())


def test_a_key_without_a_known_extension_is_refused_with_a_reason(world) -> None:
    world.objects.put("s3://lake/raw/review/a.txt", b"x")
    (found,) = world.objects.list("s3://lake/raw/")
    with pytest.raises(UsageError, match="csv"):
        register("review", found, world.parts)


def test_two_versions_of_a_key_are_two_files(world) -> None:
    world.land("review", "a", "1")
    (found,) = world.objects.list("s3://lake/raw/review/")
    assert register("review", replace(found, version_id="v1"), world.parts)
    assert register("review", replace(found, version_id="v2"), world.parts)
    assert len(list(world.store.query(RawFile, "review").items)) == 2
