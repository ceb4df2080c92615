import http.client
import json
from typing import Any

import pytest


def post(port: int, target: str, body: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(
            "POST", "/", body, {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        )
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", None),
        ("", None),
        ("null", None),
        ('"x"', None),
        ("[]", "Start of list found where not expected"),
        ('{"QueryExecutionId": 1}', "NUMBER_VALUE can not be converted to a String"),
        ('{"QueryExecutionId": true}', "TRUE_VALUE can not be converted to a String"),
        ('{"QueryExecutionId": []}', "Start of list found where not expected"),
        ('{"QueryExecutionId": {}}', "Start of structure or map found where not expected."),
        ('{"QueryExecutionId": "x", "MaxResults": "1"}', "STRING_VALUE can not be converted to an Integer"),
    ],
)
def test_a_body_of_the_wrong_shape_gets_athenas_error(gateway: Any, body: str, message: str | None):
    expected = {"__type": "SerializationException"} | ({"Message": message} if message else {})
    assert post(gateway.port, "AmazonAthena.GetQueryResults", body) == (400, expected)


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        (
            "GetQueryResults",
            "{}",
            "1 validation error detected: Value null at 'queryExecutionId' failed to satisfy constraint: "
            "Member must not be null",
        ),
        (
            "StartQueryExecution",
            '{"QueryString": "select 1"}',
            "clientRequestToken is null or empty",
        ),
        (
            "StartQueryExecution",
            '{"QueryString": "select 1", "ClientRequestToken": "short"}',
            "1 validation error detected: Value at 'clientRequestToken' failed to satisfy constraint: "
            "Member must have length greater than or equal to 32",
        ),
        (
            "ListWorkGroups",
            '{"MaxResults": 0}',
            "1 validation error detected: Value at 'maxResults' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1",
        ),
        ("ListWorkGroups", '{"NextToken": "x"}', "The nextPageToken is malformed: x"),
    ],
)
def test_a_member_out_of_bounds_is_named(gateway: Any, operation: str, body: str, message: str):
    status, answer = post(gateway.port, f"AmazonAthena.{operation}", body)
    assert status == 400
    assert answer == {
        "__type": "InvalidRequestException",
        "AthenaErrorCode": "INVALID_INPUT",
        "ErrorCode": "INVALID_INPUT",
        "Message": message,
    }


def test_null_and_unknown_members_are_ignored(gateway: Any):
    status, answer = post(gateway.port, "AmazonAthena.ListWorkGroups", '{"MaxResults": null, "Other": 1}')
    assert status == 200
    assert len(answer["WorkGroups"]) == 1


@pytest.mark.parametrize(
    "target", ["", "ListWorkGroups", "AmazonAthena.listWorkGroups", "AmazonAthena.Nothing"]
)
def test_an_unknown_target_is_an_unknown_operation(gateway: Any, target: str):
    assert post(gateway.port, target, "{}") == (400, {"__type": "UnknownOperationException"})


def test_an_unsupported_operation_is_named(gateway: Any):
    status, answer = post(gateway.port, "AmazonAthena.CreateNotebook", "{}")
    assert status == 400
    assert answer == {
        "__type": "UnknownOperationException",
        "Message": "The local cloud's Athena has no CreateNotebook",
    }


def test_a_crash_is_an_internal_error(gateway: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gateway.service.workgroups, "all", lambda: 1 / 0)
    status, answer = post(gateway.port, "AmazonAthena.ListWorkGroups", "{}")
    assert (status, answer["__type"]) == (500, "InternalServerException")


def test_anyone_may_ask_whether_it_is_up(gateway: Any):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.request("GET", "/health")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"ok")
    connection.close()


def test_one_connection_serves_many_calls(gateway: Any):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    headers = {"X-Amz-Target": "AmazonAthena.ListWorkGroups"}
    for _ in range(5):
        connection.request("POST", "/", "{}", headers)
        connection.getresponse().read()
        first = connection.sock
        assert first is not None
    connection.close()


@pytest.mark.parametrize(
    ("host", "status"), [("localhost:1", 200), ("127.0.0.1", 200), ("evil.example:1", 403)]
)
def test_only_loopback_names_are_served(gateway: Any, host: str, status: int):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.request("GET", "/", headers={"Host": host})
    assert connection.getresponse().status == status
    connection.close()
