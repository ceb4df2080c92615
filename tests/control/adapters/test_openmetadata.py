"""Errors that an OpenMetadata server, or something else at its address, answers with."""

from types import SimpleNamespace
from typing import Any

import pytest
from urllib3.exceptions import MaxRetryError, NewConnectionError

from control.adapters.openmetadata import OpenMetadata
from control.errors import ControlError, ThrottledError, UnavailableError, UpstreamError, UsageError

TOKEN = "bot-token-that-nobody-may-see"


def server(status: int, data: bytes) -> OpenMetadata:
    found = OpenMetadata("https://catalog.example.org/api", TOKEN)
    answer = SimpleNamespace(status=status, data=data)
    found._pool = SimpleNamespace(request=lambda *_, **__: answer)  # type: ignore[assignment]
    return found


@pytest.mark.parametrize(
    ("status", "data", "expected", "words"),
    [
        (400, b'{"message": "no such field"}', UpstreamError, "answers 400 to PUT tables: no such field"),
        (400, b"<html>\n  bad  gateway", UpstreamError, "answers 400 to PUT tables: <html> bad gateway"),
        (400, b'["message"]', UpstreamError, r'PUT tables: \["message"\]'),
        (401, b"", UpstreamError, "answers 401 to PUT tables"),
        (429, b"", ThrottledError, "answers 429"),
        (500, b"", UnavailableError, "answers 500"),
        (200, b"<html>Log in</html>", UpstreamError, "something other than JSON"),
    ],
)
def test_each_status_becomes_an_error_with_its_meaning(
    status: int, data: bytes, expected: type[ControlError], words: str
) -> None:
    with pytest.raises(expected, match=words) as raised:
        server(status, data).put("table", {})
    assert type(raised.value) is expected


def test_a_token_echoed_by_the_server_is_not_shown() -> None:
    for said in (f'{{"message": "token {TOKEN} has ended"}}', f"token {TOKEN} has ended"):
        with pytest.raises(UpstreamError, match="token … has ended") as raised:
            server(400, said.encode()).put("table", {})
        assert TOKEN not in str(raised.value) + raised.value.hint


def test_a_404_is_none_only_where_absence_is_allowed() -> None:
    assert server(404, b"{}").find("table", "lakehouse.x") is None
    with pytest.raises(UpstreamError, match="answers 404"):
        server(404, b"{}").put("table", {})


@pytest.mark.parametrize("data", [b"[]", b'{"name": "x"}', b'"x"'])
def test_json_of_another_shape_is_refused(data: bytes) -> None:
    with pytest.raises(UpstreamError, match="not OpenMetadata's"):
        server(200, data).find("table", "lakehouse.x")


def test_an_unreachable_server_is_reported_with_the_reason() -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise MaxRetryError(None, "/", NewConnectionError(None, "refused"))  # type: ignore[arg-type]

    absent = server(200, b"")
    absent._pool = SimpleNamespace(request=refused)  # type: ignore[assignment]
    with pytest.raises(
        UnavailableError, match=r"catalog\.example\.org cannot be reached \(NewConnectionError\)"
    ):
        absent.find("table", "lakehouse.x")


@pytest.mark.parametrize(
    "url", ["catalog.example.org", "ftp://catalog.example.org", "https://a:b@c.org", "https://"]
)
def test_an_invalid_server_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="not the address of an OpenMetadata server"):
        OpenMetadata(url, TOKEN)
