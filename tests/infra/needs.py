"""Compare a rendered resource with the properties that the code needs.

A row is complete: a property that it neither requires nor leaves free is a problem. Nothing can be added,
renamed or turned off in a template without a row that says who needs it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import yaml

from bronze.errors import BronzeError

# Texts for people, and language versions.
FREE = ("*Description", "/Tags/*", "*/PolicyDocument/Version", "/AssumeRolePolicyDocument/Version")


@dataclass(frozen=True, slots=True)
class Parameter:
    """The value of a parameter, as CloudFormation passes it on."""

    name: str


@dataclass(frozen=True, slots=True)
class Row:
    """The required values of one resource, by path. Paths in `free` may have any value."""

    needs: Mapping[str, Any]
    free: tuple[str, ...] = ()


def problems(properties: Mapping[str, Any], row: Row, values: Mapping[str, str]) -> Iterator[str]:
    """Yield how a rendered resource differs from its row."""
    whole = _opened(properties)
    for path, wanted in row.needs.items():
        try:
            found = at(whole, path)
        except (KeyError, IndexError, TypeError):
            yield f"{path} is missing"
            continue
        if not _is(found, wanted, values):
            yield f"{path} is {found!r}, not {_shown(wanted, values)}"
    for path in leaves(whole):
        needed = any(path == one or path.startswith(f"{one}/") for one in row.needs)
        if not needed and not any(fnmatchcase(path, one) for one in (*FREE, *row.free)):
            yield f"{path} is set, but no row says who needs it"


def at(whole: Any, path: str) -> Any:
    """Return the value at a path such as `/Statement/0/Action`."""
    for step in path.strip("/").split("/"):
        whole = whole[int(step)] if isinstance(whole, list) else whole[step]
    return whole


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every string, number and boolean."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, f"{path}/{key}")
    else:
        yield path


def grants(wanted: Mapping[str, str | tuple[str, ...]]) -> Callable[[Any], bool]:
    """Return a check that statements allow exactly these actions, each on exactly these resources."""

    def holds(statements: Any) -> bool:
        found: dict[str, set[str]] = {}
        for statement in statements:
            if statement["Effect"] != "Allow":
                return False
            for action in _many(statement["Action"]):
                found.setdefault(action, set()).update(_many(statement["Resource"]))
        return found == {action: set(_many(where)) for action, where in wanted.items()}

    holds.__doc__ = f"permission for {dict(wanted)}"
    return holds


def taken_by(*services: str) -> Callable[[Any], bool]:
    """Return a check that only these services, for one account, may assume a role."""

    def holds(statements: Any) -> bool:
        [one] = statements
        return (
            one["Effect"] == "Allow"
            and one["Action"] == "sts:AssumeRole"
            and set(_many(one["Principal"]["Service"])) == set(services)
            and set(one["Condition"]["StringEquals"]) == {"aws:SourceAccount"}
        )

    holds.__doc__ = f"a role for {', '.join(services)}"
    return holds


def _is(found: Any, wanted: Any, values: Mapping[str, str]) -> bool:
    if isinstance(wanted, Parameter):
        return str(found) == values[wanted.name]
    if callable(wanted):
        try:
            return bool(wanted(found))
        except (ArithmeticError, LookupError, TypeError, ValueError, BronzeError, yaml.YAMLError):
            return False  # the value cannot even be read
    return type(found) is type(wanted) and found == wanted


def _shown(wanted: Any, values: Mapping[str, str]) -> str:
    if isinstance(wanted, Parameter):
        return f"{values[wanted.name]!r} ({wanted.name})"
    return str(wanted.__doc__ or wanted.__name__) if callable(wanted) else repr(wanted)


def _opened(value: Any) -> Any:
    """Return the value with JSON strings parsed."""
    if isinstance(value, dict):
        return {key: _opened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_opened(inner) for inner in value]
    if isinstance(value, str) and value.startswith('{"'):
        return json.loads(value)
    return value


def _many(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)
