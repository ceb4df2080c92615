"""The one endpoint: sends Athena's calls to the Athena part and everything else to moto."""

import contextlib
import http.client
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from localcloud.aws import bodies
from localcloud.config import HOST
from localcloud.serving import UNDERSCORED

HEALTH = "/_localcloud/health"
ATHENA = "AmazonAthena."
# Longer than any answer of the gateway, which holds a poll for 2 seconds at most.
ATHENA_SECONDS = 60
HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "date", "server"}
LOOPBACK_NAMES = {HOST, "localhost"}
# moto checks a condition and then acts on it, which two threads may do at once: two writers would win one
# `If-None-Match` or one conditional put. Handlers of these services run one at a time; none waits.
CONSISTENT = {"s3", "glue", "dynamodb", "lakeformation"}
SCOPE = re.compile(r"Credential=[^/,]+/[^/,]*/[^/,]*/([^/,]+)/")

Port = Callable[[], int | None]


class Front:
    """A WSGI application over moto's and the Athena part's.

    `athena_port` tells where the Athena part listens now; None means that it does not run.
    """

    def __init__(self, moto: WSGIApplication, athena_port: Port) -> None:
        self.moto = moto
        self.athena_port = athena_port
        self.kept = threading.local()
        self.used: set[str] = set()
        """Services that clients have called since the start."""
        self.one_at_a_time = threading.RLock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        if not _is_loopback(environ.get("HTTP_HOST", HOST)):
            # A name that merely resolves to this machine: how a foreign web page would reach us.
            return _json(start_response, 403, {"message": "only loopback names are served"})
        if path == HEALTH:
            return _json(start_response, 200, {"part": "aws"})
        if path.startswith("/moto-api"):
            # moto's own controls can wipe every service; nothing of AWS has such a path.
            return _json(start_response, 404, {"message": "moto's controls are not served"})
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith(ATHENA):
            return self._athena(environ, start_response)
        return self._moto(environ, start_response)

    def _moto(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            bodies.read(environ)
        except bodies.MalformedBodyError as error:
            return _json(start_response, 400, {"__type": "IncompleteBody", "message": str(error)})
        environ["RAW_URI"] = environ["REQUEST_URI"]
        # S3 metadata may have names with underscores, which moto reads from here.
        environ["moto.preserved_header_names"] = environ[UNDERSCORED]
        service = _service(environ)
        self.used.add(service)
        with self.one_at_a_time if service in CONSISTENT else contextlib.nullcontext():
            return self.moto(environ, start_response)

    def _athena(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {
            "Content-Type": environ.get("CONTENT_TYPE", "application/x-amz-json-1.1"),
            "X-Amz-Target": environ["HTTP_X_AMZ_TARGET"],
        }
        for name in ("AUTHORIZATION", "X_AMZ_DATE", "USER_AGENT"):
            if value := environ.get(f"HTTP_{name}"):
                headers[name.replace("_", "-")] = value
        try:
            response = self._forward(environ["REQUEST_URI"], body, headers)
        except (OSError, http.client.HTTPException) as error:
            return _athena_gone(start_response, error)
        answer = response.read()
        given = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_HEADERS]
        start_response(f"{response.status} {response.reason}", given)
        return [answer]

    def _forward(self, path: str, body: bytes, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Ask over this thread's kept connection; a connection that had gone stale is opened once more."""
        port = self.athena_port()
        if port is None:
            raise ConnectionRefusedError("it is not running")
        fresh = getattr(self.kept, "port", None) != port
        if fresh:
            self.kept.connection = http.client.HTTPConnection(HOST, port, timeout=ATHENA_SECONDS)
            self.kept.port = port
        connection: http.client.HTTPConnection = self.kept.connection
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            connection.close()
            if fresh:
                raise
            connection.request("POST", path, body, headers)
            return connection.getresponse()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise


def _service(environ: WSGIEnvironment) -> str:
    """The service that the request was signed for; one that is not signed is for S3, as in moto."""
    found = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return found[1] if found else "s3"


def _is_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] or host
    return name in LOOPBACK_NAMES or name.endswith((".localhost", ".amazonaws.com"))


def _athena_gone(start_response: StartResponse, error: Exception) -> Iterable[bytes]:
    message = f"The local cloud's Athena part does not answer ({error}). Start it again: dm local up"
    return _json(
        start_response,
        500,
        {"__type": "InternalServerException", "Message": message, "message": message},
        ("x-amzn-ErrorType", "InternalServerException"),
    )


def _json(
    start_response: StartResponse, status: int, content: object, *headers: tuple[str, str]
) -> Iterable[bytes]:
    body = json.dumps(content).encode()
    reason = http.client.responses[status]
    fixed = [
        ("Content-Type", "application/x-amz-json-1.1"),
        ("Content-Length", str(len(body))),
        ("x-amzn-RequestId", str(uuid.uuid4())),
    ]
    start_response(f"{status} {reason}", [*fixed, *headers])
    return [body]
