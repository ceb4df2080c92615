"""AWS's query protocol: a form in, XML out."""

import logging
import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment
from xml.sax.saxutils import escape

from localcloud.cloudformation.errors import CloudFormationError, UnsupportedError
from localcloud.cloudformation.service import CloudFormation

log = logging.getLogger(__name__)


class Application:
    """A WSGI application over CloudFormation's operations."""

    def __init__(self, service: CloudFormation) -> None:
        self.operations = service.operations()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        form = dict(parse_qsl(environ["wsgi.input"].read(length).decode(), keep_blank_values=True))
        name = form.get("Action", "")
        try:
            if name not in self.operations:
                return _refuse(start_response, 400, "InvalidAction", f"The local cloud has no {name}")
            answer = self.operations[name](nested(form))
        except UnsupportedError as error:
            return _refuse(start_response, 400, "ValidationError", str(error))
        except CloudFormationError as error:
            return _refuse(start_response, error.status, error.code, str(error))
        except Exception as error:
            log.exception("request.failed cloudformation:%s", name)
            return _refuse(start_response, 500, "InternalFailure", f"{type(error).__name__}: {error}")
        body = f"<{name}Response><{name}Result>{_xml(answer)}</{name}Result>{_request_id()}</{name}Response>"
        return _send(start_response, "200 OK", body)


def nested(form: Mapping[str, str]) -> dict[str, Any]:
    """Turn `A.member.1.B=x` into `{"A": [{"B": "x"}]}`."""
    tree: dict[str, Any] = {}
    for path, value in form.items():
        steps, node = path.split("."), tree
        for step in steps[:-1]:
            node = node.setdefault(step, {})
        node[steps[-1]] = value
    return {name: _lists(one) for name, one in tree.items()}


def _lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if set(node) == {"member"} and isinstance(node["member"], dict):
        return [_lists(one) for _, one in sorted(node["member"].items(), key=lambda item: int(item[0]))]
    return {name: _lists(one) for name, one in node.items()}


def _xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(
            f"<{name}>{_xml(one)}</{name}>" for name, one in value.items() if one not in ("", None)
        )
    if isinstance(value, list):
        return "".join(f"<member>{_xml(one)}</member>" for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    return escape(str(value))


def _request_id() -> str:
    return f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"


def _refuse(start_response: StartResponse, status: int, code: str, message: str) -> Iterable[bytes]:
    kind = "Sender" if status < 500 else "Receiver"
    inner = f"<Type>{kind}</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
    return _send(
        start_response, f"{status} Refused", f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>"
    )


def _send(start_response: StartResponse, status: str, body: str) -> Iterable[bytes]:
    content = body.encode()
    start_response(status, [("Content-Type", "text/xml"), ("Content-Length", str(len(content)))])
    return [content]
