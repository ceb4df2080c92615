import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.athena import api
from localcloud.athena.errors import table_already_exists

TOKEN = "a" * 32


def refused(call: Callable[[], Any]) -> tuple[str, str, str]:
    """Return the type, Athena's own code and the message of the error."""
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return (
        response["Error"]["Code"],
        response.get("AthenaErrorCode", ""),
        response["Error"].get("Message", ""),
    )


def test_a_query_is_described_as_athena_describes_it(gateway: Any):
    found = gateway.run(
        " select 1 as x ; ",
        QueryExecutionContext={"Database": "Sales", "Catalog": "AwsDataCatalog"},
        WorkGroup="primary",
    )
    assert found["Query"] == "select 1 as x"
    assert (found["StatementType"], found["SubstatementType"]) == ("DML", "SELECT")
    assert found["QueryExecutionContext"] == {"Database": "Sales", "Catalog": "awsdatacatalog"}
    assert (
        found["ResultConfiguration"]["OutputLocation"] == f"s3://lake/results/{found['QueryExecutionId']}.csv"
    )
    assert found["Status"]["State"] == "SUCCEEDED"
    assert found["Status"]["CompletionDateTime"] >= found["Status"]["SubmissionDateTime"]
    assert found["Statistics"]["DataScannedInBytes"] == 10
    assert found["EngineVersion"]["EffectiveEngineVersion"] == "Athena engine version 3"


