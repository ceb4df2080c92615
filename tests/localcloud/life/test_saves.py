"""Snapshots at intervals and under names."""

import json
import time
from errno import ENOSPC

import pytest

from localcloud import saves, snapshots, supervisor
from localcloud.aws.blobs import BlobStore
from localcloud.errors import LocalCloudError, StateError

LARGE = b"l" * 200_000


def keys(cloud):
    found = cloud.client("s3").list_objects_v2(Bucket="lake").get("Contents", [])
    return {
        one["Key"]: cloud.client("s3").get_object(Bucket="lake", Key=one["Key"])["Body"].read()
        for one in found
    }


def put(cloud, key, body=LARGE):
    cloud.client("s3").put_object(Bucket="lake", Key=key, Body=body)


def wait_for_save(cloud, after=""):
    for _ in range(3000):
        header = snapshots.header(cloud.folder / "state")
        if header and header.saved_at > after:
            return header
        time.sleep(0.01)
    raise AssertionError("no snapshot was written")


def wait_until(happened):
    for _ in range(3000):
        if happened():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def test_a_change_is_saved_at_the_next_interval_and_reads_are_not(cloud):
    cloud.up(save_every=0.05)
    put(cloud, "a")
    header = wait_for_save(cloud)
    assert header.reason == snapshots.AT_INTERVAL
    while header.counts["objects"] == 0:  # the interval may have ended just before the put
        header = wait_for_save(cloud, header.saved_at)
    keys(cloud)
    time.sleep(0.3)
    assert snapshots.header(cloud.folder / "state") == header
    cloud.kill("aws")
    cloud.up()
    assert keys(cloud) == {"a": LARGE}
    assert any(header.saved_at in line and "interval" in line for line in cloud.said)


def test_files_of_an_older_snapshot_are_deleted_once_a_newer_one_is_complete(cloud):
    objects = cloud.folder / "state" / snapshots.BLOBS
    cloud.up(save_every=0)
    put(cloud, "a")
    saves.save(cloud.folder, "first")
    put(cloud, "a", b"second" * 50_000)
    assert len(list(objects.iterdir())) == 2
    saves.save(cloud.folder, "second")
    assert len(list(objects.iterdir())) == 1


def test_a_named_state_is_restored_on_the_same_port_whatever_happened_since(cloud):
    port = cloud.up(save_every=0).record.port
    put(cloud, "a")
    cloud.client("sqs").create_queue(QueueName="q")
    header = saves.save(cloud.folder, "fixture")
    assert (header.reason, header.counts["objects"]) == (snapshots.ON_SAVE, 1)
    put(cloud, "b")
    cloud.client("s3").delete_object(Bucket="lake", Key="a")
    cloud.client("sqs").create_queue(QueueName="later")
    assert supervisor.load(cloud.folder, "fixture", cloud.said.append) == header
    assert supervisor.status(cloud.folder).port == port
    assert keys(cloud) == {"a": LARGE}
    assert [url.rpartition("/")[2] for url in cloud.client("sqs").list_queues()["QueueUrls"]] == ["q"]


def test_a_stopped_cloud_can_save_and_load(saved):
    assert saves.save(saved.folder, "one").counts["objects"] == 1
    saved.up(save_every=0)
    put(saved, "more")
    saved.down()
    supervisor.load(saved.folder, "one", saved.said.append)
    assert list(saves.all_of(saved.folder)) == ["one"]
    saved.up()
    assert keys(saved) == {"saved": b"x" * 200_000}


def test_reset_keeps_named_states_unless_told(saved):
    saves.save(saved.folder, "one")
    supervisor.reset(saved.folder)
    assert list(saves.all_of(saved.folder)) == ["one"]
    supervisor.load(saved.folder, "one", saved.said.append)
    assert snapshots.read(saved.folder / "state")
    supervisor.reset(saved.folder, saves=True)
    assert not saved.folder.exists()


def test_wrong_names_are_refused_and_say_what_to_do(saved):
    saves.save(saved.folder, "one")
    with pytest.raises(LocalCloudError, match="saved as 'one' already") as taken:
        saves.save(saved.folder, "one")
    assert "dm local forget one" in taken.value.hint
    with pytest.raises(LocalCloudError, match="cannot be the name"):
        saves.save(saved.folder, "../outside")
    with pytest.raises(LocalCloudError, match="no state is saved as 'two'") as absent:
        supervisor.load(saved.folder, "two", saved.said.append)
    assert absent.value.hint == "there are: one"
    saves.forget(saved.folder, "one")
    assert saves.all_of(saved.folder) == {}


def test_a_damaged_save_is_refused_before_anything_is_dropped(saved):
    saves.save(saved.folder, "one")
    path = saved.folder / "saves" / "one" / snapshots.LAST
    path.write_bytes(path.read_bytes()[:-1])
    before = saved.folder.joinpath("state", snapshots.LAST).read_bytes()
    with pytest.raises(StateError, match="checksum is wrong") as damaged:
        supervisor.load(saved.folder, "one", saved.said.append)
    assert damaged.value.hint == "drop it: dm local forget one"
    assert saved.folder.joinpath("state", snapshots.LAST).read_bytes() == before


def test_a_save_that_cannot_be_used_does_not_hide_the_others(saved, dm_local):
    for name in ("one", "two"):
        saves.save(saved.folder, name)
    path = saved.folder / "saves" / "one" / snapshots.LAST
    header = json.loads(path.read_bytes().partition(b"\n")[0])
    path.write_text(json.dumps(header | {"moto": "1.0"}) + "\n")
    listed = dm_local("saves", "--dir", str(saved.folder), "--json")
    assert [one["name"] for one in listed.json] == ["two"]
    assert "is of moto 1.0" in listed.err
    assert "or drop it: dm local forget one" in listed.err


def test_a_state_that_cannot_be_saved_keeps_its_cloud_up_until_it_can(cloud):
    cloud.up()
    cloud.client("s3").put_object(Bucket="lake", Key="new", Body=b"1")
    # Blocks the path of the next snapshot: a full disk fails in the same call.
    in_the_way = cloud.folder / "state" / f".{snapshots.LAST}.new"
    in_the_way.mkdir()
    with pytest.raises(StateError, match="the cloud keeps running"):
        cloud.down()
    assert cloud.up().new == ("athena",)
    cloud.client("s3").put_object(Bucket="lake", Key="newer", Body=b"2")
    in_the_way.rmdir()
    assert cloud.down().reason == snapshots.AT_DOWN
    cloud.up()
    listed = cloud.client("s3").list_objects_v2(Bucket="lake")["Contents"]
    assert [one["Key"] for one in listed] == ["new", "newer"]


def test_changes_that_cannot_be_saved_are_reported_until_they_can(cloud, dm_local):
    record = cloud.up(save_every=0.05).record
    in_the_way = cloud.folder / "state" / f".{snapshots.LAST}.new"
    in_the_way.mkdir(parents=True)
    put(cloud, "a")
    wait_until(lambda: in_the_way.name in saves.problem(record))
    status = ("status", "--dir", str(cloud.folder))
    assert "cannot be saved: " in dm_local(*status).out
    assert in_the_way.name in dm_local(*status, "--json").json["not_saved"]
    in_the_way.rmdir()
    wait_until(lambda: not saves.problem(record))
    assert "cannot be saved" not in dm_local(*status).out


def test_a_blob_that_does_not_fit_leaves_no_partial_file(tmp_path):
    def pieces():
        yield b"first"
        raise OSError(ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        BlobStore(tmp_path).put(pieces())
    assert list(tmp_path.iterdir()) == []
