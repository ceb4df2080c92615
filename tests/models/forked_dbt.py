"""dbt, imported once and forked for each command; a command can be killed at one of its statements.

Starting dbt takes 3 CPU seconds, and creating a hundred boto3 clients reads the same data files a hundred
times: that is half of a build. What runs here is dbt's own command line with the unmodified adapter, as
`dbt build` runs it.

As a script this is the process that forks: a JSON request a line on stdin, a JSON answer a line on stdout.
"""

import functools
import gc
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

START = b"AmazonAthena.StartQueryExecution"
# A long statement takes the local cloud 20 to 100 ms, of which dbt needs some to ask whether it still runs.
# How far it has got does not matter: the cloud ends what it began. Others are over after 3 to 10 ms.
LONG_SECONDS = 0.004
# A comment leads each statement, behind two hyphens, and some end with one.
COMMENT = re.compile(r"(?:--\s*)?/\*.*?\*/", re.DOTALL)
GET_QUERIES = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/athena/aws4_request, Signature=none",
    "Content-Type": "application/x-amz-json-1.1",
    "X-Amz-Target": "AmazonAthena.BatchGetQueryExecution",
}


@dataclass(frozen=True, slots=True)
class Death:
    """SIGKILL of dbt's process group: before a statement, or a share of the way into a long one.

    That is the first from there on which is not over by then, looked at twice as early each time.
    """

    statement: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended: its exit code (None when it was killed), its output and its statements.

    `died` is the moment of the kill, in seconds since 1970.
    """

    exit_code: int | None
    output: str
    statements: list[str]
    died: float | None


class ForkedDbt:
    """Commands of dbt against one cloud; what they write goes to `folder`."""

    def __init__(self, root: Path, folder: Path, env: Mapping[str, str]) -> None:
        self.root, self.folder = root, folder
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(root), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env=dict(env),
        )

    @property
    def trace(self) -> Path:
        """The statements of the command that runs, as they are accepted: one id a line."""
        return self.folder / "statements"

    def run(self, *arguments: str, death: Death | None = None) -> Outcome:
        """Run `dbt` with these arguments to its end."""
        self.trace.write_text("")
        request = {"arguments": arguments, "death": [death.statement, death.share] if death else None}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        status = json.loads(self._process.stdout.readline())
        lines = self.trace.read_text().split()
        died = [float(line[5:]) for line in lines if line.startswith("died=")]
        return Outcome(
            exit_code=None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status),
            output=(self.folder / "output").read_text(),
            statements=[line for line in lines if not line.startswith("died=")],
            died=died[0] if died else None,
        )

    def close(self) -> None:
        """End the process that forks."""
        self._process.communicate(timeout=60)


# --- the process that forks ------------------------------------------------------------------------------


def serve(root: Path, folder: Path) -> None:
    """Answer requests until stdin ends."""
    dbt = prepare()
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            os.setsid()
            output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(output, 1)
            os.dup2(output, 2)
            watch_statements(folder / "statements", Death(*request["death"]) if request["death"] else None)
            paths = ("--target-path", str(folder / "target"), "--log-path", str(folder / "logs"))
            sys.argv = ["dbt", "--no-use-colors", *request["arguments"], "--profiles-dir", "profiles", *paths]
            dbt()
            os._exit(0)
        print(os.waitpid(child, 0)[1], flush=True)


def prepare() -> Callable[[], None]:
    """Import dbt and read what it reads at each start; give its command line."""
    import boto3
    from botocore.loaders import JSONFileLoader
    from dbt.cli.main import cli

    importlib.import_module("dbt.adapters.athena")
    read = functools.cache(JSONFileLoader().load_file)
    JSONFileLoader.load_file = lambda _, path: read(path)
    session = boto3.session.Session("local", "local", region_name="us-east-1")
    for service in ("athena", "glue", "s3", "sts", "lakeformation"):
        session.client(service)
    gc.freeze()
    return cli


def watch_statements(trace: Path, death: Death | None) -> None:
    """Write down the id of each statement that the cloud accepts, and die at one of them."""
    from botocore.httpsession import URLLib3Session

    real, lock = URLLib3Session.send, threading.Lock()
    file = os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    sent, doomed, wait = 0, False, LONG_SECONDS * (death.share or 0) if death else 0

    def die() -> None:
        os.write(file, f"died={time.time()}\n".encode())
        os.killpg(0, signal.SIGKILL)

    def send(session: Any, request: Any) -> Any:
        nonlocal sent, doomed, wait
        target = request.headers.get("X-Amz-Target", b"")
        if target not in (START, START.decode()):
            return real(session, request)
        with lock:
            sent += 1
            is_due = death is not None and sent >= death.statement and not doomed
            is_last = is_due and (death.share is None or is_long(request))
            doomed = doomed or is_last
        if is_last and death.share is None:
            die()
        answer = real(session, request)
        query = json.loads(answer.content)["QueryExecutionId"]
        os.write(file, f"{query}\n".encode())
        if is_last:
            time.sleep(wait)
            if is_running(query, request.url):
                die()
            doomed, wait = False, wait / 2
        return answer

    URLLib3Session.send = send


def is_running(query: str, url: str) -> bool:
    """Whether the cloud is still at a query; asked for one, it would not answer before that is over."""
    with closing(HTTPConnection(urlsplit(url).netloc)) as cloud:
        cloud.request("POST", "/", json.dumps({"QueryExecutionIds": [query]}), GET_QUERIES)
        found = json.loads(cloud.getresponse().read())
    return found["QueryExecutions"][0]["Status"]["State"] in ("QUEUED", "RUNNING")


def is_long(request: Any) -> bool:
    """Whether a StartQueryExecution stages rows, audits them with the lease, or merges them."""
    words = COMMENT.sub("", json.loads(request.body)["QueryString"].lower()).split()
    return words[0] in ("merge", "update") or (words[:2] == ["create", "table"] and "as" in words)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
