"""`dm serve` over real HTTP: a path answers what its command prints, and does what its command does."""

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
    """A server, and how to ask it."""

    process: subprocess.Popen[str]
    address: str

    def get(self, path: str, **query: object) -> Any:
        """What a GET answers."""
        return self.ask(urllib.request.Request(f"{self.address}{path}?{urlencode(query, doseq=True)}"))

    def post(self, path: str, **body: object) -> Any:
        """What a POST answers."""
        headers = {"Content-Type": "application/json"}
        return self.ask(urllib.request.Request(self.address + path, json.dumps(body).encode(), headers))

    def ask(self, request: urllib.request.Request) -> Any:
        """What it answers, with the token; status and problem where it has no answer."""
        request.add_header("Authorization", f"Bearer {TOKEN}")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def children(self) -> set[int]:
        """The processes that commands run in: forked from the one that the server has started for that."""
        found: set[int] = set()
        todo = [self.process.pid]
        while todo:
            pid = todo.pop()
            with suppress(OSError):  # it has ended meanwhile
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
    assert "token" not in told, "a token that its owner knows is printed nowhere"
    yield Served(process, told.split()[2].rstrip("/"))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


def test_what_a_command_prints_is_what_its_path_answers(lake: Settings, served: Served) -> None:
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


def test_people_act_by_it_with_a_trail(lake: Settings, served: Served) -> None:
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


def test_many_ask_at_once(lake: Settings, served: Served) -> None:
    land(lake, "brewery/a.csv.gz", BREWERIES)
    served.post("/ingest/run", until_idle=True)
    expected = served.get("/files/list")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: served.get("/files/list"), range(40)))
    assert answers == [expected] * 40


def test_a_command_that_is_killed_takes_nothing_with_it(lake: Settings, served: Served) -> None:
    served.get("/files/list")
    before = served.children()
    for _ in range(20):  # until one is killed before it has answered
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


def still(pids: set[int]) -> set[int]:
    """Those that are there."""
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


def test_its_end_is_the_end_of_what_it_runs(lake: Settings, served: Served) -> None:
    served.get("/files/list")
    children = served.children()
    assert children
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=30) == 0
    deadline = time.monotonic() + 10
    while still(children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not still(children)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * MOST_OF_A_HEAD + b" HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * MOST_OF_A_HEAD + b"\r\n",
        b"POST /ingest/run HTTP/1.1\r\nContent-Length: %d\r\n" % (MOST_OF_A_BODY + 1),
    ],
    ids=["address", "header", "body"],
)
def test_what_has_no_end_is_not_read_to_it(served: Served, head: bytes) -> None:
    """Whoever has no token could fill the memory: a line of 300 MB took 2 GB."""
    host, _, port = served.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head + b"Host: 127.0.0.1\r\n\r\n")
        answered = connection.makefile("rb").read()  # to the end: the connection is closed
    assert answered.split()[1] in (b"413", b"414")


def serve(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Start a server that is expected not to come up."""
    return subprocess.run(
        [*DM, "serve", *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_keeps_it_from_starting_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = serve("--port", port)
        assert (ended.returncode, f"error: port {port} is in use" in ended.stderr) == (2, True)
    ended = serve("--port", "0", DM_API_TOKEN="short")
    assert (ended.returncode, "less than 32 characters" in ended.stderr) == (2, True)
    assert "short" not in ended.stderr
