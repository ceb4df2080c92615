"""Forward requests to the Athena part, over one kept connection per thread."""

import http.client
import threading
from collections.abc import Callable
from wsgiref.types import WSGIEnvironment

from localcloud.config import HOST

# Longer than any answer of the gateway takes, which holds a poll for 2 seconds at most.
SECONDS = 60
PASSED = ("AUTHORIZATION", "X_AMZ_DATE", "X_AMZ_TARGET", "USER_AGENT")

Port = Callable[[], int | None]


class AthenaPart:
    """Forwards requests to the Athena part; `port` returns its current port, or None if it is not running."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self.kept = threading.local()

    def ask(self, environ: WSGIEnvironment) -> tuple[http.client.HTTPResponse, bytes]:
        """Forward the request. Raises OSError or HTTPException when the part does not answer."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {"Content-Type": environ.get("CONTENT_TYPE", "application/x-amz-json-1.1")}
        for name in PASSED:
            if value := environ.get(f"HTTP_{name}"):
                headers[name.replace("_", "-")] = value
        response = self._send(environ["REQUEST_URI"], body, headers)
        return response, response.read()

    def _send(self, path: str, body: bytes, headers: dict[str, str]) -> http.client.HTTPResponse:
        port = self.port()
        if port is None:
            raise ConnectionRefusedError("it is not running")
        fresh = getattr(self.kept, "port", None) != port
        if fresh:
            self.kept.connection = http.client.HTTPConnection(HOST, port, timeout=SECONDS)
            self.kept.port = port
        connection: http.client.HTTPConnection = self.kept.connection
        try:
            return _exchange(connection, path, body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            if fresh:
                raise
            # The other side had closed the idle connection, so it has not seen the request.
            return _exchange(connection, path, body, headers)


def _exchange(
    connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str]
) -> http.client.HTTPResponse:
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse()
    except (OSError, http.client.HTTPException):
        connection.close()
        raise
