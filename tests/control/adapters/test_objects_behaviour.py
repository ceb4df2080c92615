"""One suite for every object store: the fake and S3 must not differ."""

from pathlib import Path

import pytest

from control.adapters.memory import MemoryObjects
from control.adapters.s3 import RANGE_BYTES, S3Objects, split
from control.config import Settings
from control.errors import ConflictError, NotFoundError
from control.ports import ObjectStore

HOSTILE = [
    "raw/review/höp ★.csv.gz",
    "raw/review/a b+c%20d.csv.gz",
    "raw/review/../../etc/passwd.csv.gz",
    "raw/review//double.csv.gz",
    "raw/review/<&>'\"?#.csv.gz",
]


@pytest.fixture(params=["memory", "s3"])
def objects(request: pytest.FixtureRequest) -> ObjectStore:
    if request.param == "memory":
        return MemoryObjects()
    settings: Settings = request.getfixturevalue("cloud")
    real = S3Objects(settings)
    real.ensure_bucket(settings.bucket)
    real.ensure_bucket(settings.bucket)
    return real


@pytest.fixture
def lake(request: pytest.FixtureRequest) -> str:
    return f"s3://{request.getfixturevalue('cloud').bucket}"


def test_an_object_reads_back_as_it_was_put(objects: ObjectStore, lake: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"from a file")
    objects.put(f"{lake}/a", b"\x00\xff")
    objects.put(f"{lake}/b", tmp_path / "x")
    assert objects.get(f"{lake}/a") == b"\x00\xff"
    assert objects.get(f"{lake}/b") == b"from a file"


def test_an_absent_object_is_not_found(objects: ObjectStore, lake: str) -> None:
    with pytest.raises(NotFoundError, match="nothing"):
        objects.get(f"{lake}/nothing")
    with pytest.raises(NotFoundError, match="nothing"), objects.open(f"{lake}/nothing"):
        pass


def test_a_tag_is_set_beside_the_others_and_goes_with_its_version(objects: ObjectStore, lake: str) -> None:
    objects.put(f"{lake}/t", b"1")
    (stored,) = objects.list(f"{lake}/t")
    assert objects.tags(stored.uri, stored.version_id) == {}
    objects.tag(stored.uri, stored.version_id, "a", "1")
    objects.tag(stored.uri, stored.version_id, "b", "2")
    objects.tag(stored.uri, stored.version_id, "a", "3")
    assert objects.tags(stored.uri, stored.version_id) == {"a": "3", "b": "2"}
    with pytest.raises(NotFoundError):
        objects.tag(f"{lake}/nothing", "null", "a", "1")


def test_creating_keeps_what_is_there(objects: ObjectStore, lake: str) -> None:
    assert objects.create(f"{lake}/m", b"one")
    assert not objects.create(f"{lake}/m", b"two")
    assert objects.get(f"{lake}/m") == b"one"


def test_creating_the_same_bytes_again_succeeds(objects: ObjectStore, lake: str) -> None:
    assert objects.create(f"{lake}/m", b"one")
    assert objects.create(f"{lake}/m", b"one")


