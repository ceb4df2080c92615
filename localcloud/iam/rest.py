"""Find the operation of a REST request, by botocore's service models."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

import botocore.session
from botocore.exceptions import UnknownServiceError

Route = tuple[str, re.Pattern[str], str]


def operation(service: str, method: str, path: str, body: bytes) -> tuple[str, Mapping[str, Any]]:
    """Return the operation's name and members; method and path replace an unknown name."""
    for verb, pattern, name in _routes(service):
        if verb == method and (found := pattern.fullmatch(path)):
            members = {key: unquote(value) for key, value in found.groupdict().items()}
            return name, {**_members(body), **members}
    return f"{method} {path}", {}


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@cache
def _routes(service: str) -> tuple[Route, ...]:
    try:
        model = botocore.session.get_session().get_service_model(service)
    except UnknownServiceError:
        return ()
    if not model.metadata["protocol"].startswith("rest"):
        return ()
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        found.append((http["method"], _pattern(http["requestUri"]), name))
    return tuple(found)


def _pattern(uri: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\+?\}", uri.partition("?")[0])
    texts = (re.escape(one) if place % 2 == 0 else f"(?P<{one}>[^/]+)" for place, one in enumerate(parts))
    return re.compile("".join(texts).rstrip("/") + "/?")
