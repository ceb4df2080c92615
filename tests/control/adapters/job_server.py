"""A server that runs jobs as EMR Serverless and Glue do: over HTTP, with states, limits and failures.

A run processes its order with the light engine; the interface is the order and the report. Each status
request moves a run to its next state.
"""

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from control.adapters.light import LightEngine
from control.errors import ControlError
from control.orders import WorkOrder
from control.ports import ObjectStore
from control.serialization import from_json

EMR = ("SUBMITTED", "PENDING", "SCHEDULED", "RUNNING")
GLUE = ("STARTING", "RUNNING")


@dataclass
class JobRun:
    """A run and its remaining states."""

    run_id: str
    token: str
    order: str
    ahead: list[str]
    state: str
    said: str = ""
    policy: str = ""


@dataclass
class JobServer:
    """Runs jobs on `objects`. The next `refuse_…` calls are refused; a lost start did start the run."""

    objects: ObjectStore
    refuse_starts: int = 0
    refuse_looks: int = 0
    lose_starts: int = 0
    runs: dict[str, JobRun] = field(default_factory=dict)

    def __enter__(self) -> "JobServer":
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"jobs": self}))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self._http.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def start(self, token: str, arguments: list[str], states: tuple[str, ...], policy: str = "") -> str:
        """Start a run, or return the one with the same token."""
        known = next((run for run in self.runs.values() if token and run.token == token), None)
        if known is None:
            order = arguments[arguments.index("--order") + 1]
            known = JobRun(f"run{len(self.runs)}", token, order, list(states[1:]), states[0], policy=policy)
            self.runs[known.run_id] = known
        return known.run_id

    def look(self, run_id: str, good: str) -> JobRun:
        """Move the run to its next state and return it; in the last one its work is done or has failed."""
        run = self.runs[run_id]
        if run.state in (*EMR, *GLUE):
            if run.ahead:
                run.state = run.ahead.pop(0)
            else:
                run.state, run.said = self._work(run, good)
        return run

    def cancel(self, run_id: str, state: str) -> None:
        """Cancel a run."""
        self.runs[run_id].state = state

    def _work(self, run: JobRun, good: str) -> tuple[str, str]:
        try:
            order = from_json(WorkOrder, self.objects.get(run.order), run.order)
            LightEngine(self.objects, b"").run(order, lambda: None)
        except ControlError as error:
            return "FAILED", f"secret row value: {error}"
        return good, ""


class _Handler(BaseHTTPRequestHandler):
    jobs: JobServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        with self.jobs._lock:
            target = self.headers.get("x-amz-target", "")
            self._glue(target.partition(".")[2], body) if target else self._emr_start(body)

    def do_GET(self) -> None:
        with self.jobs._lock:
            if self._spoiled("refuse_looks", 429, "ThrottlingException"):
                return
            run = self.jobs.look(self.path.rpartition("/")[2], "SUCCESS")
            self._answer(200, {"jobRun": {"state": run.state, "stateDetails": run.said}})

    def do_DELETE(self) -> None:
        with self.jobs._lock:
            self.jobs.cancel(self.path.rpartition("/")[2], "CANCELLED")
            self._answer(200, {})

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def _emr_start(self, body: dict[str, Any]) -> None:
        if not re.fullmatch(r"/applications/app1/jobruns", self.path):
            self._answer(404, {"__type": "ResourceNotFoundException"})
        elif not self._spoiled("refuse_starts", 429, "ThrottlingException"):
            arguments = body["jobDriver"]["sparkSubmit"]["entryPointArguments"]
            policy = body["executionIamPolicy"]["policy"]
            self._started({"jobRunId": self.jobs.start(body["clientToken"], arguments, EMR, policy)})

    def _glue(self, operation: str, body: dict[str, Any]) -> None:
        if operation == "StartJobRun":
            if not self._spoiled("refuse_starts", 400, "ConcurrentRunsExceededException"):
                arguments = [text for pair in body["Arguments"].items() for text in pair]
                self._started({"JobRunId": self.jobs.start("", arguments, GLUE)})
        elif operation == "BatchStopJobRun":
            self.jobs.cancel(body["JobRunIds"][0], "STOPPED")
            self._answer(200, {})
        elif not self._spoiled("refuse_looks", 400, "ThrottlingException"):
            run = self.jobs.look(body["RunId"], "SUCCEEDED")
            self._answer(200, {"JobRun": {"JobRunState": run.state, "ErrorMessage": run.said}})

    def _started(self, answer: dict[str, str]) -> None:
        if self.jobs.lose_starts:
            self.jobs.lose_starts -= 1
            self.close_connection = True
            return
        self._answer(200, answer)

    def _spoiled(self, kind: str, status: int, code: str) -> bool:
        left = getattr(self.jobs, kind)
        if left:
            setattr(self.jobs, kind, left - 1)
            self._answer(status, {"__type": code, "message": "not now"}, code)
        return bool(left)

    def _answer(self, status: int, body: dict[str, Any], code: str = "") -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        if code:
            self.send_header("x-amzn-errortype", code)
        self.end_headers()
        self.wfile.write(content)
