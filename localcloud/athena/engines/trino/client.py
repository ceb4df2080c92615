"""A client of Trino's REST protocol: send a statement, follow its pages, cancel it."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from localcloud.athena.errors import AthenaError

_SECONDS = 120
_BUSY = frozenset({502, 503, 504})
_AGAIN_SECONDS = 0.1
_USER = "athena"


class StatementError(Exception):
    """Trino refused a statement, or it failed: `name` is Trino's error code, such as TABLE_NOT_FOUND."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


@dataclass(slots=True)
class Result:
    """The result of a statement so far: `columns` and `pages` are as in Trino's JSON."""

    id: str
    columns: Sequence[Mapping[str, Any]] = ()
    count: int = 0
    scanned_bytes: int = 0
    pages: list[Sequence[Sequence[Any]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the Trino at `url`. `log` is named in the error when it does not answer."""

    url: str
    log: str = ""

    def run(
        self,
        sql: str,
        *,
        database: str = "default",
        session: Mapping[str, str] | None = None,
        started: Callable[[str], None] = lambda _: None,
    ) -> Result:
        """Run a statement to its end. `started` is called with its id, which `cancel` takes.

        Raises StatementError when Trino refuses or fails it, AthenaError when Trino does not answer.
        """
        try:
            with closing(self._connect()) as connection:
                return self._run(connection, sql, _headers(database, session or {}), started)
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(error) from error

    def cancel(self, query_id: str) -> None:
        """Cancel the statement with this id; a finished one is ignored."""
        try:
            with closing(self._connect()) as connection:
                _call(connection, "DELETE", f"/v1/query/{query_id}", _headers("default", {}))
        except (OSError, http.client.HTTPException):
            return  # the statement's own thread reports that Trino does not answer

    def version(self) -> str:
        """Return Trino's version, such as 476. Raises AthenaError when it does not answer."""
        try:
            with closing(self._connect()) as connection:
                return str(_call(connection, "GET", "/v1/info", {})["nodeVersion"]["version"])
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(error) from error

    def _run(
        self,
        connection: http.client.HTTPConnection,
        sql: str,
        headers: Mapping[str, str],
        started: Callable[[str], None],
    ) -> Result:
        first = _call(connection, "POST", "/v1/statement", headers, sql.encode())
        result = Result(first["id"])
        started(result.id)
        for page in _pages(connection, first, headers):
            if error := page.get("error"):
                raise StatementError(error.get("errorName", ""), error.get("message", ""))
            result.columns = page.get("columns") or result.columns
            result.count = page.get("updateCount") or result.count
            result.scanned_bytes = page.get("stats", {}).get("physicalInputBytes", 0)
            if rows := page.get("data"):
                result.pages.append(rows)
        return result

    def _connect(self) -> http.client.HTTPConnection:
        place = urlsplit(self.url)
        return http.client.HTTPConnection(place.hostname or "", place.port, timeout=_SECONDS)

    def _silent(self, error: Exception) -> AthenaError:
        where = f"; its log is {self.log}" if self.log else ""
        return AthenaError(
            "GENERIC_INTERNAL_ERROR",
            f"Trino does not answer at {self.url} ({type(error).__name__}: {error}){where}. "
            "Start what is missing with: dm local up",
        )


def _pages(
    connection: http.client.HTTPConnection, page: dict[str, Any], headers: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    yield page
    while following := page.get("nextUri"):
        page = _call(connection, "GET", urlsplit(following).path, headers)
        yield page


def _call(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> dict[str, Any]:
    deadline = time.monotonic() + _SECONDS
    while True:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status not in _BUSY or time.monotonic() > deadline:
            break
        time.sleep(_AGAIN_SECONDS)
    if answer.status >= 300:
        raise http.client.HTTPException(f"status {answer.status}: {content[:300]!r}")
    found: dict[str, Any] = json.loads(content) if content else {}
    return found


def _headers(database: str, session: Mapping[str, str]) -> dict[str, str]:
    headers = {
        "X-Trino-User": _USER,
        "X-Trino-Catalog": "awsdatacatalog",
        "X-Trino-Schema": database,
        "X-Trino-Time-Zone": "UTC",
        # Without it, Trino reports every timestamp type with three digits.
        "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
    }
    if session:
        headers["X-Trino-Session"] = ",".join(f"{key}={quote(value)}" for key, value in session.items())
    return headers