@pytest.mark.parametrize("size", [0, 1, RANGE_BYTES, RANGE_BYTES + 1, 2 * RANGE_BYTES + 5])
def test_a_stream_gives_every_byte_in_order(objects: ObjectStore, lake: str, size: int) -> None:
    body = bytes(range(251)) * (size // 251 + 1)
    objects.put(f"{lake}/big", body[:size])
    with objects.open(f"{lake}/big") as stream:
        parts = [stream.read(7)]
        while part := stream.read(3_000_000):
            parts.append(part)
    assert b"".join(parts) == body[:size]


def test_a_listing_gives_sizes_and_keeps_to_its_prefix(objects: ObjectStore, lake: str) -> None:
    for key, body in (("raw/a/1", b"1"), ("raw/a/2", b"22"), ("raw/ab/3", b"333")):
        objects.put(f"{lake}/{key}", body)
    found = list(objects.list(f"{lake}/raw/a/"))
    assert [(o.uri, o.size_bytes) for o in found] == [(f"{lake}/raw/a/1", 1), (f"{lake}/raw/a/2", 2)]
    assert {(o.version_id, o.is_latest) for o in found} == {("null", True)}
    assert list(objects.list(f"{lake}/nothing/")) == []


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_is_listed_and_read_as_it_is(objects: ObjectStore, lake: str, key: str) -> None:
    objects.put(f"{lake}/{key}", b"x")
    assert [o.key for o in objects.list(f"{lake}/raw/")] == [key]
    with objects.open(f"{lake}/{key}", "null") as stream:
        assert stream.read() == b"x"


def test_an_overwritten_object_has_another_tag(objects: ObjectStore, lake: str) -> None:
    objects.put(f"{lake}/a", b"one")
    before = next(objects.list(f"{lake}/a")).etag
    objects.put(f"{lake}/a", b"two")
    assert next(objects.list(f"{lake}/a")).etag != before


def test_a_stream_of_content_that_was_replaced_is_refused(objects: ObjectStore, lake: str) -> None:
    objects.put(f"{lake}/a", b"one")
    etag = next(objects.list(f"{lake}/a")).etag
    with objects.open(f"{lake}/a", None, etag) as stream:
        assert stream.read() == b"one"
    objects.put(f"{lake}/a", b"two")
    with pytest.raises(ConflictError, match="overwritten"), objects.open(f"{lake}/a", None, etag):
        pass


def test_deleting_removes_and_may_be_done_again(objects: ObjectStore, lake: str) -> None:
    for key in ("a", "b", "c"):
        objects.put(f"{lake}/{key}", b"x")
    objects.delete([f"{lake}/a", f"{lake}/c", f"{lake}/never"])
    objects.delete([f"{lake}/a"])
    assert [o.uri for o in objects.list(f"{lake}/")] == [f"{lake}/b"]


def test_a_listing_goes_on_after_a_given_object(objects: ObjectStore, lake: str) -> None:
    for key in ("a/1", "a/2", "a/3", "b/1"):
        objects.put(f"{lake}/{key}", b"x")
    assert [o.uri for o in objects.list(f"{lake}/a/", after=f"{lake}/a/1")] == [f"{lake}/a/2", f"{lake}/a/3"]
    assert list(objects.list(f"{lake}/a/", after=f"{lake}/a/3")) == []


@pytest.fixture(params=["memory", "s3"])
def versioned(request: pytest.FixtureRequest) -> ObjectStore:
    """An object store whose bucket keeps every version."""
    if request.param == "memory":
        return MemoryObjects(versioned=True)
    from control.adapters.aws import client

    settings: Settings = request.getfixturevalue("cloud")
    real = S3Objects(settings)
    real.ensure_bucket(settings.bucket)
    client(settings, "s3").put_bucket_versioning(
        Bucket=settings.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    return real


def test_every_version_of_a_versioned_bucket_is_listed_and_can_be_read(
    versioned: ObjectStore, lake: str
) -> None:
    versioned.put(f"{lake}/a", b"old")
    versioned.put(f"{lake}/a", b"new")
    found = list(versioned.list(f"{lake}/a"))
    assert [o.is_latest for o in found] == [True, False]
    bodies = []
    for one in found:
        with versioned.open(one.uri, one.version_id, one.etag) as stream:
            bodies.append(stream.read())
    assert bodies == [b"new", b"old"]
    with pytest.raises(NotFoundError), versioned.open(f"{lake}/a", "v99"):
        pass


def test_an_object_deleted_from_a_versioned_bucket_is_not_found(versioned: ObjectStore, lake: str) -> None:
    versioned.put(f"{lake}/a", b"old")
    versioned.delete([f"{lake}/a"])
    with pytest.raises(NotFoundError):
        versioned.get(f"{lake}/a")
    assert not any(o.is_latest for o in versioned.list(f"{lake}/a"))


def test_a_key_may_hold_what_looks_like_a_uri() -> None:
    assert split("s3://lake/raw/s3://x/y?z#w") == ("lake", "raw/s3://x/y?z#w")
