import socket

import pytest

from localcloud.athena.engines.trino.client import Client, StatementError
from localcloud.athena.errors import AthenaError


def test_a_statement_is_followed_through_all_of_its_pages(script) -> None:
    columns = [{"name": "a", "type": "integer"}]
    script.pages = [
        {"id": "q1", "nextUri": f"{script.url}/v1/statement/queued/q1/1"},
        {
            "id": "q1",
            "columns": columns,
            "data": [[1]],
            "nextUri": f"{script.url}/v1/statement/x/q1/2",
        },
        {"id": "q1", "columns": columns, "data": [[2]], "stats": {"physicalInputBytes": 7}},
    ]
    ids: list[str] = []
    result = Client(script.url).run(
        "select a", database="d", session={"iceberg.codec": "a b"}, started=ids.append
    )
    assert [row for page in result.pages for row in page] == [[1], [2]]
    assert (result.columns, result.scanned_bytes, ids) == (columns, 7, ["q1"])
    assert script.asked == [
        ("POST", "/v1/statement", "select a"),
        ("GET", "/v1/statement/queued/q1/1", ""),
        ("GET", "/v1/statement/x/q1/2", ""),
    ]
    assert script.headers[0]["X-Trino-Schema"] == "d"
    assert script.headers[0]["X-Trino-Session"] == "iceberg.codec=a%20b"


def test_the_count_of_changed_rows_is_kept(script) -> None:
    script.pages = [{"id": "q1", "updateType": "INSERT", "updateCount": 3}]
    assert Client(script.url).run("insert into t values 1").count == 3


def test_a_request_to_a_busy_server_is_repeated(script) -> None:
    script.pages = [503, {"id": "q1"}]
    assert Client(script.url).run("select 1").id == "q1"
    assert len(script.asked) == 2


def test_a_refused_statement_keeps_trinos_own_code(script) -> None:
    script.pages = [{"id": "q1", "error": {"errorName": "TABLE_NOT_FOUND", "message": "line 1:15: none"}}]
    with pytest.raises(StatementError) as caught:
        Client(script.url).run("select * from t")
    assert (caught.value.name, caught.value.message) == ("TABLE_NOT_FOUND", "line 1:15: none")


def test_cancelling_names_the_statement(script) -> None:
    Client(script.url).cancel("q1")
    assert script.asked == [("DELETE", "/v1/query/q1", "")]


def test_a_dead_trino_is_reported_with_its_log_and_what_to_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}", log="/cloud/logs/trino.log")
    with pytest.raises(AthenaError) as caught:
        client.run("select 1")
    assert caught.value.code == "GENERIC_INTERNAL_ERROR"
    assert "its log is /cloud/logs/trino.log" in str(caught.value)
    assert "dm local up" in str(caught.value)
    client.cancel("q1")  # there is no server to tell
