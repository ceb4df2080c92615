"""The gateway as a web server: AWS's JSON 1.1 protocol over WSGI."""

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from localcloud.athena import api, callers, validation
from localcloud.athena.errors import (
    InvalidRequestError,
    MetadataError,
    ResourceNotFoundError,
    SerializationError,
    UnknownOperationError,
)
from localcloud.athena.service import Service
from localcloud.config import HOST
from localcloud.serving import Server, listen

# A client that polls for its query holds a thread for up to two seconds.
_THREADS = 64
_TARGET = "AmazonAthena."

log = logging.getLogger(__name__)


def application(service: Service) -> WSGIApplication:
    """Return the WSGI application. Every GET answers `ok`, as a health check."""

    def respond(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if not _is_loopback(environ.get("HTTP_HOST", HOST)):
            # Block DNS rebinding: a web page could use another name that resolves to 127.0.0.1 to reach us.
            code, answer = "403 Forbidden", b"only loopback names are served"
        elif environ["REQUEST_METHOD"] == "GET":
            code, answer = "200 OK", b"ok"
        else:
            code, answer = _answer(environ, service)
        headers = [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("Content-Length", str(len(answer))),
            ("x-amzn-RequestId", str(uuid4())),
        ]
        start(code, headers)
        return [answer]

    return respond


def _is_loopback(host: str) -> bool:
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name in ("127.0.0.1", "localhost", "[::1]")


def _answer(environ: WSGIEnvironment, service: Service) -> tuple[str, bytes]:
    callers.enter(environ.get("HTTP_AUTHORIZATION", ""))
    try:
        content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        found = _call(environ.get("HTTP_X_AMZ_TARGET", ""), content, service)
    except tuple(_ERRORS) as error:
        return "400 Bad Request", json.dumps(_ERRORS[type(error)](error)).encode()
    except Exception as error:
        log.exception("call.crashed target=%s", environ.get("HTTP_X_AMZ_TARGET"))
        crash = {"__type": "InternalServerException", "Message": f"{type(error).__name__}: {error}"}
        return "500 Internal Server Error", json.dumps(crash).encode()
    return "200 OK", json.dumps(found).encode()


def _call(target: str, content: bytes, service: Service) -> Any:
    name = target.removeprefix(_TARGET)
    if name == target or not validation.is_operation(name):
        raise UnknownOperationError("")
    if name not in api.OPERATIONS:
        raise UnknownOperationError(f"The local cloud's Athena has no {name}")
    return api.OPERATIONS[name](validation.body(name, content), service)


def _invalid(error: Any) -> dict[str, str]:
    named = {"AthenaErrorCode": error.code, "ErrorCode": error.code}
    return {"__type": "InvalidRequestException", **named, "Message": error.message}


def _plain(name: str) -> Callable[[Any], dict[str, str]]:
    def shape(error: Any) -> dict[str, str]:
        return {"__type": name, **({"Message": error.message} if error.message else {})}

    return shape


def _missing(error: Any) -> dict[str, str]:
    return {
        "__type": "ResourceNotFoundException",
        "Message": error.message,
        "ResourceName": error.resource,
    }


_ERRORS: dict[type[Exception], Callable[[Any], dict[str, str]]] = {
    InvalidRequestError: _invalid,
    MetadataError: _plain("MetadataException"),
    ResourceNotFoundError: _missing,
    SerializationError: _plain("SerializationException"),
    UnknownOperationError: _plain("UnknownOperationException"),
}


def create(service: Service, port: int, *, threads: int = _THREADS) -> Server:
    """Return a server on 127.0.0.1; port 0 takes any free port. Raises OSError when the port is taken."""
    return Server(listen(HOST, port), application(service), threads=threads)
