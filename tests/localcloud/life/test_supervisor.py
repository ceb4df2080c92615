import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud import processes, supervisor
from localcloud.errors import LocalCloudError, NotRunningError, PortTakenError, StartError


def listening(pid: int) -> set[str]:
    """Addresses, as /proc writes them, on which the process listens."""
    sockets = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            row = line.split()
            if row[3] == processes.LISTEN and f"socket:[{row[9]}]" in sockets:
                found.add(row[1].partition(":")[0])
    return found


def test_every_listener_is_on_the_loopback_address(cloud):
    cloud.up()
    for part in ("aws", "athena"):
        assert listening(cloud.pid(part)) == {"0100007F"}


def test_a_second_up_changes_nothing(cloud):
    first = cloud.up()
    second = cloud.up()
    assert first.new == ("aws", "athena")
    assert second.new == ()
    assert second.record == first.record


def test_the_state_comes_back_after_down_and_up(cloud):
    cloud.up(buckets=("lake", "other"))
    cloud.client("s3").put_object(Bucket="other", Key="a", Body=b"kept")
    header = cloud.down()
    assert header.counts["objects"] == 1
    cloud.up()
    assert cloud.client("s3").get_object(Bucket="other", Key="a")["Body"].read() == b"kept"
    assert any(header.saved_at in line for line in cloud.said)


def test_down_leaves_no_process(cloud):
    parts = cloud.up().record.parts
    cloud.down()
    assert not any(part.runs for part in parts)
    with pytest.raises(NotRunningError, match="no local cloud runs"):
        supervisor.status(cloud.folder)


def test_two_instances_run_side_by_side(new_cloud):
    one, two = new_cloud("one"), new_cloud("two")
    one.up()
    two.up()
    one.client("s3").put_object(Bucket="lake", Key="only-in-one", Body=b"")
    assert two.client("s3").list_objects_v2(Bucket="lake")["KeyCount"] == 0


def test_a_taken_port_is_named_with_the_process_that_has_it(cloud):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError) as error:
            cloud.up(port=port)
    assert str(port) in error.value.message
    assert str(os.getpid()) in error.value.message
    assert "--port" in error.value.hint
    with pytest.raises(NotRunningError):
        supervisor.status(cloud.folder)


def test_a_folder_with_files_of_others_is_refused(cloud):
    cloud.folder.mkdir()
    cloud.folder.joinpath("precious").write_text("x")
    with pytest.raises(LocalCloudError, match="did not make"):
        cloud.up()


def test_reset_leaves_files_of_others(cloud):
    parts = cloud.up().record.parts
    precious = cloud.folder / "precious"
    precious.write_text("x")
    supervisor.reset(cloud.folder)
    assert not any(part.runs for part in parts)
    assert list(cloud.folder.iterdir()) == [precious]


def test_reset_of_a_folder_that_is_not_ours_is_refused(cloud):
    cloud.folder.mkdir()
    cloud.folder.joinpath("state").mkdir()
    with pytest.raises(NotRunningError):
        supervisor.reset(cloud.folder)
    assert cloud.folder.joinpath("state").is_dir()


def test_after_a_kill_of_the_aws_part_up_brings_the_last_snapshot_back_on_the_same_port(cloud):
    port = cloud.up().record.port
    cloud.client("s3").put_object(Bucket="lake", Key="saved", Body=b"1" * 100_000)
    saved = cloud.down()
    cloud.up(port=port)
    cloud.client("s3").put_object(Bucket="lake", Key="unsaved", Body=b"2" * 100_000)
    cloud.client("s3").delete_object(Bucket="lake", Key="saved")
    os.kill(cloud.pid("aws"), signal.SIGKILL)
    record = cloud.up().record
    assert record.port == port
    keys = [o["Key"] for o in cloud.client("s3").list_objects_v2(Bucket="lake")["Contents"]]
    assert keys == ["saved"]
    assert cloud.client("s3").get_object(Bucket="lake", Key="saved")["Body"].read() == b"1" * 100_000
    assert any(saved.saved_at in line for line in cloud.said)


def test_after_a_kill_of_the_athena_part_up_starts_it_alone(cloud):
    cloud.up()
    aws = cloud.pid("aws")
    os.kill(cloud.pid("athena"), signal.SIGKILL)
    assert cloud.up().new == ("athena",)
    assert cloud.pid("aws") == aws


def test_an_up_that_fails_stops_what_it_started_and_shows_the_log(cloud):
    failing = (sys.executable, "-c", "raise SystemExit('no engine here')")
    with pytest.raises(StartError, match="no engine here"):
        cloud.up(athena=failing)
    with pytest.raises(NotRunningError):
        supervisor.status(cloud.folder)


def test_a_process_that_took_over_a_pid_is_left_alone():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        processes.kill(other.pid, "another start time")
        assert processes.stop(other.pid, "another start time", grace=0)
        assert other.poll() is None
        start = processes.started(other.pid)
        assert start is not None
        assert processes.stop(other.pid, start, grace=5)
    assert processes.started(other.pid) is None


def test_settings_that_point_at_real_aws_do_not_reach_the_parts(cloud, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    cloud.up()
    for part in ("aws", "athena"):
        environment = Path(f"/proc/{cloud.pid(part)}/environ").read_bytes().decode()
        assert "production" not in environment
        assert "proxy.invalid" not in environment
        assert "AWS_CONFIG_FILE=/dev/null" in environment


def test_the_state_is_for_its_owner_only(cloud):
    cloud.up()
    assert cloud.folder.stat().st_mode & 0o077 == 0
