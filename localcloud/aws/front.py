"""The single endpoint: routes Athena's calls to the Athena part and everything else to moto."""

import http.client
import logging
import re
from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from localcloud.aws import bodies
from localcloud.aws.athena import AthenaPart, Port
from localcloud.aws.calls import region_of, service_of
from localcloud.aws.errors import answer
from localcloud.aws.services import KEPT
from localcloud.aws.turns import Turns
from localcloud.config import HOST
from localcloud.serving import UNDERSCORED

CONTROL = "/_localcloud/"
HEALTH = f"{CONTROL}health"
ATHENA = "AmazonAthena."
HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "date", "server"}
LOOPBACK_NAMES = {HOST, "localhost"}
# Read-only operations; anything else counts as a change.
READS = re.compile(r"[^.]*\.(Get|List|Describe|Head|Query|Scan|BatchGet)")

log = logging.getLogger(__name__)


class Front:
    """A WSGI application over moto's and the Athena part's."""

    def __init__(
        self, moto: WSGIApplication, athena_port: Port, control: WSGIApplication, turns: Turns, region: str
    ) -> None:
        self.region = region
        """The region of Athena, and of the Glue that it uses."""
        self.cloudformation: WSGIApplication | None = None
        """Set once the state is restored. It calls this endpoint itself, so it does not take `turns`."""
        self.moto = moto
        self.athena = AthenaPart(athena_port)
        self.control = control
        # moto checks a condition and then acts, without a lock: with two threads, two writers would win one
        # `If-None-Match` or one conditional put. So requests to kept services run one at a time.
        self.turns = turns
        self.used: set[str] = set()
        """Services that clients have called since the start."""
        self.changes = 0
        """The number of requests that may have changed a kept service."""
        self.closed = False
        """Whether the last snapshot was written, so that kept services refuse every request."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        service = service_of(environ)
        if not _is_local(environ):
            message = "The local cloud serves only programs on this machine, not pages of other hosts."
            return answer(start_response, service, 403, "AccessDenied", message)
        if path.startswith(CONTROL):
            return self.control(environ, start_response)
        if path.startswith("/moto-api"):
            # moto's own controls can wipe every service; no AWS service has such a path.
            return answer(start_response, "", 404, "NotFound", "The controls of moto are not served.")
        if service == "cloudformation" and self.cloudformation is not None:
            return self.cloudformation(environ, start_response)
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
            if service not in KEPT:
                return self.moto(environ, start_response)
            with self.turns:
                if self.closed:
                    message = "The local cloud is going down: its state was saved for the last time."
                    return answer(start_response, service, 503, "ServiceUnavailable", message)
                self.changes += _may_change(environ)
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
        if (asked := region_of(environ)) not in (None, self.region):
            # moto has a Glue per region: tables that a statement creates in one are not visible in another.
            message = (
                f"The local cloud is in {self.region}, this request is for {asked}. Set {self.region} "
                f"in the client (dbt: region_name), or start the local cloud again with --region {asked}."
            )
            return answer(start_response, "athena", 400, "InvalidRequestException", message)
        try:
            response, body = self.athena.ask(environ)
        except (OSError, http.client.HTTPException) as error:
            message = f"The local cloud's Athena part does not answer ({error}). Start it again: dm local up"
            return answer(start_response, "athena", 500, "InternalServerException", message)
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_HEADERS]
        start_response(f"{response.status} {response.reason}", headers)
        return [body]


def _may_change(environ: WSGIEnvironment) -> bool:
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return READS.match(target) is None
    return environ["REQUEST_METHOD"] not in ("GET", "HEAD")


def _is_local(environ: WSGIEnvironment) -> bool:
    """Whether the request names this machine, and does not come from a page of another host.

    Otherwise a browser would let any page write here, or read through a name that resolves to 127.0.0.1.
    Requests for what a page embeds or links to have no Origin header, but Sec-Fetch-Site says that they are
    cross-site: otherwise a raw file with HTML could be opened as a page of this cloud.
    """
    origin = environ.get("HTTP_ORIGIN")
    if origin is None and environ.get("HTTP_SEC_FETCH_SITE") == "cross-site":
        return False
    if origin is not None and urlsplit(origin).hostname not in LOOPBACK_NAMES:
        return False
    host = environ.get("HTTP_HOST", HOST)
    name = host.rpartition(":")[0] or host
    return name in LOOPBACK_NAMES or name.endswith((".localhost", ".amazonaws.com"))
