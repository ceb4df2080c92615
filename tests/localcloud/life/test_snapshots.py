import json
import pickle
from errno import ENOSPC

import pytest
from raising import raising

from localcloud import saves, snapshots
from localcloud.errors import StartError, StateError


def rewrite_header(folder, **changes):
    path = folder / "state" / snapshots.LAST
    line, _, content = path.read_bytes().partition(b"\n")
    path.write_bytes(json.dumps(json.loads(line) | changes).encode() + b"\n" + content)


def test_a_snapshot_of_another_moto_version_is_refused_by_name(saved):
    rewrite_header(saved.folder, moto="4.0.0")
    with pytest.raises(StateError, match=r"is of moto 4\.0\.0") as error:
        saved.up()
    assert "install moto 4.0.0" in error.value.hint


def test_a_snapshot_of_another_format_is_refused(saved):
    rewrite_header(saved.folder, format=99)
    with pytest.raises(StateError, match="format 99"):
        saved.up()


def test_a_damaged_snapshot_is_refused(saved):
    path = saved.folder / "state" / snapshots.LAST
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StartError, match="checksum is wrong"):
        saved.up()


def test_a_snapshot_without_its_objects_is_refused(saved):
    (blob,) = saved.folder.joinpath("state", snapshots.BLOBS).iterdir()
    blob.write_bytes(b"cut")
    with pytest.raises(StartError, match="missing or cut short"):
        saved.up()
    assert blob.read_bytes() == b"cut"


def test_a_foreign_snapshot_cannot_run_code(saved):
    class Evil:
        def __reduce__(self):
            return print, ("owned",)

    content = snapshots.Content(pickle.dumps(Evil()), frozenset(), {})
    snapshots.write(saved.folder / "state", content, saved_by="someone", reason=snapshots.AT_DOWN)
    with pytest.raises(StartError, match=r"names builtins\.print"):
        saved.up()


def test_files_of_deleted_objects_are_removed(saved):
    objects = saved.folder / "state" / snapshots.BLOBS
    saved.up()
    s3 = saved.client("s3")
    s3.put_object(Bucket="lake", Key="short-lived", Body=b"y" * 200_000)
    assert len(list(objects.iterdir())) == 2
    s3.delete_object(Bucket="lake", Key="short-lived")
    assert len(list(objects.iterdir())) == 1
    s3.delete_object(Bucket="lake", Key="saved")
    assert len(list(objects.iterdir())) == 1, "the last snapshot still needs it"
    saved.down()
    saved.up()
    assert list(objects.iterdir()) == []


def test_a_snapshot_that_does_not_fit_keeps_the_last_one_and_leaves_no_partial_file(saved, monkeypatch):
    full = raising(OSError(ENOSPC, "No space left on device"))
    state, before = saved.folder / "state", snapshots.header(saved.folder / "state")
    there = sorted(state.rglob("*"))
    monkeypatch.setattr(snapshots.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        snapshots.write(state, snapshots.Content(b"", frozenset(), {}), saved_by="x", reason="save")
    assert (snapshots.header(state), sorted(state.rglob("*"))) == (before, there)
    with pytest.raises(OSError, match="No space left"):
        saves.save(saved.folder, "one")
    assert list((saved.folder / "saves").iterdir()) == []
