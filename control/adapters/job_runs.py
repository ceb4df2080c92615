"""The Spark engine on AWS: one job run per order, on EMR Serverless or as a Glue job, polled until it ends.

Both run `spark/jobs/ingest.py`; its arguments and two JSON objects are the whole interface.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Literal, Protocol

from control.adapters.aws import client, translated
from control.config import Settings
from control.errors import ControlError, EngineError, ThrottledError, UnavailableError, UsageError
from control.orders import Report, WorkOrder
from control.ports import Clock, ObjectStore
from control.serialization import from_json

POLL_SECONDS = 5.0
# After this many failed polls in a row (ten minutes), the run counts as lost.
MAX_FAILED_POLLS = 120
State = Literal["waiting", "done", "failed"]


class JobRuns(Protocol):
    """A service that runs jobs."""

    def start(self, order: WorkOrder) -> str:
        """Start a run of the order and return its id. Raises ThrottledError if too many are running."""

    def look(self, run_id: str) -> tuple[State, str]:
        """Return the state of a run, and the service's message about it."""

    def cancel(self, run_id: str) -> None:
        """Ask a run to end."""


class JobEngine:
    """Runs orders as job runs of a service."""

    def __init__(self, runs: JobRuns, objects: ObjectStore, clock: Clock) -> None:
        self._runs, self._objects, self._clock = runs, objects, clock

    def run(self, order: WorkOrder, beat: Callable[[], None]) -> Report:
        """See Engine. Cancels the run if `beat` raises."""
        run_id = self._start(order, beat)
        try:
            state, said = self._follow(run_id, beat)
        except BaseException:
            with suppress(ControlError):  # if it keeps running, it writes to a folder that nothing refers to
                self._runs.cancel(run_id)
            raise
        if state == "failed":
            # The message may have a line of a stack trace, which may contain a value of a row.
            self._objects.put(order.document("job.log"), said.encode())
            raise EngineError(
                f"attempt {order.attempt}: job run {run_id} failed",
                hint=f"the reason is in {order.document('job.log')}",
            )
        report = order.document("report.json")
        return from_json(Report, self._objects.get(report), report)

    def _start(self, order: WorkOrder, beat: Callable[[], None]) -> str:
        """Start the run, waiting while too many are running."""
        while True:
            beat()
            try:
                return self._runs.start(order)
            except ThrottledError:
                self._clock.sleep(POLL_SECONDS)

    def _follow(self, run_id: str, beat: Callable[[], None]) -> tuple[State, str]:
        blind = 0
        while True:
            beat()
            try:
                state, said = self._runs.look(run_id)
            except (ThrottledError, UnavailableError):
                blind += 1
                if blind >= MAX_FAILED_POLLS:
                    raise
            else:
                blind = 0
                if state != "waiting":
                    return state, said
            self._clock.sleep(POLL_SECONDS)


class EmrServerless:
    """Job runs of one EMR Serverless application.

    Starting is idempotent: the attempt is the client token, so a lost response starts no second run. A
    session policy limits the run to what its order names.
    """

    def __init__(self, settings: Settings, *, application: str, role: str, job: str) -> None:
        self._application, self._role, self._job = application, role, job
        self._endpoint = settings.endpoint
        self._client = client(settings, "emr-serverless")

    def start(self, order: WorkOrder) -> str:
        """See JobRuns."""
        with self._translated():
            answer = self._client.start_job_run(
                applicationId=self._application,
                clientToken=order.attempt,
                executionRoleArn=self._role,
                executionIamPolicy={"policy": json.dumps(session_policy(order, self._job))},
                jobDriver={
                    "sparkSubmit": {
                        "entryPoint": f"{self._job}/ingest.py",
                        "entryPointArguments": _arguments(order),
                        "sparkSubmitParameters": f"--py-files {self._job}/ingest.zip",
                    }
                },
                name=order.attempt,
            )
        run_id: str = answer["jobRunId"]
        return run_id

    def look(self, run_id: str) -> tuple[State, str]:
        """See JobRuns."""
        with self._translated():
            found = self._client.get_job_run(applicationId=self._application, jobRunId=run_id)["jobRun"]
        return _state(found["state"], {"SUCCESS"}), found.get("stateDetails", "")

    def cancel(self, run_id: str) -> None:
        """See JobRuns."""
        with self._translated():
            self._client.cancel_job_run(applicationId=self._application, jobRunId=run_id)

    def _translated(self) -> Any:
        return translated(f"EMR Serverless application {self._application}", self._endpoint)


