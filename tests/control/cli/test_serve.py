"""`dm serve` over real HTTP: a path returns what its command prints, and does what its command does."""

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest
from two_tables import BREWERIES, PROFILES, answer, land, rows

from control.adapters.s3 import S3Objects
from control.api.serve import MOST_OF_A_BODY, MOST_OF_A_HEAD
from control.config import Settings

TOKEN = "0123456789abcdef" * 2
DM = [sys.executable, "-m", "control.cli.main"]


@dataclass(frozen=True)
class Served:
    """A server and a client for it."""

    process: subprocess.Popen[str]
    address: str

    def get(self, path: str, **query: object) -> Any:
        """Send a GET."""
        return self.ask(urllib.request.Request(f"{self.address}{path}?{urlencode(query, doseq=True)}"))

    def post(self, path: str, **body: object) -> Any:
        """Send a POST."""
        headers = {"Content-Type": "application/json"}
        return self.ask(urllib.request.Request(self.address + path, json.dumps(body).encode(), headers))

    def ask(self, request: urllib.request.Request) -> Any:
        """Send a request with the token. Returns the body, or status and problem after an error."""
        request.add_header("Authorization", f"Bearer {TOKEN}")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def children(self) -> set[int]:
        """Return the processes in which commands run, forked from the one that the server starts for that."""
        found: set[int] = set()
        todo = [self.process.pid]
        while todo:
            pid = todo.pop()
            with suppress(OSError):  # it has ended in the meantime
                new = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
                todo += new
                found |= set(new)
        return found


@pytest.fixture
def served(lake: Settings) -> Iterator[Served]:
    environ = {**os.environ, "DM_API_TOKEN": TOKEN, "DM_ACTOR": "panel"}
    process = subprocess.Popen(
        [*DM, "serve", "--port", "0"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = process.stdout.readline()
    assert "token" not in told, "a token that the caller has set is not printed"
    yield Served(process, told.split()[2].rstrip("/"))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


def test_a_path_returns_what_its_command_prints(lake: Settings, served: Served) -> None:
    land(lake, "brewery/a.csv.gz", BREWERIES)
    land(lake, "profile/b.csv.gz", PROFILES)
    done = served.post("/ingest/run", until_idle=True)
    assert (done["registered"], [batch["state"] for batch in done["batches"]]) == (2, ["published"] * 2)
    assert [row["brewery_name"] for row in rows(lake, "brewery")] == ["Alpha", "Beta"]
    files = served.get("/files/list")
    assert files == answer("files", "list") != []
    assert served.get("/files/list", table="profile", limit=1) == [files[1]]
    one = files[0]["file_id"]
    assert served.get("/files/show", file_id=one[:12]) == answer("files", "show", one)
    refused = served.get("/quarantine/list")
    assert refused == answer("quarantine", "list") != []
    assert {line["raw"] for line in refused if line["table"] == "profile"} == {None}
    assert served.get("/quarantine/show", file_id=one) == answer("quarantine", "show", one)
    ages = ("age_seconds", "lag_seconds")
    for mine, theirs in zip(served.get("/status"), answer("status"), strict=True):
        assert {**mine, **dict.fromkeys(ages)} == {**theirs, **dict.fromkeys(ages)}


def test_actions_over_http_are_recorded_in_the_audit_trail(lake: Settings, served: Served) -> None:
    S3Objects(lake).put(f"s3://{lake.bucket}/raw/brewery/cut.csv.gz", gzip.compress(BREWERIES)[:-5])
    done = served.post("/ingest/run", until_idle=True)
    assert [finding["code"] for finding in done["findings"]] == ["batch.failed"]
    (failed,) = served.get("/files/list", state="failed")
    status, told = served.post("/files/redrive", file_ids=[failed["file_id"]])
    assert (status, told["detail"]) == (400, "Missing option '--reason'.")
    (again,) = served.post("/files/redrive", file_ids=[failed["file_id"]], reason="whole again")
    assert again["state"] == "pending"
    served.post("/ingest/run", until_idle=True)
    assert [file["waived"] for file in served.get("/files/list", state="failed")] == [False]
    served.post("/quarantine/waive", ids=[failed["file_id"]], reason="ticket 7")
    assert [file["waived"] for file in served.get("/files/list", state="failed")] == [True]
    trail = served.get("/quarantine/show", file_id=failed["file_id"])["trail"]
    assert [(deed["action"], deed["by"], deed["reason"]) for deed in trail] == [
        ("redrive", "panel", "whole again"),
        ("waive", "panel", "ticket 7"),
    ]


def test_errors_have_the_status_of_their_class(lake: Settings, served: Served) -> None:
    status, told = served.get("/files/show", file_id="0" * 12)
    assert (status, told["status"], told["retryable"]) == (404, 404, False)
    assert served.get("/files/list", state="lost")[0] == 400
    assert served.get("/files/list", limit=0)[0] == 400
    assert served.post("/quarantine/replay", reason="x")[1]["detail"].startswith(
        "name either files or a table"
    )


def test_concurrent_requests_get_the_same_answer(lake: Settings, served: Served) -> None:
    land(lake, "brewery/a.csv.gz", BREWERIES)
    served.post("/ingest/run", until_idle=True)
    expected = served.get("/files/list")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: served.get("/files/list"), range(40)))
    assert answers == [expected] * 40


def test_the_server_survives_a_killed_command(lake: Settings, served: Served) -> None:
    served.get("/files/list")
    before = served.children()
    for _ in range(20):  # until one is killed before it answers
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(served.get, "/status")
            while not asked.done():
                for pid in served.children() - before:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        if isinstance(asked.result(), tuple):
            break
    status, told = asked.result()
    assert (status, told["title"]) == (500, "Internal server error")
    assert served.get("/files/list") == []


def running(pids: set[int]) -> set[int]:
    """Return the processes that still exist."""
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


def test_stopping_the_server_ends_its_child_processes(lake: Settings, served: Served) -> None:
    served.get("/files/list")
    children = served.children()
    assert children
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=30) == 0
    deadline = time.monotonic() + 10
    while running(children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(children)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * MOST_OF_A_HEAD + b" HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * MOST_OF_A_HEAD + b"\r\n",
        b"POST /ingest/run HTTP/1.1\r\nContent-Length: %d\r\n" % (MOST_OF_A_BODY + 1),
    ],
    ids=["address", "header", "body"],
)
def test_an_oversized_request_is_refused_without_reading_it(served: Served, head: bytes) -> None:
    """A client without a token could exhaust the memory: a line of 300 MB took 2 GB."""
    host, _, port = served.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head + b"Host: 127.0.0.1\r\n\r\n")
        answered = connection.makefile("rb").read()  # to the end, because the server closes the connection
    assert answered.split()[1] in (b"413", b"414")


def serve(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Start a server that is expected to fail at startup."""
    return subprocess.run(
        [*DM, "serve", *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_reason_why_it_cannot_start_is_printed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = serve("--port", port)
        assert (ended.returncode, f"error: port {port} is in use" in ended.stderr) == (2, True)
    ended = serve("--port", "0", DM_API_TOKEN="short")
    assert (ended.returncode, "less than 32 characters" in ended.stderr) == (2, True)
    assert "short" not in ended.stderr