def test_a_database_in_backquotes_is_the_same_one(gateway: Any, database: str):
    # awswrangler writes it so for DESCRIBE, SHOW CREATE TABLE and MSCK REPAIR TABLE.
    found = gateway.run("show tables", QueryExecutionContext={"Database": f"`{database}`"})
    assert found["Status"]["State"] == "SUCCEEDED"
    table = {"Name": "t", "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "int"}]}}
    gateway.service.parts.catalog.create_table(database, table)
    shown = gateway.start("show tables", QueryExecutionContext={"Database": f"`{database}`"})
    gateway.execution(shown)
    assert gateway.rows(shown) == [["t"]]


def test_rows_come_with_a_header_and_their_types(gateway: Any):
    query_id = gateway.run("select 1 as i, 'a' as s, null as n, 1.5e10 as d")["QueryExecutionId"]
    found = gateway.athena.get_query_results(QueryExecutionId=query_id)
    assert gateway.rows(query_id) == [["i", "s", "n", "d"], ["1", "a", None, "1.5E10"]]
    assert found["UpdateCount"] == 0
    infos = found["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [(info["Name"], info["Type"], info["Precision"], info["CaseSensitive"]) for info in infos] == [
        ("i", "integer", 10, False),
        ("s", "varchar", 2147483647, True),
        ("n", "integer", 10, False),
        ("d", "double", 17, False),
    ]
    assert {(info["CatalogName"], info["Nullable"]) for info in infos} == {("hive", "UNKNOWN")}


def test_pages_count_the_header_and_a_full_page_has_a_token(gateway: Any):
    query_id = gateway.run("select * from range(5) as t(n)")["QueryExecutionId"]
    seen, token = [], {}
    while True:
        page = gateway.athena.get_query_results(QueryExecutionId=query_id, MaxResults=3, **token)
        seen.append([row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert seen == [["n", "0", "1"], ["2", "3", "4"], []]


def test_a_page_has_a_thousand_rows_by_default(gateway: Any):
    query_id = gateway.run("select * from range(1500) as t(n)")["QueryExecutionId"]
    paginator = gateway.athena.get_paginator("get_query_results")
    pages = [len(page["ResultSet"]["Rows"]) for page in paginator.paginate(QueryExecutionId=query_id)]
    assert pages == [1000, 501]


def test_paging_is_refused_in_athenas_order(gateway: Any):
    done = gateway.run("select 1")["QueryExecutionId"]
    failed = gateway.run("select nothing")["QueryExecutionId"]
    get = gateway.athena.get_query_results

    def message(query_id: str, **members: Any) -> str:
        return refused(lambda: get(QueryExecutionId=query_id, **members))[2]

    assert message("x", NextToken="y") == "QueryExecution x was not found"
    assert message(failed, MaxResults=1001, NextToken="y") == (
        "MaxResults is more than maximum allowed length 1000"
    )
    assert message(failed, NextToken="y") == "Query did not finish successfully. Final query state: FAILED"
    assert message(done, NextToken="y") == "Malformed nextPageToken y"


def test_writes_have_a_count_and_no_rows(gateway: Any):
    found = gateway.run("insert into t values (1)")
    assert (found["StatementType"], found["SubstatementType"]) == ("DML", "INSERT")
    result = gateway.athena.get_query_results(QueryExecutionId=found["QueryExecutionId"])
    assert result["UpdateCount"] == 2
    assert result["ResultSet"]["Rows"] == []
    assert [info["Name"] for info in result["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]] == ["rows"]


def test_ddl_has_neither_count_nor_columns(gateway: Any):
    found = gateway.run(f"create database d{uuid.uuid4().hex}")
    assert (found["StatementType"], found["SubstatementType"]) == ("DDL", "CREATE_DATABASE")
    result = gateway.athena.get_query_results(QueryExecutionId=found["QueryExecutionId"])
    assert "UpdateCount" not in result
    assert result["ResultSet"]["ResultSetMetadata"]["ColumnInfo"] == []


def test_utility_statements_have_no_header(gateway: Any, database: str):
    found = gateway.run("show databases")
    assert (found["StatementType"], found["SubstatementType"]) == ("UTILITY", "SHOW_DATABASES")
    assert [database] in gateway.rows(found["QueryExecutionId"])
    result = gateway.athena.get_query_results(QueryExecutionId=found["QueryExecutionId"])
    (info,) = result["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert (info["Name"], info["Type"], info["Precision"]) == ("database_name", "string", 0)


def test_a_plan_is_shown_line_by_line(gateway: Any):
    found = gateway.run("explain select 1")
    assert (found["StatementType"], found["SubstatementType"]) == ("DML", "EXPLAIN")
    assert gateway.rows(found["QueryExecutionId"]) == [["Query Plan"], ["first"], ["second"], [""]]
    assert "UpdateCount" not in gateway.athena.get_query_results(QueryExecutionId=found["QueryExecutionId"])


def test_a_failure_has_its_reason_and_error_codes(gateway: Any):
    found = gateway.run("update t set a = 1")
    reason = "ICEBERG_COMMIT_ERROR: Failed to commit Iceberg update to table: d.t"
    assert found["Status"]["StateChangeReason"] == reason
    assert found["Status"]["AthenaError"] == {
        "ErrorCategory": 2,
        "ErrorType": 233,
        "Retryable": False,
        "ErrorMessage": reason,
    }


def test_a_crash_of_the_gateway_is_a_system_error(gateway: Any):
    gateway.service.parts.engine.select = lambda tree, context: 1 / 0
    found = gateway.run("select 1")
    assert (
        found["Status"]["StateChangeReason"] == "GENERIC_INTERNAL_ERROR: ZeroDivisionError: division by zero"
    )
    assert found["Status"]["AthenaError"]["ErrorCategory"] == 1


def test_a_failed_ctas_says_where_data_may_be_left(gateway: Any):
    def fail(tree: Any, context: Any) -> Any:
        raise table_already_exists("d", "t")

    gateway.service.parts.engine.create_table_as = fail
    found = gateway.run("create table t as select 1 as a")
    output = found["ResultConfiguration"]["OutputLocation"]
    assert output == f"s3://lake/results/tables/{found['QueryExecutionId']}"
    assert found["Status"]["StateChangeReason"] == (
        "TABLE_ALREADY_EXISTS: line 1:1: Destination table 'awsdatacatalog.d.t' already exists. "
        f"You may need to manually clean the data at location '{output}' before retrying. "
        "Athena will not delete data in your account."
    )


def test_a_syntax_error_starts_nothing(gateway: Any):
    kind, code, message = refused(lambda: gateway.start("selec 1"))
    assert (kind, code) == ("InvalidRequestException", "MALFORMED_QUERY")
    assert message.startswith("line 1:1: mismatched input 'selec'. Expecting: ")
    assert gateway.athena.list_query_executions()["QueryExecutionIds"] == []


def test_a_parsed_but_unsupported_statement_fails_the_query(gateway: Any):
    found = gateway.run("show functions")
    assert found["Status"]["AthenaError"]["ErrorType"] == 1200
    assert found["Status"]["StateChangeReason"].startswith("NOT_SUPPORTED: ")


def test_a_statement_over_the_limit_starts_nothing(gateway: Any):
    kind, code, message = refused(lambda: gateway.start(f"select '{'a' * 262_144}'"))
    assert (kind, code) == ("InvalidRequestException", "INVALID_INPUT")
    assert "Member must have length less than or equal to 262144" in message


def test_describing_a_missing_table_starts_nothing(gateway: Any):
    assert refused(lambda: gateway.start("describe nowhere.t"))[2].startswith("Entity Not Found")


def test_results_need_a_location(gateway: Any):
    start = gateway.athena.start_query_execution
    assert refused(lambda: start(QueryString="select 1"))[2].startswith("No output location provided.")
    wrong = {"OutputLocation": "/tmp/x"}
    assert refused(lambda: start(QueryString="select 1", ResultConfiguration=wrong)) == (
        "InvalidRequestException",
        "INVALID_INPUT",
        "outputLocation is not a valid S3 path.",
    )


def test_a_result_that_cannot_be_written_fails_the_query(gateway: Any):
    found = gateway.run("select 1", ResultConfiguration={"OutputLocation": "s3://nowhere-to-be-found/"})
    assert found["Status"]["State"] == "FAILED"
    assert found["Status"]["AthenaError"]["ErrorType"] == 401


def test_the_same_token_is_the_same_query(gateway: Any):
    first = gateway.start("select 1", ClientRequestToken=TOKEN)
    gateway.execution(first)
    again = gateway.start("select 1", ClientRequestToken=TOKEN, ExecutionParameters=["1"])
    assert again == first
    assert gateway.engine.runs == 1
    assert refused(lambda: gateway.start("select 2", ClientRequestToken=TOKEN)) == (
        "InvalidRequestException",
        "IDEMPOTENT_PARAMETER_MISMATCH",
        "Idempotent parameters do not match",
    )


def test_the_token_of_a_refused_call_can_be_used_again(gateway: Any):
    refused(lambda: gateway.start("selec 1", ClientRequestToken=TOKEN))
    assert gateway.run("select 1", ClientRequestToken=TOKEN)["Status"]["State"] == "SUCCEEDED"


def test_many_calls_with_one_token_at_once_run_once(gateway: Any):
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: gateway.start("select 1", ClientRequestToken=TOKEN), range(16)))
    (query_id,) = ids
    gateway.execution(query_id)
    assert gateway.engine.runs == 1


def test_stopping_a_query_cancels_it_in_the_engine(gateway: Any):
    query_id = gateway.start("select 'wait'")
    gateway.engine.started.wait(10)
    gateway.athena.stop_query_execution(QueryExecutionId=query_id)
    found = gateway.execution(query_id)
    assert found["Status"]["State"] == "CANCELLED"
    assert found["Status"]["StateChangeReason"] == "Query cancelled by user"
    assert gateway.engine.cancelled[query_id].wait(10)
    assert refused(lambda: gateway.rows(query_id))[1:] == ("RESULT_NOT_FOUND", "Could not find results")


def test_stopping_a_finished_query_changes_nothing(gateway: Any):
    query_id = gateway.run("select 1")["QueryExecutionId"]
    gateway.athena.stop_query_execution(QueryExecutionId=query_id)
    assert gateway.execution(query_id)["Status"]["State"] == "SUCCEEDED"


def test_a_call_for_a_running_query_returns_after_a_while(gateway: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(api, "LONG_POLL_SECONDS", 0.05)
    query_id = gateway.start("select 'wait'")
    gateway.engine.started.wait(10)
    found = gateway.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
    assert found["Status"]["State"] == "RUNNING"
    assert refused(lambda: gateway.rows(query_id))[1:] == (
        "INVALID_QUERY_EXECUTION_STATE",
        "Query has not yet finished. Current state: RUNNING",
    )
    gateway.athena.stop_query_execution(QueryExecutionId=query_id)


def test_parameters_are_bound_and_shown(gateway: Any):
    found = gateway.run("select ? as a, '?' as b, ? as c", ExecutionParameters=["1 + 1", "it's"])
    assert found["ExecutionParameters"] == ["1 + 1", "it's"]
    assert found["Query"] == "select ? as a, '?' as b, ? as c"
    assert gateway.rows(found["QueryExecutionId"])[1] == ["2", "?", "it's"]


def test_a_wrong_number_of_parameters_fails_the_query(gateway: Any):
    found = gateway.run("select ?, ?", ExecutionParameters=["1"])
    assert found["Status"]["StateChangeReason"] == (
        "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 2 but found 1"
    )


def test_many_queries_are_described_in_one_call(gateway: Any):
    ids = [gateway.run(f"select {number}")["QueryExecutionId"] for number in range(3)]
    found = gateway.athena.batch_get_query_execution(QueryExecutionIds=[*ids, "x"])
    assert [one["Query"] for one in found["QueryExecutions"]] == ["select 0", "select 1", "select 2"]
    (unknown,) = found["UnprocessedQueryExecutionIds"]
    assert (unknown["QueryExecutionId"], unknown["ErrorCode"]) == ("x", "QUERY_EXECUTION_NOT_FOUND")
    first = gateway.athena.list_query_executions(MaxResults=2)
    assert first["QueryExecutionIds"] == [ids[2], ids[1]]
    rest = gateway.athena.list_query_executions(MaxResults=2, NextToken=first["NextToken"])
    assert rest["QueryExecutionIds"] == [ids[0]]
    assert "NextToken" not in rest
    gateway.run("select 'started between two pages'")
    assert gateway.athena.list_query_executions(MaxResults=2, NextToken=first["NextToken"]) | {
        "ResponseMetadata": None
    } == rest | {"ResponseMetadata": None}


def test_sixteen_clients_at_once_get_their_own_answers(gateway: Any):
    def ask(number: int) -> list[str | None]:
        query_id = gateway.run(f"select {number} as n")["QueryExecutionId"]
        rows: list[list[str | None]] = gateway.rows(query_id)
        return rows[1]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(64))) == [[str(number)] for number in range(64)]


def test_a_query_has_a_timeline(gateway: Any):
    query_id = gateway.run("select * from range(3)")["QueryExecutionId"]
    found = gateway.athena.get_query_runtime_statistics(QueryExecutionId=query_id)["QueryRuntimeStatistics"]
    assert found["Rows"] == {"InputBytes": 10, "OutputRows": 3}
    assert found["Timeline"]["TotalExecutionTimeInMillis"] >= 0
