"""One suite for every object store: the fake and S3 must not differ."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.response import StreamingBody

from control.adapters.memory import MemoryObjects
from control.adapters.s3 import BLOCK_BYTES, BLOCK_TRIES, S3Objects, split
from control.config import Settings
from control.errors import ConflictError, NotFoundError, UnavailableError
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


def test_a_tag_is_added_to_the_others_and_deleted_with_its_version(objects: ObjectStore, lake: str) -> None:
    objects.put(f"{lake}/t", b"1")
    (stored,) = objects.list(f"{lake}/t")
    assert objects.tags(stored.uri, stored.version_id) == {}
    objects.tag(stored.uri, stored.version_id, "a", "1")
    objects.tag(stored.uri, stored.version_id, "b", "2")
    objects.tag(stored.uri, stored.version_id, "a", "3")
    assert objects.tags(stored.uri, stored.version_id) == {"a": "3", "b": "2"}
    with pytest.raises(NotFoundError):
        objects.tag(f"{lake}/nothing", "null", "a", "1")


def test_creating_keeps_an_existing_object(objects: ObjectStore, lake: str) -> None:
    assert objects.create(f"{lake}/m", b"one")
    assert not objects.create(f"{lake}/m", b"two")
    assert objects.get(f"{lake}/m") == b"one"


def test_creating_the_same_bytes_again_succeeds(objects: ObjectStore, lake: str) -> None:
    assert objects.create(f"{lake}/m", b"one")
    assert objects.create(f"{lake}/m", b"one")


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES + 5])
def test_a_stream_gives_every_byte_in_order(objects: ObjectStore, lake: str, size: int) -> None:
    body = bytes(range(251)) * (size // 251 + 1)
    objects.put(f"{lake}/big", body[:size])
    with objects.open(f"{lake}/big") as stream:
        parts = [stream.read(7)]
        while part := stream.read(3_000_000):
            parts.append(part)
    assert b"".join(parts) == body[:size]


def test_a_listing_has_sizes_and_only_its_prefix(objects: ObjectStore, lake: str) -> None:
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


def test_an_overwritten_object_has_another_etag(objects: ObjectStore, lake: str) -> None:
    objects.put(f"{lake}/a", b"one")
    before = next(objects.list(f"{lake}/a")).etag
    objects.put(f"{lake}/a", b"two")
    assert next(objects.list(f"{lake}/a")).etag != before


def test_opening_content_that_was_replaced_is_refused(objects: ObjectStore, lake: str) -> None:
    objects.put(f"{lake}/a", b"one")
    etag = next(objects.list(f"{lake}/a")).etag
    with objects.open(f"{lake}/a", None, etag) as stream:
        assert stream.read() == b"one"
    objects.put(f"{lake}/a", b"two")
    with pytest.raises(ConflictError, match="overwritten"), objects.open(f"{lake}/a", None, etag):
        pass


def test_deleting_is_idempotent(objects: ObjectStore, lake: str) -> None:
    for key in ("a", "b", "c"):
        objects.put(f"{lake}/{key}", b"x")
    objects.delete([f"{lake}/a", f"{lake}/c", f"{lake}/never"])
    objects.delete([f"{lake}/a"])
    assert [o.uri for o in objects.list(f"{lake}/")] == [f"{lake}/b"]


def test_a_listing_can_start_after_a_given_object(objects: ObjectStore, lake: str) -> None:
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


def test_every_version_in_a_versioned_bucket_is_listed_and_readable(
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


class Calls:
    """Records the calls that an adapter makes."""

    def __init__(self, objects: S3Objects) -> None:
        self.made: list[tuple[str, str]] = []
        objects._client.meta.events.register("before-call", self._note)

    def _note(self, model: Any, params: Any, **_: Any) -> None:
        self.made.append((model.name, params["headers"].get("Range", "")))


@pytest.fixture
def s3(cloud: Settings) -> S3Objects:
    real = S3Objects(cloud)
    real.ensure_bucket(cloud.bucket)
    return real


@pytest.mark.parametrize("size", [0, 1, 3 * BLOCK_BYTES + 5])
def test_a_stream_is_one_call_however_large_the_object(s3: S3Objects, lake: str, size: int) -> None:
    s3.put(f"{lake}/big", bytes(size))
    (stored,) = s3.list(f"{lake}/big")
    calls = Calls(s3)
    with s3.open(f"{lake}/big", stored.version_id, stored.etag) as stream:
        assert len(stream.read()) == size
    assert calls.made == [("GetObject", "")]


def break_once(monkeypatch: pytest.MonkeyPatch, after: Callable[[], None] = lambda: None) -> None:
    """Let the connection break while the second block of a stream is read."""
    real, reads = StreamingBody.read, []

    def read(body: StreamingBody, amt: int | None = None) -> bytes:
        content: bytes = real(body, amt)
        reads.append(len(content))
        if len(reads) == 2:
            after()
            raise ReadTimeoutError(endpoint_url="http://s3")
        return content

    monkeypatch.setattr(StreamingBody, "read", read)


def test_a_stream_resumes_after_its_connection_breaks(
    s3: S3Objects, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = bytes(range(251)) * (3 * BLOCK_BYTES // 251)
    s3.put(f"{lake}/big", body)
    break_once(monkeypatch)
    calls = Calls(s3)
    with s3.open(f"{lake}/big") as stream:
        assert b"".join(iter(lambda: stream.read(1_000_000), b"")) == body
    assert calls.made == [("GetObject", ""), ("GetObject", f"bytes={BLOCK_BYTES}-")]


def test_a_stream_does_not_resume_on_an_overwritten_object(
    s3: S3Objects, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put(f"{lake}/big", bytes(3 * BLOCK_BYTES))
    break_once(monkeypatch, lambda: s3.put(f"{lake}/big", b"1" * 3 * BLOCK_BYTES))
    with s3.open(f"{lake}/big") as stream, pytest.raises(ConflictError, match="overwritten while"):
        list(iter(lambda: stream.read(1_000_000), b""))


def test_a_connection_that_keeps_breaking_is_reported(
    s3: S3Objects, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put(f"{lake}/a", b"x")
    calls = Calls(s3)

    def read(body: StreamingBody, amt: int | None = None) -> bytes:
        raise ReadTimeoutError(endpoint_url="http://s3")

    monkeypatch.setattr(StreamingBody, "read", read)
    with (
        s3.open(f"{lake}/a") as stream,
        pytest.raises(UnavailableError, match=f"{lake}/a: cannot be reached"),
    ):
        stream.read()
    assert len(calls.made) == BLOCK_TRIES


def test_a_missing_bucket_is_named(s3: S3Objects) -> None:
    with pytest.raises(NotFoundError, match=r"s3://no-such-bucket/a: does not exist \(NoSuchBucket\)"):
        s3.open("s3://no-such-bucket/a")


def test_a_key_may_contain_a_uri() -> None:
    assert split("s3://lake/raw/s3://x/y?z#w") == ("lake", "raw/s3://x/y?z#w")
