"""The one endpoint: sends Athena's calls to the Athena part and everything else to moto."""

import contextlib
import http.client
import logging
import re
import threading
from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from localcloud.aws import bodies
from localcloud.aws.athena import AthenaPart, Port
from localcloud.aws.errors import answer
from localcloud.config import HOST
from localcloud.serving import UNDERSCORED

HEALTH = "/_localcloud/health"
ATHENA = "AmazonAthena."
HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "date", "server"}
LOOPBACK_NAMES = {HOST, "localhost"}
# moto checks a condition and then acts on it, which two threads may do at once: two writers would win one
# `If-None-Match` or one conditional put. Handlers of these services run one at a time; none waits.
CONSISTENT = {"s3", "glue", "dynamodb", "lakeformation"}
SCOPE = re.compile(r"Credential=[^/,]+/[^/,]*/[^/,]*/([^/,]+)/")

log = logging.getLogger(__name__)


class Front:
    """A WSGI application over moto's and the Athena part's."""

    def __init__(self, moto: WSGIApplication, athena_port: Port) -> None:
        self.moto = moto
        self.athena = AthenaPart(athena_port)
        self.used: set[str] = set()
        """Services that clients have called since the start."""
        self.one_at_a_time = threading.RLock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        service = _service(environ)
        if not _is_local(environ):
            message = "The local cloud serves programs of this machine only, not pages of other hosts."
            return answer(start_response, service, 403, "AccessDenied", message)
        if path == HEALTH:
            start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
            return [b"ok"]
        if path.startswith("/moto-api"):
            # moto's own controls can wipe every service; nothing of AWS has such a path.
            return answer(start_response, "", 404, "NotFound", "The controls of moto are not served.")
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith(ATHENA):
            return self._ask_athena(environ, start_response)
        return self._ask_moto(service, environ, start_response)

    def _ask_moto(
        self, service: str, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        try:
            bodies.read(environ)
        except bodies.MalformedBodyError as error:
            return answer(start_response, service, 400, "IncompleteBody", str(error))
        environ["RAW_URI"] = environ["REQUEST_URI"]
        # S3 metadata may have names with underscores, which moto reads from here.
        environ["moto.preserved_header_names"] = environ[UNDERSCORED]
        self.used.add(service)
        try:
            with self.one_at_a_time if service in CONSISTENT else contextlib.nullcontext():
                return self.moto(environ, start_response)
        except NotImplementedError as error:
            message = f"The local cloud does not have this: {error}"
            return answer(start_response, service, 501, "NotImplemented", message)
        except Exception as error:
            target = environ.get("HTTP_X_AMZ_TARGET", "")
            log.exception("request.failed %s %s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"], target)
            message = f"The local cloud failed: {type(error).__name__}: {error}"
            return answer(start_response, service, 500, "InternalError", message)

    def _ask_athena(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            response, body = self.athena.ask(environ)
        except (OSError, http.client.HTTPException) as error:
            message = f"The local cloud's Athena part does not answer ({error}). Start it again: dm local up"
            return answer(start_response, "athena", 500, "InternalServerException", message)
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_HEADERS]
        start_response(f"{response.status} {response.reason}", headers)
        return [body]


def _service(environ: WSGIEnvironment) -> str:
    """The service that the request was signed for; one that is not signed is for S3, as in moto."""
    found = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return found[1] if found else "s3"


def _is_local(environ: WSGIEnvironment) -> bool:
    """Whether the request names this machine, and does not come from a page of another host.

    A browser would else let any page write here, or read through a name that resolves to 127.0.0.1.
    """
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and urlsplit(origin).hostname not in LOOPBACK_NAMES:
        return False
    host = environ.get("HTTP_HOST", HOST)
    name = host.rpartition(":")[0] or host
    return name in LOOPBACK_NAMES or name.endswith((".localhost", ".amazonaws.com"))
