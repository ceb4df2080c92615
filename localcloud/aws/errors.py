"""Our own error answers in the form that AWS clients expect: XML for S3 and query services, else JSON."""

import http.client
import json
import uuid
from collections.abc import Iterable
from wsgiref.types import StartResponse
from xml.sax.saxutils import escape

# Services whose clients expect XML, like those of S3.
QUERY = {"cloudformation", "elasticloadbalancing", "iam", "rds", "sns", "sts"}


def answer(
    start_response: StartResponse, service: str, status: int, code: str, message: str
) -> Iterable[bytes]:
    """Refuse a request of `service` with AWS's error `code`."""
    request = str(uuid.uuid4())
    if service == "s3":
        kind = "application/xml"
        fields = {"Code": code, "Message": message, "RequestId": request}
        inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
        body = f"<?xml version='1.0' encoding='UTF-8'?><Error>{inner}</Error>".encode()
    elif service in QUERY:
        kind = "text/xml"
        fields = {"Type": "Sender", "Code": code, "Message": message}
        inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
        error = f"<Error>{inner}</Error><RequestId>{request}</RequestId>"
        body = f"<ErrorResponse>{error}</ErrorResponse>".encode()
    else:
        kind = "application/x-amz-json-1.1"
        body = json.dumps({"__type": code, "message": message, "Message": message}).encode()
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("x-amzn-RequestId", request),
        ("x-amzn-ErrorType", code),
    ]
    start_response(f"{status} {http.client.responses[status]}", headers)
    return [body]
