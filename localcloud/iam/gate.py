"""IAM in front of the endpoint: judge each request of a role by the role's policies, and count it.

Requests with any other key are the account owner's, as without IAM. Athena calls Glue and S3 on behalf of
whoever started the query, as on AWS: it sends their key in a header, without which it may do nothing.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, cast
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from xml.sax.saxutils import escape

from localcloud.aws import bodies
from localcloud.aws.calls import service_of
from localcloud.aws.errors import answer
from localcloud.aws.front import ATHENA, CONTROL
from localcloud.aws.turns import Turns
from localcloud.config import ATHENA_KEY, ENFORCE, ON_BEHALF
from localcloud.iam import asked, callers, encryption, s3
from localcloud.iam.calls import Calls
from localcloud.iam.policies import SESSION, Need, Verdict, judge

KEY: Final = re.compile(r"Credential=([^/,\s]+)/")
BEHALF: Final = f"HTTP_{ON_BEHALF.upper().replace('-', '_')}"
FOLLOWED: Final = {
    "BatchGetQueryExecution",
    "GetQueryExecution",
    "GetQueryResults",
    "GetQueryRuntimeStatistics",
    "StopQueryExecution",
}
FORM: Final = "application/x-www-form-urlencoded"


class Gate:
    """A WSGI application in front of the endpoint's; in the mode `record` it refuses nothing."""

    def __init__(self, app: WSGIApplication, turns: Turns, mode: str, region: str) -> None:
        self.app = app
        self.turns = turns
        self.mode = mode
        self.region = region
        self.calls = Calls()
        self._groups: dict[str, str] = {}
        """The workgroup of each query: requests about a running query name only the query."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, or refuse it."""
        if environ["PATH_INFO"].startswith(CONTROL):
            return self.app(environ, start_response)
        service = service_of(environ)
        try:
            caller = self._caller(environ)
        except callers.UnknownKeyError as error:
            return answer(start_response, service, 403, *_unknown(service, str(error)))
        if caller is None:
            return self._remembered(environ, start_response, b"")
        try:
            bodies.read(environ)
        except bodies.MalformedBodyError as error:
            return answer(start_response, service, 400, "IncompleteBody", str(error))
        body: bytes = environ["wsgi.input"].getvalue()
        refused = self._judge(caller, self._needs(environ, body))
        if refused and self.mode == ENFORCE:
            return _refuse(environ, start_response, service, _message(caller, *refused))
        if service == "s3" and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return self._hidden(caller, environ, start_response)
        return self._remembered(environ, start_response, body)

    def _caller(self, environ: WSGIEnvironment) -> callers.Caller | None:
        found = KEY.search(environ.get("HTTP_AUTHORIZATION", ""))
        signed = parse_qs(environ["QUERY_STRING"]).get("X-Amz-Credential", [""])[0].partition("/")[0]
        key = found[1] if found else signed
        if key == ATHENA_KEY:
            key = environ.get(BEHALF, "")
        if not key:
            raise callers.UnknownKeyError("a request without credentials")
        with self.turns:
            return callers.of(key)

    def _needs(self, environ: WSGIEnvironment, body: bytes) -> list[Need]:
        if (name := _operation(environ)) in FOLLOWED:
            given = json.loads(body)
            queries = given.get("QueryExecutionIds") or [given.get("QueryExecutionId", "")]
            groups = dict.fromkeys(self._groups.get(one, "*") for one in queries)
            account = f"arn:aws:athena:{self.region}:{asked.ACCOUNT}"
            return [Need(f"athena:{name}", f"{account}:workgroup/{group}") for group in groups]
        in_parts = "uploadId=" in environ["QUERY_STRING"]
        with self.turns:
            return list(encryption.with_keys(asked.needs(environ, body, self.region), in_parts=in_parts))

    def _judge(self, caller: callers.Caller, needs: Iterable[Need]) -> tuple[Need, Verdict] | None:
        """Return the first need that is not allowed; all are counted."""
        first = None
        for need in needs:
            verdict = judge(_with_context(need, self.region), caller.identity, caller.session)
            self.calls.note(caller.role, need, verdict)
            if not verdict.allowed and first is None:
                first = need, verdict
        return first

    def _hidden(
        self, caller: callers.Caller, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Refuse an absent object, instead of a 404, if the caller may not list its bucket, as S3 does."""
        bucket, key = s3.place(environ)
        need = Need("s3:ListBucket", f"arn:aws:s3:::{bucket}")
        may_list = judge(_with_context(need, self.region), caller.identity, caller.session)
        if not key or may_list.allowed:
            return self.app(environ, start_response)
        said: list[Any] = []

        def hear(*given: Any) -> Callable[[bytes], object]:
            said.extend(given)
            return _write

        found = self.app(environ, cast(StartResponse, hear))
        if not said[0].startswith("404"):
            start_response(*said)
            return found
        b"".join(found)
        self.calls.note(caller.role, need, may_list)
        if self.mode != ENFORCE:
            return self.app(environ, start_response)
        return _refuse(environ, start_response, "s3", _message(caller, need, may_list))

    def _remembered(
        self, environ: WSGIEnvironment, start_response: StartResponse, body: bytes
    ) -> Iterable[bytes]:
        """Answer, and remember the workgroup of a query that starts."""
        if _operation(environ) != "StartQueryExecution":
            return self.app(environ, start_response)
        if not body:
            bodies.read(environ)
            body = environ["wsgi.input"].getvalue()
        found = b"".join(self.app(environ, start_response))
        query = json.loads(found or b"{}").get("QueryExecutionId")
        if query:
            self._groups[query] = json.loads(body).get("WorkGroup", "primary")
        return [found]


def _operation(environ: WSGIEnvironment) -> str:
    target: str = environ.get("HTTP_X_AMZ_TARGET", "")
    return target.removeprefix(ATHENA) if target.startswith(ATHENA) else ""


def _write(_: bytes) -> object:
    raise NotImplementedError  # no part of the endpoint uses WSGI's write()


def _refuse(
    environ: WSGIEnvironment, start_response: StartResponse, service: str, message: str
) -> Iterable[bytes]:
    """Refuse in the protocol of the request."""
    if environ.get("CONTENT_TYPE", "").startswith(FORM):
        error = f"<Type>Sender</Type><Code>AccessDenied</Code><Message>{escape(message)}</Message>"
        body = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode()
        start_response("403 Forbidden", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]
    status, code = (403, "AccessDenied") if service == "s3" else (400, "AccessDeniedException")
    found = answer(start_response, service, status, code, message)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else found


def _with_context(need: Need, region: str) -> Need:
    always = {
        # The local endpoint counts as one with TLS.
        "aws:securetransport": "true",
        "aws:principalaccount": asked.ACCOUNT,
        "aws:requestedregion": region,
    }
    return Need(need.action, need.resource, {**always, **need.context})


def _unknown(service: str, key: str) -> tuple[str, str]:
    code = "InvalidAccessKeyId" if service == "s3" else "UnrecognizedClientException"
    message = f"The access key {key} was not issued since the local cloud started: dm env --role ROLE"
    return code, message


def _message(caller: callers.Caller, need: Need, verdict: Verdict) -> str:
    """Return the message in AWS's wording."""
    kind = f"{'an' if verdict.kind != SESSION else 'a'} {verdict.kind} policy"
    why = (
        f"with an explicit deny in {kind}"
        if verdict.explicit
        else f"because no {verdict.kind} policy allows the {need.action} action"
    )
    where = f' on resource: "{need.resource}"' if need.resource != "*" else ""
    return f"User: {caller.arn} is not authorized to perform: {need.action}{where} {why}"
