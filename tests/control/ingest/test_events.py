import json
from dataclasses import replace

import notifications
import pytest
from raising import raising

from control.errors import DataError, UsageError
from control.ingest.events import objects_of, register_all
from control.ingest.listing import register_listed

HOSTILE = ["raw/review/a b+c%20d.json.gz", "raw/review/höp ★&?#'\".json.gz", "raw/review/plain.json.gz"]


def from_sns(stored) -> str:
    return json.dumps({"Type": "Notification", "TopicArn": "arn:…", "Message": notifications.s3(stored)})


SHAPES = pytest.mark.parametrize("shape", [notifications.event_bridge, notifications.s3, from_sns])


def put(world, key: str):
    world.objects.put(f"s3://lake/{key}", b"1")
    (found,) = world.objects.list(f"s3://lake/{key}")
    return found


@SHAPES
@pytest.mark.parametrize("key", HOSTILE)
def test_an_event_and_the_lister_mean_the_same_file(world, shape, key) -> None:
    stored = put(world, key)
    assert register_all(shape(stored), world.tables, world.parts) == 1
    assert register_listed(world.tables, world.parts) == (0, ())
    (file,) = world.files("review").values()
    assert (file.key, file.version_id, file.etag, file.size_bytes) == (key, "null", stored.etag, 1)


@SHAPES
def test_a_duplicate_event_is_a_no_op_even_after_success(world, shape) -> None:
    stored = put(world, HOSTILE[0])
    register_all(shape(stored), world.tables, world.parts)
    world.run()
    before = world.files("review")
    assert register_all(shape(stored), world.tables, world.parts) == 0
    assert world.files("review") == before
    world.run()
    assert world.visible("review") == {1: ["1"]}


def test_the_version_of_a_versioned_bucket_is_kept(world) -> None:
    stored = replace(put(world, HOSTILE[2]), version_id="v7")
    for shape in (notifications.event_bridge, notifications.s3):
        assert [found.version_id for found in objects_of(shape(stored))] == ["v7"]


def test_events_that_are_not_about_new_raw_files_are_ignored(world) -> None:
    stored = put(world, HOSTILE[2])
    other = put(world, "raw/wine/a.csv.gz")
    odd = put(world, "raw/review/a.txt")
    bodies = [
        notifications.event_bridge(stored, "Object Deleted"),
        notifications.s3(stored, "ObjectRemoved:Delete"),
        notifications.s3(replace(stored, uri=f"s3://another/{stored.key}")),
        notifications.event_bridge(other),
        notifications.event_bridge(odd),
        json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "lake"}),
    ]
    assert [register_all(body, world.tables, world.parts) for body in bodies] == [0] * len(bodies)
    assert world.files("review") == {}


def test_an_event_stays_unhandled_if_the_store_refuses_access(world, monkeypatch) -> None:
    refused = raising(UsageError("access is refused"))
    monkeypatch.setattr(world.store, "create", refused)
    with pytest.raises(UsageError, match="access"):
        register_all(notifications.s3(put(world, HOSTILE[0])), world.tables, world.parts)


NO_NOTIFICATION = [
    *("", "{", "[]", "null", "{}", '{"Records": [{}]}', '{"Records": 1}', '{"source": "aws.s3"}'),
    *('{"TopicArn": "a", "Message": "hello"}', '{"TopicArn": "a", "Message": 7}'),
]


@pytest.mark.parametrize("body", NO_NOTIFICATION)
def test_a_message_that_is_not_a_notification_is_refused(world, body) -> None:
    with pytest.raises(DataError, match="not an S3 notification"):
        register_all(body, world.tables, world.parts)
