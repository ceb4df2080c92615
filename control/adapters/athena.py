"""Athena's memory of the statements that ran, 45 days of them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from control.adapters.aws import client, translated
from control.config import Settings
from control.ports import Execution

_AT_ONCE = 50


class AthenaStatements:
    """The statements of one workgroup, newest first."""

    def __init__(self, settings: Settings, workgroup: str) -> None:
        self._endpoint = settings.endpoint
        self._workgroup = workgroup
        self._client = client(settings, "athena")

    def since(self, moment: datetime) -> Iterator[Execution]:
        """See Statements."""
        token: dict[str, str] = {}
        while True:
            with translated(f"workgroup {self._workgroup}", self._endpoint):
                page = self._client.list_query_executions(
                    WorkGroup=self._workgroup, MaxResults=_AT_ONCE, **token
                )
                found = self._details(page["QueryExecutionIds"])
            for execution in found:
                if execution.submitted < moment:
                    return
                yield execution
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    def _details(self, ids: list[str]) -> list[Execution]:
        """What is known of these statements, in their order; the answer comes in none."""
        if not ids:
            return []
        answer = self._client.batch_get_query_execution(QueryExecutionIds=ids)
        known = {raw["QueryExecutionId"]: _execution(raw) for raw in answer["QueryExecutions"]}
        return [known[one] for one in ids if one in known]


def _execution(raw: dict[str, Any]) -> Execution:
    statistics, status = raw.get("Statistics", {}), raw["Status"]
    return Execution(
        raw["Query"],
        raw.get("StatementType", ""),
        status["SubmissionDateTime"],
        int(statistics.get("DataScannedInBytes", 0)),
        int(statistics.get("EngineExecutionTimeInMillis", 0)),
        status["State"] == "SUCCEEDED",
    )
