"""What a role allows, by its inline and managed policies as rendered."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from rendered import environment, properties


def statements(role: str, of: str = "dev") -> Iterator[dict[str, Any]]:
    """Yield every Allow statement of a role of the access stack."""
    found = properties("access", role, of)
    for policy in found.get("Policies", ()):
        yield from policy["PolicyDocument"]["Statement"]
    for managed in found.get("ManagedPolicyArns", ()):
        document = environment(of)["access"][managed]["Properties"]["PolicyDocument"]
        yield from document["Statement"]


def allows(role: str, action: str, resource: str, of: str = "dev") -> bool:
    """Return whether a statement allows an action on a resource, assuming that its conditions hold."""
    return any(
        any(fnmatchcase(action, one) for one in as_list(statement["Action"]))
        and any(fnmatchcase(resource, one) for one in as_list(statement["Resource"]))
        for statement in statements(role, of)
    )


def actions(role: str, of: str = "dev") -> set[str]:
    """Return every action that a statement allows."""
    return {action for statement in statements(role, of) for action in as_list(statement["Action"])}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
