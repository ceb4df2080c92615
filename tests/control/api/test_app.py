"""Authorization, the form of requests, and the errors for wrong ones."""

import io
import json
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from control.api.app import MOST_BYTES, App
from control.api.work import Answer, Problem

TOKEN = "t" * 32
KNOWN = {"Authorization": f"Bearer {TOKEN}"}


class Desk:
    """Replaces `work`: records the command lines and returns a given answer."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.answer: Answer | Problem = Answer(0, io.BytesIO(b"[]"))

    def __call__(self, argv: list[str]) -> Answer | Problem:
        self.asked.append(argv)
        return self.answer


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def client(desk: Desk) -> Client:
    return Client(App(TOKEN, desk))


def problem(response: TestResponse) -> dict[str, Any]:
    assert response.content_type == "application/problem+json"
    told = json.loads(response.data)
    assert told.keys() == {"status", "title", "detail", "hint", "retryable"}
    assert told["status"] == response.status_code
    return told


def test_a_query_becomes_a_command_line_whose_answer_is_the_body(client: Client, desk: Desk) -> None:
    desk.answer = Answer(1, io.BytesIO(b'{"a": 1}'))
    response = client.get("/files/list?table=review&state=failed", headers=KNOWN)
    assert desk.asked == [["files", "list", "--json", "--table=review", "--state=failed", "--"]]
    assert (response.status_code, response.json, response.headers["Dm-Exit-Code"]) == (200, {"a": 1}, "1")


def test_a_body_becomes_a_command_line(client: Client, desk: Desk) -> None:
    client.post("/files/redrive", headers=KNOWN, json={"file_ids": ["a", "--table=x"], "reason": "b"})
    client.post("/ingest/run", headers=KNOWN)
    assert desk.asked == [
        ["files", "redrive", "--json", "--reason=b", "--", "a", "--table=x"],
        ["ingest", "run", "--json", "--"],
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer töken"},
        {"Cookie": f"token={TOKEN}"},
    ],
)
@pytest.mark.parametrize("path", ["/status", "/nothing"])
def test_without_a_token_every_path_is_refused_alike(
    client: Client, desk: Desk, headers: dict[str, str], path: str
) -> None:
    assert "Bearer TOKEN" in problem(client.get(path, headers=headers))["detail"]
    assert client.get(path, headers=headers).status_code == 401
    assert desk.asked == []


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "told"),
    [
        ("GET", "/nothing", {}, 404, "openapi.json"),
        ("GET", "/files", {}, 404, "openapi.json"),
        ("GET", "/../etc/passwd", {}, 404, "openapi.json"),
        ("POST", "/status", {}, 405, "takes GET"),
        ("GET", "/ingest/run", {}, 405, "takes POST"),
        ("POST", "/", {}, 405, "takes GET"),
        ("POST", "/openapi.json", {}, 405, "takes GET"),
        ("GET", "/status?colour=red", {}, 400, "has no parameter colour"),
        ("POST", "/ingest/run", {"data": b"{", "content_type": "application/json"}, 400, "not JSON"),
        (
            "POST",
            "/ingest/run",
            {"data": b"[]", "content_type": "application/json"},
            400,
            "not a JSON object",
        ),
        ("POST", "/ingest/run", {"data": b"[" * 60_000, "content_type": "application/json"}, 400, "not JSON"),
        ("POST", "/ingest/sweep?dry_run=true", {}, 400, "its body"),
        ("POST", "/retention/run?table=beer", {"json": {}}, 400, "its body"),
        ("POST", "/ingest/run", {"data": b"{}", "content_type": "text/plain"}, 415, "application/json"),
        ("POST", "/ingest/run", {"data": {"table": "x"}}, 415, "application/json"),
        ("POST", "/ingest/run", {"data": b"x" * (MOST_BYTES + 1)}, 413, ""),
    ],
)
def test_a_wrong_request_gets_the_reason(
    client: Client, desk: Desk, method: str, path: str, sent: dict[str, Any], status: int, told: str
) -> None:
    response = client.open(path, method=method, headers=KNOWN, **sent)
    assert response.status_code == status
    assert told in problem(response)["detail"]
    assert desk.asked == []
    if status == 405:
        assert ("GET" if method == "POST" else "POST") in response.headers["Allow"].split(", ")


@pytest.mark.parametrize("came", [b"", b"{}"])
def test_a_truncated_body_runs_nothing(client: Client, desk: Desk, came: bytes) -> None:
    """Otherwise a client that disconnects while naming one table would start a run of all tables."""
    cut = {"CONTENT_LENGTH": "17", "wsgi.input_terminated": False}  # as cheroot sets it
    response = client.post(
        "/retention/run", headers=KNOWN, content_type="application/json",
        input_stream=io.BytesIO(came), environ_overrides=cut,
    )  # fmt: skip
    assert (problem(response)["status"], desk.asked) == (400, [])


@pytest.mark.parametrize("path", ["/", "/panel.js", "/openapi.json"])
def test_head_has_the_headers_of_get(client: Client, path: str) -> None:
    response, whole = client.head(path), client.get(path)
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers == whole.headers


def test_the_problem_of_a_command_is_passed_on(client: Client, desk: Desk) -> None:
    desk.answer = Problem(503, "it cannot be reached", "try again", retryable=True)
    told = problem(client.get("/status", headers=KNOWN))
    assert (told["title"], told["detail"], told["hint"]) == (
        "Service unavailable", "it cannot be reached", "try again"
    )  # fmt: skip
    assert told["retryable"]


@pytest.mark.parametrize("path", ["/", "/panel.js", "/panel.css", "/openapi.json", "/status", "/nothing"])
def test_every_response_has_strict_security_headers(client: Client, path: str) -> None:
    headers = client.get(path, headers=KNOWN).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers


def test_the_log_has_paths_but_no_values(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.get("/files/show?file_id=ann@example.org", headers=KNOWN)
    (line,) = capsys.readouterr().err.splitlines()
    logged = json.loads(line)
    assert {**logged, "ms": 0} == {
        "event": "request", "method": "GET", "path": "/files/show", "status": 200, "ms": 0
    }  # fmt: skip
