import errno
import os
import re
import signal
import subprocess
import sys

import boto3
import pytest
from raising import raising

from localcloud import processes
from localcloud.cli import main


def test_up_status_env_down(tmp_path, dm_local):
    up = dm_local("up", "--port", "0", "--bucket", "lake", "--bucket", "second")
    assert up.code == 0, up.err
    status = dm_local("status", "--json").json
    assert status["endpoint"] in up.out
    assert status["region"] == "us-east-1"
    for part in status["parts"]:
        assert part["running"]
        assert part["memory_bytes"] > 1_000_000
        assert {"name", "pid", "port", "version"} <= part.keys()
    assert next(part["name"] for part in status["parts"]) == "aws"

    athena = boto3.client(
        "athena",
        endpoint_url=status["endpoint"],
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    assert athena.get_work_group(WorkGroup="primary")["WorkGroup"]["State"] == "ENABLED"

    again = dm_local("up", "--dir", str(tmp_path / "cloud"))
    assert again.code == 0
    assert "up already" in again.out
    (told,) = re.findall(r'eval "\$\((.*)\)"$', again.out, re.MULTILINE)
    assert told.endswith(f"-m localcloud env --dir {tmp_path / 'cloud'}")
    # Works whatever `python` is in the user's shell.
    typed = subprocess.run(
        ["/bin/sh", "-c", told], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=True
    )
    assert f"export AWS_ENDPOINT_URL={status['endpoint']}\n" in typed.stdout

    env = dm_local("env")
    assert f"export AWS_ENDPOINT_URL={status['endpoint']}\n" in env.out
    assert "export AWS_SECRET_ACCESS_KEY=local\n" in env.out
    assert dm_local("env", "--json").json["AWS_EC2_METADATA_DISABLED"] == "true"

    assert "last: never" in dm_local("status").out
    assert dm_local("save", "one", "--json").json["name"] == "one"
    assert dm_local("status", "--json").json["last_snapshot"]["reason"] == "save"
    assert [one["name"] for one in dm_local("saves", "--json").json] == ["one"]
    assert "loaded one" in dm_local("load", "one").out
    status = dm_local("status", "--json").json

    down = dm_local("down")
    assert down.code == 0, down.err
    assert "dropped" in dm_local("forget", "one").out
    assert "state saved at" in down.out
    assert not any(processes.started(part["pid"]) for part in status["parts"])


def test_a_cloud_that_runs_outdated_code_says_so(cloud, dm_local):
    """For example after a checkout of another version: its processes still run the code that they loaded."""
    cloud.up()
    assert "before its code changed" not in dm_local("status").err
    os.utime(cloud.folder / "running.json", (1, 1))
    for command in ("up", "status"):
        told = dm_local(command)
        assert told.code == 0
        assert "started before its code changed" in told.err


def test_commands_on_a_cloud_that_does_not_run(dm_local):
    status = dm_local("status")
    assert (status.code, status.out[:11]) == (1, "not running")
    asked = dm_local("status", "--json", AWS_REGION="eu-west-1")
    assert (asked.code, asked.json) == (1, {"endpoint": None, "region": "eu-west-1", "parts": []})
    for command in ("env", "down", "reset"):
        refused = dm_local(command)
        assert refused.code == 2, command
        assert "try: " in refused.err


def test_a_full_disk_is_reported_in_plain_words(monkeypatch, capsys):
    full = raising(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    monkeypatch.setattr("localcloud.cli.local", full)
    with pytest.raises(SystemExit) as ended:
        main("dm local")
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert "error: nothing more can be written here: No space left on device" in told
    assert "try: make room" in told


def test_a_part_that_died_shows_in_the_status(running, dm_local):
    running.kill("athena")
    status = dm_local("status", "--dir", str(running.folder))
    running.up()
    assert status.code == 1
    assert "athena" in status.out
    assert "not running" in status.out
    assert "dm local up" in status.out


def test_a_wrong_port_is_refused(dm_local):
    assert dm_local("up", "--port", "99999").code == 2
    assert dm_local("up", DM_LOCAL_SAVE_EVERY="often").code == 2
    refused = dm_local("up", DM_LOCAL_PORT="http")
    assert refused.code == 2
    assert "DM_LOCAL_PORT is 'http'" in refused.err


def test_every_command_has_help_with_an_example(dm_local):
    for command in ("up", "down", "status", "save", "load", "saves", "forget", "reset", "env"):
        help_text = dm_local(command, "--help")
        assert help_text.code == 0
        assert f"dm local {command}" in help_text.out
        assert "Example" in help_text.out


def test_an_interrupted_up_leaves_no_process(tmp_path, dm_local):
    command = [sys.executable, "-m", "localcloud", "up", "--port", "0", "--dir", str(tmp_path / "cloud")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as up:
        assert up.stderr is not None
        assert "starting aws" in up.stderr.readline()
        pids = [part["pid"] for part in dm_local("status", "--json").json["parts"]]
        up.send_signal(signal.SIGINT)
    assert pids
    assert dm_local("status").code == 1
    for pid in pids:
        assert processes.started(pid) is None


def test_a_folder_that_cannot_be_created_gives_a_message_without_traceback(tmp_path, dm_local):
    (tmp_path / "file").touch()
    done = dm_local("up", "--dir", str(tmp_path / "file" / "cloud"))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: '{tmp_path}/file")
    assert "Not a directory\n  try: another folder with --dir" in done.err
