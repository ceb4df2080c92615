"""Check the body of a call against AWS's own description of the API, with the service's error messages."""

import json
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from localcloud.athena.errors import InvalidRequestError, SerializationError

_EXPECTED = {"list": "Expected list or null", "structure": "Expected null", "map": "Expected map or null"}
_TARGETS = {"string": "a String", "integer": "an Integer", "long": "a Long", "boolean": "a Boolean"}

# Where the service is laxer than its description, and reports the error later in other words.
_MOST = {"MaxQueryResults": 100_000}


@cache
def _model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("athena", "service-2"), "athena")


def is_operation(name: str) -> bool:
    """Whether Athena has an operation of this name."""
    return name in _model().operation_names


def body(operation: str, content: bytes) -> dict[str, Any]:
    """Return the members of a call, without nulls.

    Raises SerializationError for malformed JSON or a wrong JSON type, InvalidRequestError for members that
    are missing or out of bounds.
    """
    try:
        given = json.loads(content)
    except ValueError:
        raise SerializationError("") from None
    if isinstance(given, list):
        raise SerializationError("Start of list found where not expected")
    if not isinstance(given, dict):
        raise SerializationError("")
    shape = _model().operation_model(operation).input_shape
    if not isinstance(shape, StructureShape):
        return given
    problems: list[str] = []
    found: dict[str, Any] = _structure(given, shape, "", problems)
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected"
        raise InvalidRequestError(f"{count}: {'; '.join(problems)}")
    return found


def _structure(given: Any, shape: StructureShape, path: str, problems: list[str]) -> dict[str, Any]:
    found = {}
    for name, member in shape.members.items():
        value = given.get(name)
        # The service's messages use camel case: queryExecutionId.
        where = f"{path}{name[0].lower()}{name[1:]}"
        if value is not None:
            found[name] = _value(value, member, where, problems)
        elif name in shape.required_members:
            problems.append(f"Value null at '{where}' failed to satisfy constraint: Member must not be null")
    return found


def _value(given: Any, shape: Shape, path: str, problems: list[str]) -> Any:
    kind = shape.type_name
    _check_type(given, kind)
    if isinstance(shape, StructureShape):
        return _structure(given, shape, f"{path}.", problems)
    if isinstance(shape, ListShape):
        kept = (value for value in given if value is not None)
        return [_value(value, shape.member, f"{path}.member", problems) for value in kept]
    if kind in ("integer", "long"):
        _check_bounds(int(given), shape, path, "value", problems)
        return int(given)
    if kind == "string":
        _check_bounds(len(given), shape, path, "length", problems)
    return given


def _check_type(given: Any, kind: str) -> None:
    fits = {
        "string": isinstance(given, str),
        "integer": isinstance(given, int | float) and not isinstance(given, bool),
        "long": isinstance(given, int | float) and not isinstance(given, bool),
        "boolean": isinstance(given, bool),
        "list": isinstance(given, list),
        "structure": isinstance(given, dict),
        "map": isinstance(given, dict),
    }
    if fits.get(kind, True):
        return
    if isinstance(given, list):
        raise SerializationError("Start of list found where not expected")
    if isinstance(given, dict) and kind != "list":
        raise SerializationError("Start of structure or map found where not expected.")
    if kind in _EXPECTED:
        raise SerializationError(_EXPECTED[kind])
    word = "STRING" if isinstance(given, str) else "NUMBER"
    if isinstance(given, bool):
        word = str(given).upper()
    raise SerializationError(f"{word}_VALUE can not be converted to {_TARGETS[kind]}")


def _check_bounds(size: int, shape: Shape, path: str, what: str, problems: list[str]) -> None:
    low: Any = shape.metadata.get("min")
    high: Any = _MOST.get(shape.name, shape.metadata.get("max"))
    if low is not None and size < low:
        bound = f"greater than or equal to {low}"
    elif high is not None and size > high:
        bound = f"less than or equal to {high}"
    else:
        return
    constraint = f"Member must have {what} {bound}"
    problems.append(f"Value at '{path}' failed to satisfy constraint: {constraint}")
