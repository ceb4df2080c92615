"""The WSGI application: the panel, the API description, and the endpoints, which require the token."""

import hmac
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, Unauthorized, UnsupportedMediaType
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import wrap_file

from control.api.endpoints import Endpoint, endpoints
from control.api.openapi import EXIT_CODE, description
from control.api.work import Answer, Problem
from control.errors import UsageError

Work = Callable[[list[str]], Answer | Problem]

MOST_BYTES = 64 * 1024
_HERE = files("control.api").joinpath("panel")
PANEL = {
    "/": (_HERE.joinpath("index.html"), "text/html"),
    "/panel.js": (_HERE.joinpath("panel.js"), "text/javascript"),
    "/panel.css": (_HERE.joinpath("panel.css"), "text/css"),
    "/site.css": (files("control.site").joinpath("assets", "site.css"), "text/css"),
}
# No resources from elsewhere, no frames, no inline scripts: a malicious object key cannot become a script.
SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class App:
    """Answers requests through `work`; endpoints require `token`."""

    token: str
    work: Work

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """See WSGI."""
        began = time.monotonic()
        request = Request(environ)
        request.max_content_length = MOST_BYTES
        try:
            response = self._respond(request)
        except HTTPException as error:
            response = _problem(Problem(error.code or 500, error.description or error.name))
            response.headers.extend(error.get_headers(environ, None)[1:])
        response.headers.extend(SAFE)
        _log(request, response, time.monotonic() - began)
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        page = _page(request.path)
        if page is not None:
            if request.method not in ("GET", "HEAD"):
                raise MethodNotAllowed(["GET", "HEAD"], f"{request.path} takes GET")
            return page
        self._require_token(request)
        endpoint = endpoints().get(request.path)
        if endpoint is None:
            raise NotFound(f"there is no {request.path}: see /openapi.json")
        if request.method != endpoint.method:
            raise MethodNotAllowed([endpoint.method], f"{request.path} takes {endpoint.method}")
        try:
            argv = endpoint.argv(_values(request, endpoint))
        except UsageError as error:
            return _problem(Problem(400, error.message, error.hint))
        return _answered(self.work(argv), environ=request.environ)

    def _require_token(self, request: Request) -> None:
        given = request.authorization
        if (
            given is None
            or given.type != "bearer"
            or not hmac.compare_digest((given.token or "").encode(), self.token.encode())
        ):
            raise Unauthorized(
                "send the header Authorization: Bearer TOKEN, with the token that `dm serve` runs with"
            )


def _page(path: str) -> Response | None:
    """Return a page that needs no token, since it contains no data of the lake; None if there is none."""
    if path in PANEL:
        file, kind = PANEL[path]
        return Response(file.read_bytes(), content_type=f"{kind}; charset=utf-8")
    return _json(description(endpoints().values())) if path == "/openapi.json" else None


def _values(request: Request, endpoint: Endpoint) -> Mapping[str, object]:
    if endpoint.method == "GET":
        return {name: values if len(values) > 1 else values[0] for name, values in request.args.lists()}
    if request.args:  # ignoring ?dry_run=true would run the command for real
        raise UsageError("a POST takes its values in its body, as a JSON object, not in its address")
    body = request.get_data()
    if request.content_length not in (None, len(body)):  # a truncated body may mean something else
        raise UsageError("the body ends before its Content-Length")
    if not body:
        return {}
    if request.mimetype != "application/json":  # a form on another site cannot send this type
        raise UnsupportedMediaType("send a JSON object, as application/json")
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageError("the body is not JSON") from error
    if not isinstance(values, dict):
        raise UsageError("the body is not a JSON object")
    return values


def _answered(answer: Answer | Problem, environ: Mapping[str, object]) -> Response:
    if isinstance(answer, Problem):
        return _problem(answer)
    body = wrap_file(dict(environ), answer.body)
    headers = {EXIT_CODE: str(answer.exit_code)}
    return Response(body, content_type="application/json", headers=headers, direct_passthrough=True)


def _problem(problem: Problem) -> Response:
    """Return a problem as in RFC 9457."""
    told = {
        "status": problem.status,
        "title": Response(status=problem.status).status.partition(" ")[2].capitalize(),
        "detail": problem.message,
        "hint": problem.hint,
        "retryable": problem.retryable,
    }
    return _json(told, status=problem.status, kind="application/problem+json")


def _json(value: object, status: int = 200, kind: str = "application/json") -> Response:
    return Response(json.dumps(value), status=status, content_type=kind)


def _log(request: Request, response: Response, seconds: float) -> None:
    """Write one line to stderr, without the values of the request, which may name people."""
    event = {
        "event": "request",
        "method": request.method,
        "path": request.path[:200],
        "status": response.status_code,
    }
    sys.stderr.write(json.dumps({**event, "ms": round(seconds * 1000)}) + "\n")
