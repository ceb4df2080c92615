"""Athena: its history of statements, which goes back 45 days, and running statements of our own."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from control.adapters.aws import client, translated
from control.config import Settings
from control.errors import NotFoundError, UpstreamError
from control.ports import Execution

_AT_ONCE = 50
_AT_WORK = ("QUEUED", "RUNNING")


class AthenaStatements:
    """The statements of one workgroup, newest first."""

    def __init__(self, settings: Settings, workgroup: str) -> None:
        self._endpoint = settings.endpoint
        self._workgroup = workgroup
        self._client = client(settings, "athena")

    def since(self, moment: datetime) -> Iterator[Execution]:
        """See Statements."""
        token: dict[str, str] = {}
        seen: set[str] = set()
        while True:
            with _asked(self._workgroup, self._endpoint):
                page = self._client.list_query_executions(
                    WorkGroup=self._workgroup, MaxResults=_AT_ONCE, **token
                )
                # Statements that start meanwhile shift others to the next page, where they appear again.
                new = [one for one in page["QueryExecutionIds"] if one not in seen]
                seen.update(new)
                found = self._details(new)
            for execution in found:
                if execution.submitted < moment:
                    return
                yield execution
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    def _details(self, ids: list[str]) -> list[Execution]:
        """Return the details of these statements, in their order; Athena returns them in no defined order.

        Statements that Athena left unprocessed are requested one by one, with the client's retries and an
        error if that fails: a cost without them would be too low.
        """
        if not ids:
            return []
        answer = self._client.batch_get_query_execution(QueryExecutionIds=ids)
        known = {raw["QueryExecutionId"]: raw for raw in answer["QueryExecutions"]}
        for missed in answer.get("UnprocessedQueryExecutionIds", []):
            name = missed["QueryExecutionId"]
            known[name] = self._client.get_query_execution(QueryExecutionId=name)["QueryExecution"]
        return [_execution(known[one]) for one in ids]


class AthenaQuery:
    """Runs one statement at a time in a workgroup and waits for its rows."""

    def __init__(self, settings: Settings, workgroup: str, sleep: Callable[[float], None]) -> None:
        self._settings, self._workgroup, self._sleep = settings, workgroup, sleep
        self._client = client(settings, "athena")

    def __call__(self, sql: str) -> Sequence[Sequence[str]]:
        """See Query. At most 1,000 rows."""
        with _asked(self._workgroup, self._settings.endpoint):
            query = self._client.start_query_execution(
                QueryString=sql,
                WorkGroup=self._workgroup,
                ResultConfiguration={"OutputLocation": f"s3://{self._settings.bucket}/athena-results/"},
            )["QueryExecutionId"]
            status = self._end_of(query)
            if status["State"] != "SUCCEEDED":
                raise UpstreamError(f"Athena: {status.get('StateChangeReason', status['State'])}")
            rows = self._client.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
        return [[one.get("VarCharValue", "") for one in row["Data"]] for row in rows[1:]]

    def _end_of(self, query: str) -> dict[str, Any]:
        """Wait for a statement and return its status.

        If interrupted, stop the statement, so that it does not outlive the lease under which it runs.
        """
        try:
            while True:
                answer: dict[str, Any] = self._client.get_query_execution(QueryExecutionId=query)
                status: dict[str, Any] = answer["QueryExecution"]["Status"]
                if status["State"] not in _AT_WORK:
                    return status
                self._sleep(0.2)
        except BaseException:
            with suppress(Exception):  # the original exception is the one to report
                self._client.stop_query_execution(QueryExecutionId=query)
            raise


@contextmanager
def _asked(workgroup: str, endpoint: str) -> Iterator[None]:
    """Translate errors. Only the message tells a missing workgroup from other invalid requests."""
    try:
        with translated(f"workgroup {workgroup}", endpoint):
            yield
    except UpstreamError as error:
        if "WorkGroup" in (said := str(error.__cause__)) and "not found" in said:
            hint = "name one with --workgroup or DM_WORKGROUP; `primary` always exists"
            raise NotFoundError(f"workgroup {workgroup} does not exist", hint=hint) from error
        raise


# DDL in Athena's classification, but billed by bytes read; gold tables are created with CTAS.
_BILLED_DDL = ("CREATE_TABLE_AS_SELECT", "OPTIMIZE")


def _execution(raw: dict[str, Any]) -> Execution:
    statistics, status = raw.get("Statistics", {}), raw["Status"]
    billed = raw.get("SubstatementType") in _BILLED_DDL
    return Execution(
        raw["Query"],
        "DML" if billed else raw.get("StatementType", ""),
        status["SubmissionDateTime"],
        int(statistics.get("DataScannedInBytes", 0)),
        int(statistics.get("EngineExecutionTimeInMillis", 0)),
        status["State"] == "SUCCEEDED",
        status["State"] not in _AT_WORK,
        status["State"] == "CANCELLED",
    )
