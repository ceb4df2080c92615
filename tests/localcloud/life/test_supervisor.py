import fcntl
import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest

from localcloud import processes, supervisor
from localcloud.errors import LocalCloudError, NotRunningError, PortTakenError, StartError
from localcloud.instance import Folder


def listening(pid):
    """Return the addresses, as in /proc, on which the process listens."""
    sockets = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()[1:]
    ]
    mine = [row for row in rows if row[3] == processes.LISTEN and f"socket:[{row[9]}]" in sockets]
    return {row[1].partition(":")[0] for row in mine}


def test_every_listener_is_on_the_loopback_address(running):
    for part in ("aws", "athena"):
        assert listening(running.pid(part)) == {"0100007F"}


def test_a_second_up_changes_nothing(running):
    before = supervisor.status(running.folder)
    second = running.up()
    assert second.new == ()
    assert second.record == before


def test_settings_that_point_at_real_aws_do_not_reach_the_parts(running):
    for part in ("aws", "athena"):
        environment = Path(f"/proc/{running.pid(part)}/environ").read_bytes().decode()
        assert "production" not in environment
        assert "proxy.invalid" not in environment
        assert "AWS_CONFIG_FILE=/dev/null" in environment


def test_the_folder_is_for_its_owner_only(cloud, running):
    with pytest.raises(StartError):
        cloud.up(athena=(sys.executable, "-c", "raise SystemExit(1)"))
    assert cloud.folder.stat().st_mode & 0o077 == 0


def test_data_folders_are_private_in_a_folder_that_others_may_enter(tmp_path):
    folder = Folder(tmp_path / "cloud")
    folder.path.mkdir(mode=0o755)
    folder.prepare()
    folder.scratch("athena")
    inside = {path.name: path.stat().st_mode & 0o077 for path in folder.path.rglob("*") if path.is_dir()}
    assert inside == dict.fromkeys(("logs", "state", "saves", "scratch", "athena"), 0)


def test_two_instances_run_side_by_side(running, saved):
    saved.up()
    assert saved.client("s3").list_objects_v2(Bucket="lake")["KeyCount"] == 1
    assert running.client("s3").list_objects_v2(Bucket="lake")["KeyCount"] == 0


def test_after_a_kill_of_the_athena_part_up_starts_it_alone(running):
    aws = running.pid("aws")
    running.kill("athena")
    assert running.up().new == ("athena",)
    assert running.pid("aws") == aws


def test_after_a_kill_of_the_aws_part_up_brings_the_last_snapshot_back_on_the_same_port(saved):
    port = saved.up().record.port
    s3 = saved.client("s3")
    s3.put_object(Bucket="lake", Key="unsaved", Body=b"2" * 100_000)
    s3.delete_object(Bucket="lake", Key="saved")
    saved.kill("aws")
    assert saved.up().record.port == port
    s3 = saved.client("s3")
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="lake")["Contents"]] == ["saved"]
    assert s3.get_object(Bucket="lake", Key="saved")["Body"].read() == b"x" * 200_000
    assert any("brought back the state saved at" in line for line in saved.said)


def test_down_leaves_no_process(saved):
    parts = saved.up().record.parts
    saved.down()
    assert not any(part.runs for part in parts)
    with pytest.raises(NotRunningError, match="no local cloud runs"):
        supervisor.status(saved.folder)


def test_a_command_without_dir_names_the_folder_where_a_cloud_runs(running, tmp_path):
    running.up()
    with pytest.raises(NotRunningError) as error:
        supervisor.status(running.folder.with_name("forgotten"))
    # Clouds of other tests may be beside it; the first one is named.
    named = re.fullmatch(r"dm local up; or add --dir (\S+), where one runs", error.value.hint)
    assert named is not None, error.value.hint
    assert Path(named[1]).parent == running.folder.parent
    assert supervisor.status(Path(named[1])).parts
    with pytest.raises(NotRunningError) as error:
        supervisor.status(tmp_path / "alone" / "forgotten")
    assert error.value.hint == "dm local up"


