"""Detect drift: compare the actual properties of resources with those they were given."""

import json
from typing import Any

from localcloud.cloudformation import kinds
from localcloud.cloudformation.model import Drifted, Stack
from localcloud.cloudformation.resolve import with_secrets


def detect(stack: Stack, clients: kinds.Clients) -> list[Drifted]:
    """Return the drift of each resource; as on AWS, only properties stated in the template are compared."""
    found = []
    for name, resource in stack.resources.items():
        kind = kinds.of(resource.type)
        if kind.read is None:
            found.append(Drifted(name, "NOT_CHECKED", []))
            continue
        actual = kind.read(clients, resource.physical)
        if actual is None:
            found.append(Drifted(name, "DELETED", []))
            continue
        differences = [
            {
                "path": f"/{key}",
                "expected": _text(resource.properties[key]),
                "actual": _text(value),
                "kind": "NOT_EQUAL" if value is not None else "REMOVE",
            }
            for key, value in actual.items()
            if key in resource.properties
            and not _same(with_secrets(resource.properties[key], clients.secret), value)
        ]
        found.append(Drifted(name, "MODIFIED" if differences else "IN_SYNC", differences))
    return found


def _same(expected: Any, actual: Any) -> bool:
    return _text(expected) == _text(actual)


def _text(value: Any) -> str:
    """Return a text in which 5, "5" and 5.0 are the same, and true is "true"."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