class GlueJob:
    """Runs of one Glue job. A lost response may start a second run, which writes the same bytes again."""

    def __init__(self, settings: Settings, *, job: str) -> None:
        self._job, self._endpoint = job, settings.endpoint
        self._client = client(settings, "glue")

    def start(self, order: WorkOrder) -> str:
        """See JobRuns."""
        names = iter(_arguments(order))
        with self._translated():
            answer = self._client.start_job_run(
                JobName=self._job, Arguments=dict(zip(names, names, strict=True))
            )
        run_id: str = answer["JobRunId"]
        return run_id

    def look(self, run_id: str) -> tuple[State, str]:
        """See JobRuns."""
        with self._translated():
            found = self._client.get_job_run(JobName=self._job, RunId=run_id)["JobRun"]
        return _state(found["JobRunState"], {"SUCCEEDED"}), found.get("ErrorMessage", "")

    def cancel(self, run_id: str) -> None:
        """See JobRuns."""
        with self._translated():
            self._client.batch_stop_job_run(JobName=self._job, JobRunIds=[run_id])

    def _translated(self) -> Any:
        return translated(f"Glue job {self._job}", self._endpoint)


def service(settings: Settings, environ: Mapping[str, str]) -> JobRuns | None:
    """Return the service that `DM_SPARK` names: `emr`, `glue`, or None for Spark on this machine (`local`).

    Raises UsageError for any other value, or if a setting of the service is missing.
    """

    def needed(name: str) -> str:
        if not environ.get(name):
            raise UsageError(f"DM_SPARK is {kind}, but {name} is not set")
        return environ[name]

    kind = environ.get("DM_SPARK") or "local"
    if kind == "local":
        return None
    if kind == "emr":
        return EmrServerless(
            settings,
            application=needed("DM_EMR_APPLICATION"),
            role=needed("DM_EMR_ROLE"),
            job=needed("DM_SPARK_JOB").rstrip("/"),
        )
    if kind == "glue":
        return GlueJob(settings, job=needed("DM_GLUE_JOB"))
    raise UsageError(f"DM_SPARK is local, emr or glue, not {kind!r}")


def session_policy(order: WorkOrder, job: str) -> dict[str, object]:
    """Return the session policy of a run: read its raw files, documents and code, write its folders, and log.

    A run may do what both this policy and its role allow. The archive of libraries is next to the job's
    folder.
    """
    documents = order.contract.rpartition("/")[0]
    raw = {f"{file.uri.split('/raw/')[0]}/raw/{order.table}" for file in order.files}
    reads = [*sorted(raw), documents, job.rpartition("/")[0]]
    writes = [order.bronze, order.events, order.quarantine, documents]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow(["s3:GetObject", "s3:GetObjectVersion"], [_arn(uri) for uri in reads]),
            _allow(["s3:PutObject", "s3:AbortMultipartUpload"], [_arn(uri) for uri in writes]),
            # A session policy can only restrict: the role limits the keys and the log group.
            _allow(["kms:Decrypt", "kms:GenerateDataKey"], ["*"]),
            _allow(["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], ["*"]),
        ],
    }


def _allow(actions: list[str], resources: list[str]) -> dict[str, object]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _arn(uri: str) -> str:
    return f"arn:aws:s3:::{uri.removeprefix('s3://')}/*"


def _state(name: str, good: set[str]) -> State:
    if name in good:
        return "done"
    ended = {"FAILED", "CANCELLED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"}
    return "failed" if name in ended else "waiting"


def _arguments(order: WorkOrder) -> list[str]:
    return ["--order", order.document("order.json"), "--report", order.document("report.json")]
