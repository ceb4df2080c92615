"""Run dbt commands that can be killed at one of their statements.

Run as a program, this is the process that forks, as in `loaded_dbt`.
"""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from loaded_dbt import LoadedDbt, serve

START = b"AmazonAthena.StartQueryExecution"
# A long statement takes the local cloud 20 to 100 ms; dbt needs part of that to ask whether it still runs.
# How far it has got at the kill does not matter: the cloud finishes what it began. Others take 3 to 10 ms.
LONG_SECONDS = 0.004
# Each statement starts with a comment, after two hyphens; some also end with one.
COMMENT = re.compile(r"(?:--\s*)?/\*.*?\*/", re.DOTALL)
GET_QUERIES = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/athena/aws4_request, Signature=none",
    "Content-Type": "application/x-amz-json-1.1",
    "X-Amz-Target": "AmazonAthena.BatchGetQueryExecution",
}


@dataclass(frozen=True, slots=True)
class Death:
    """SIGKILL of dbt's process group: before a statement, or part of the way into a long one.

    With a `share`, it hits the first long statement from `statement` on that still runs when looked at; after
    each miss, the next one is looked at after half the time.
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
    """Runs dbt commands against one cloud; they write their files to `folder`."""

    def __init__(self, root: Path, folder: Path, env: Mapping[str, str]) -> None:
        self.root, self.folder, self.env = root, folder, env
        self._dbt = LoadedDbt(__name__)

    @property
    def trace(self) -> Path:
        """The file of the running command's accepted statements: one id a line."""
        return self.folder / "statements"

    def run(self, *arguments: str, death: Death | None = None) -> Outcome:
        """Run `dbt` with these arguments and return its outcome."""
        self.trace.write_text("")
        places = ("--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs"))
        command = ("--no-use-colors", *arguments, "--profiles-dir", "profiles", *places)
        doom = [death.statement, death.share] if death else None
        done = self._dbt.run(command, self.root, self.env, trace=str(self.trace), death=doom)
        lines = self.trace.read_text().split()
        died = [float(line[5:]) for line in lines if line.startswith("died=")]
        return Outcome(
            exit_code=done.returncode if done.returncode >= 0 else None,
            output=done.stdout + done.stderr,
            statements=[line for line in lines if not line.startswith("died=")],
            died=died[0] if died else None,
        )

    def close(self) -> None:
        """Stop the process that forks."""
        self._dbt.close()


# --- the process that forks ------------------------------------------------------------------------------


def prepare(request: dict[str, Any]) -> None:
    """Watch the statements of the command that this child process is about to run."""
    watch_statements(Path(request["trace"]), Death(*request["death"]) if request["death"] else None)


def watch_statements(trace: Path, death: Death | None) -> None:
    """Record the id of each statement that the cloud accepts, and die at one of them."""
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
    """Return whether a query still runs. GetQueryExecution of one query would wait until it is over."""
    with closing(HTTPConnection(urlsplit(url).netloc)) as cloud:
        cloud.request("POST", "/", json.dumps({"QueryExecutionIds": [query]}), GET_QUERIES)
        found = json.loads(cloud.getresponse().read())
    return found["QueryExecutions"][0]["Status"]["State"] in ("QUEUED", "RUNNING")


def is_long(request: Any) -> bool:
    """Return whether a StartQueryExecution is a CREATE TABLE AS, an UPDATE of the lease, or a MERGE."""
    words = COMMENT.sub("", json.loads(request.body)["QueryString"].lower()).split()
    return words[0] in ("merge", "update") or (words[:2] == ["create", "table"] and "as" in words)


if __name__ == "__main__":
    serve(prepare)
