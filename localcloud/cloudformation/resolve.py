"""Resolve a template's functions: `Ref`, `Fn::GetAtt`, `Fn::Sub` … into plain values."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudformation.errors import ValidationError

_VARIABLE = re.compile(r"\$\{([^!{}][^{}]*)\}")
_LITERAL = re.compile(r"\$\{!([^{}]*)\}")
# The ARN, and the version if there is one; the parts in between (key, stage) are not supported.
_SECRET = re.compile(r"\{\{resolve:secretsmanager:(.+?):SecretString(?::::([0-9A-Za-z-]*))?\}\}")
NO_VALUE = object()


@dataclass
class Scope:
    """What names mean during an operation on one stack."""

    parameters: Mapping[str, Any]
    pseudo: Mapping[str, str]
    exports: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    """What `Ref` returns for each existing resource."""
    attributes: Callable[[str, str], str] = lambda name, attribute: f"{name}.{attribute}"


def resolve(value: Any, scope: Scope) -> Any:
    """Return `value` with its functions resolved. Raises ValidationError for unknown ones.

    References to secrets stay, because CloudFormation compares them to detect changes.
    """
    if isinstance(value, list):
        return [item for item in (resolve(one, scope) for one in value) if item is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(name, argument)] = value.items()
        if name == "Ref":
            return _ref(argument, scope)
        if name in FUNCTIONS:
            return FUNCTIONS[name](argument, scope)
        if name.startswith("Fn::"):
            raise ValidationError(f"The local cloud does not know {name}")
    resolved = {name: resolve(one, scope) for name, one in value.items()}
    return {name: one for name, one in resolved.items() if one is not NO_VALUE}


def with_secrets(value: Any, secret: Callable[[str, str], str]) -> Any:
    """Replace each reference to a secret in `value` by what `secret` returns for its ARN and version."""
    if isinstance(value, list):
        return [with_secrets(one, secret) for one in value]
    if isinstance(value, dict):
        return {name: with_secrets(one, secret) for name, one in value.items()}
    if isinstance(value, str):
        return _SECRET.sub(lambda found: secret(found[1], found[2] or ""), value)
    return value


def holds(condition: Any, scope: Scope) -> bool:
    """Return whether a condition holds. Raises ValidationError for an unknown one."""
    [(name, argument)] = condition.items()
    if name == "Condition":
        return holds(scope.conditions[argument], scope)
    if name == "Fn::Equals":
        first, second = (resolve(one, scope) for one in argument)
        return bool(str(first) == str(second))
    if name == "Fn::Not":
        return not holds(argument[0], scope)
    if name == "Fn::And":
        return all(holds(one, scope) for one in argument)
    if name == "Fn::Or":
        return any(holds(one, scope) for one in argument)
    raise ValidationError(f"The local cloud does not know the condition {name}")


def mentioned(value: Any) -> set[str]:
    """Return the names that `value` refers to by `Ref`, `Fn::GetAtt` and `Fn::Sub`."""
    if isinstance(value, list):
        return set().union(*(mentioned(one) for one in value))
    if not isinstance(value, dict):
        return set()
    found: set[str] = set()
    for name, argument in value.items():
        if name == "Ref":
            found.add(argument)
        elif name == "Fn::GetAtt":
            found.add(argument[0] if isinstance(argument, list) else argument.split(".")[0])
        elif name == "Fn::Sub":
            text, given = argument if isinstance(argument, list) else (argument, {})
            names = {one.split(".")[0] for one in _VARIABLE.findall(text)} - given.keys()
            found |= names | mentioned(given)
        else:
            found |= mentioned(argument)
    return found


def _ref(name: str, scope: Scope) -> Any:
    if name == "AWS::NoValue":
        return NO_VALUE
    for known in (scope.pseudo, scope.parameters, scope.references):
        if name in known:
            return known[name]
    raise ValidationError(f"Unresolved resource dependencies [{name}] in the Resources block of the template")


def _get_att(argument: Any, scope: Scope) -> str:
    name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
    return scope.attributes(name, attribute)


def _sub(argument: Any, scope: Scope) -> str:
    text, given = argument if isinstance(argument, list) else (argument, {})
    own = resolve(given, scope)

    def value_of(found: re.Match[str]) -> str:
        name = found[1]
        if name in own:
            return str(own[name])
        return str(_get_att(name, scope) if "." in name else _ref(name, scope))

    return str(resolve(_LITERAL.sub(r"${\1}", _VARIABLE.sub(value_of, text)), scope))


def _import(argument: Any, scope: Scope) -> str:
    name = resolve(argument, scope)
    if name not in scope.exports:
        raise ValidationError(f"No export named {name} found.")
    return scope.exports[name]


def _if(argument: Any, scope: Scope) -> Any:
    name, yes, no = argument
    return resolve(yes if holds(scope.conditions[name], scope) else no, scope)


def _join(argument: Any, scope: Scope) -> str:
    separator, items = argument
    return str(separator).join(str(one) for one in resolve(items, scope))


def _select(argument: Any, scope: Scope) -> Any:
    index, items = argument
    return resolve(items, scope)[int(index)]


def _split(argument: Any, scope: Scope) -> list[str]:
    separator, text = argument
    return str(resolve(text, scope)).split(separator)


def _zones(argument: Any, scope: Scope) -> list[str]:
    region = resolve(argument, scope) or scope.pseudo["AWS::Region"]
    return [f"{region}{letter}" for letter in "abc"]


FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::ImportValue": _import,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::GetAZs": _zones,
}