def test_a_killed_cloud_can_be_restarted_on_its_port_and_the_error_says_how(cloud):
    port = cloud.up().record.port
    cloud.kill_all()
    with pytest.raises(NotRunningError) as error:
        supervisor.status(cloud.folder)
    assert error.value.hint.startswith(f"dm local up --dir {cloud.folder}")
    assert cloud.up(port=None).record.port == port


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


def test_a_folder_with_other_files_is_refused(cloud):
    cloud.folder.mkdir()
    cloud.folder.joinpath("precious").write_text("x")
    with pytest.raises(LocalCloudError, match="did not make"):
        cloud.up()


def test_reset_stops_everything_and_leaves_other_files(saved):
    parts = saved.up().record.parts
    precious = saved.folder / "precious"
    precious.write_text("x")
    supervisor.reset(saved.folder)
    assert not any(part.runs for part in parts)
    assert list(saved.folder.iterdir()) == [precious]


def test_an_up_that_waits_for_a_reset_creates_the_folder_again(saved, monkeypatch):
    lock, waiting = fcntl.flock, Event()

    def announced(file, kind):
        waiting.set()
        lock(file, kind)

    with ThreadPoolExecutor(1) as pool, Folder(saved.folder).locked():
        monkeypatch.setattr(fcntl, "flock", announced)
        started = pool.submit(saved.up)
        assert waiting.wait(60)  # for the lock of the folder that is about to go
        Folder(saved.folder).clear(saves=True)
    assert started.result().new == ("aws", "athena")
    assert Folder(saved.folder).marked
    assert saved.client("s3").list_objects_v2(Bucket="lake")["KeyCount"] == 0
    with pytest.raises(NotRunningError), Folder(saved.folder.with_name("absent")).locked():
        pass


def test_reset_of_a_folder_that_is_not_ours_is_refused(cloud):
    cloud.folder.joinpath("state").mkdir(parents=True)
    with pytest.raises(NotRunningError):
        supervisor.reset(cloud.folder)
    assert cloud.folder.joinpath("state").is_dir()


def test_an_up_that_fails_stops_what_it_started_and_shows_the_log(cloud):
    failing = (sys.executable, "-c", "raise SystemExit('no engine here')")
    with pytest.raises(StartError, match="no engine here"):
        cloud.up(athena=failing)
    with pytest.raises(NotRunningError):
        supervisor.status(cloud.folder)


def test_an_up_that_is_terminated_leaves_no_process(tmp_path):
    folder = tmp_path / "cloud"
    command = [sys.executable, "-m", "localcloud", "up", "--dir", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as up:
        assert up.stderr is not None
        assert up.stderr.readline().startswith("starting aws")
        up.terminate()
    assert processes_in(folder) == []


def test_of_an_up_that_is_killed_the_next_one_finds_the_parts(cloud, monkeypatch):
    def killed(*_):
        found = Folder(cloud.folder).read()
        assert found is not None
        assert found.part("aws"), "a part that no record names would outlive every command"
        raise StartError("")

    with monkeypatch.context() as patched:
        patched.setattr(supervisor.launch, "start_athena", killed)
        with pytest.raises(StartError):
            cloud.up()


def processes_in(folder):
    """Return the command lines of the running processes that name `folder`."""
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    return [command for command in commands if str(folder).encode() in command]


def test_a_process_that_reuses_a_pid_is_left_alone():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        processes.kill(other.pid, "another start time")
        assert processes.stop(other.pid, "another start time", grace=0)
        assert other.poll() is None
        start = processes.started(other.pid)
        assert start is not None
        assert processes.stop(other.pid, start, grace=5)
    assert processes.started(other.pid) is None


def test_concurrent_commands_can_create_the_same_folder(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        for number in range(100):
            folder, gate = Folder(tmp_path / str(number)), Barrier(8)

            def prepare(folder=folder, gate=gate):
                gate.wait()
                folder.prepare()

            for done in [pool.submit(prepare) for _ in range(8)]:
                done.result()
            assert folder.marked
