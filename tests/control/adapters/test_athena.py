"""Our own statements: rows of one that succeeded, and none left running after an interrupt."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from control.adapters.athena import AthenaQuery, AthenaStatements, _execution
from control.config import Settings
from control.errors import NotFoundError, UpstreamError


class Client:
    """Athena with one statement, which goes through these states."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.stopped: list[str] = []

    def start_query_execution(self, **_: Any) -> dict[str, str]:
        return {"QueryExecutionId": "q-1"}

    def get_query_execution(self, **_: Any) -> dict[str, Any]:
        return {"QueryExecution": {"Status": {"State": self.states.pop(0)}}}

    def get_query_results(self, **_: Any) -> dict[str, Any]:
        rows = [{"Data": [{"VarCharValue": "n"}]}, {"Data": [{"VarCharValue": "1"}]}]
        return {"ResultSet": {"Rows": rows}}

    def stop_query_execution(self, QueryExecutionId: str) -> None:  # noqa: N803  boto3's name
        self.stopped.append(QueryExecutionId)
        raise RuntimeError("it has ended just now")


def asking(client: Client, sleep: Any = lambda _: None) -> AthenaQuery:
    query = AthenaQuery(Settings(endpoint="http://127.0.0.1:1"), "build", sleep)
    query._client = client
    return query


def test_the_rows_of_a_finished_statement_come_without_the_header() -> None:
    client = Client("QUEUED", "RUNNING", "SUCCEEDED")
    assert asking(client)("select 1 as n") == [["1"]]
    assert client.stopped == []


def test_a_failed_statement_is_an_error_and_is_not_stopped() -> None:
    client = Client("RUNNING", "FAILED")
    with pytest.raises(UpstreamError, match="FAILED"):
        asking(client)("select 1 as n")
    assert client.stopped == []


def test_an_interrupt_stops_the_statement_and_is_raised_even_if_stopping_fails() -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    client = Client("RUNNING")
    with pytest.raises(KeyboardInterrupt):
        asking(client, interrupt)("optimize t")
    assert client.stopped == ["q-1"]


@pytest.mark.parametrize(
    ("statement", "substatement", "kind"),
    [
        ("DML", "SELECT", "DML"),
        ("DDL", "CREATE_TABLE", "DDL"),
        ("DDL", "CREATE_TABLE_AS_SELECT", "DML"),
        ("DDL", "OPTIMIZE", "DML"),
        ("UTILITY", "SHOW_TABLES", "UTILITY"),
    ],
)
def test_billed_statements_count_as_dml_even_if_athena_calls_them_ddl(
    statement: str, substatement: str, kind: str
) -> None:
    status = {"State": "SUCCEEDED", "SubmissionDateTime": datetime(2026, 1, 1, tzinfo=UTC)}
    raw = {"Query": "", "StatementType": statement, "SubstatementType": substatement, "Status": status}
    assert _execution(raw).kind == kind


@pytest.mark.parametrize(
    ("said", "expected"),
    [("WorkGroup is not found.", NotFoundError), ("Database is not found.", UpstreamError)],
)
def test_a_missing_workgroup_raises_not_found_with_a_hint(said: str, expected: type[Exception]) -> None:
    class Refusing(Client):
        def start_query_execution(self, **_: Any) -> dict[str, str]:
            answer = {"Error": {"Code": "InvalidRequestException", "Message": said}}
            raise ClientError(answer, "StartQueryExecution")  # type: ignore[arg-type]

    with pytest.raises(expected) as failure:
        asking(Refusing())("select 1 as n")
    assert ("DM_WORKGROUP" in getattr(failure.value, "hint", "")) == (expected is NotFoundError)


class Remembering:
    """Athena whose list grows by one statement after the first page, so that the pages overlap."""

    def list_query_executions(self, NextToken: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        if NextToken:
            return {"QueryExecutionIds": ["b", "a"]}
        return {"QueryExecutionIds": ["c", "b"], "NextToken": "2"}

    def batch_get_query_execution(self, QueryExecutionIds: list[str]) -> dict[str, Any]:  # noqa: N803
        status = {"State": "CANCELLED", "SubmissionDateTime": datetime(2026, 1, 1, tzinfo=UTC)}
        found = [{"QueryExecutionId": one, "Query": one, "Status": status} for one in QueryExecutionIds]
        return {"QueryExecutions": found}


def test_a_statement_on_two_pages_is_counted_once() -> None:
    statements = AthenaStatements(Settings(endpoint="http://127.0.0.1:1"), "build")
    statements._client = Remembering()
    found = list(statements.since(datetime(2026, 1, 1, tzinfo=UTC)))
    assert [one.sql for one in found] == ["c", "b", "a"]
    assert all(one.is_cancelled and not one.succeeded for one in found)


def test_a_statement_that_a_batch_request_left_unprocessed_is_requested_alone() -> None:
    class Busy(Remembering):
        def batch_get_query_execution(self, QueryExecutionIds: list[str]) -> dict[str, Any]:  # noqa: N803
            missed = {"QueryExecutionId": "b", "ErrorCode": "INTERNAL_FAILURE", "ErrorMessage": "try again"}
            answer = super().batch_get_query_execution([one for one in QueryExecutionIds if one != "b"])
            return {**answer, "UnprocessedQueryExecutionIds": [missed] if "b" in QueryExecutionIds else []}

        def get_query_execution(self, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803
            found = super().batch_get_query_execution([QueryExecutionId])
            return {"QueryExecution": found["QueryExecutions"][0]}

    statements = AthenaStatements(Settings(endpoint="http://127.0.0.1:1"), "build")
    statements._client = Busy()
    assert [one.sql for one in statements.since(datetime(2026, 1, 1, tzinfo=UTC))] == ["c", "b", "a"]
