import http.client
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

READY = re.compile(r"gateway\.ready port=(\d+)")


@pytest.fixture(scope="module")
def process(endpoint: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "localcloud.athena", "--port", "0", "--endpoint", endpoint]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        lines = []
        for line in running.stderr:
            lines.append(line)
            if found := READY.search(line):
                break
        else:
            pytest.fail("".join(lines))
        yield running, int(found[1])
        running.kill()


def listening(pid: int) -> set[str]:
    """Return the local addresses, in the kernel's hexadecimal, on which a process listens."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:  # closed between listing and reading
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1].partition(":")[0])
    return found


def test_the_gateway_answers_queries(process: tuple[subprocess.Popen[str], int]):
    _, port = process
    athena = boto3.client(
        "athena",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    result = {"OutputLocation": "s3://lake/results/"}
    started = athena.start_query_execution(QueryString="select 1 as x", ResultConfiguration=result)
    query_id = started["QueryExecutionId"]
    while athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]["State"] not in (
        "SUCCEEDED",
        "FAILED",
    ):
        pass
    rows = athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]["Rows"]
    assert [row["Data"][0]["VarCharValue"] for row in rows] == ["x", "1"]
    athena.close()


def test_the_gateway_serves_on_loopback_only_and_ends_when_asked(process: tuple[subprocess.Popen[str], int]):
    running, port = process
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()
    assert listening(running.pid) == {"0100007F"}
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 0
