"""Signatures of functions, written as text: `element_at(array(T), bigint) -> T`.

Single capitals are type variables. `varchar`, `decimal`, `timestamp` and the like without numbers accept
any length, precision or digits. `...` after the last parameter repeats it. A result `=0` is the type of
the first argument.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from localcloud.athena.translate.coercion import can_become, common_type, is_orderable
from localcloud.athena.translate.terms import UNKNOWN, array
from localcloud.athena.types import Type

_ANY_NUMBERS = ("varchar", "char", "decimal", "timestamp", "timestamp with time zone", "time")


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameter patterns and a result pattern."""

    name: str
    parameters: tuple[Type, ...]
    repeats: bool
    result: str
    text: str


@cache
def signature(written: str) -> Signature:
    """Parse a signature."""
    head, _, result = written.rpartition(" -> ")
    name, _, inside = head.partition("(")
    parts = _split(inside.rpartition(")")[0])
    repeats = bool(parts) and parts[-1] == "..."
    patterns = tuple(pattern(part) for part in (parts[:-1] if repeats else parts))
    return Signature(name, patterns, repeats, result, head)


@cache
def pattern(written: str) -> Type:
    """Parse a type with variables, as written in a signature."""
    written = written.strip()
    if "(" not in written:
        return Type(written)
    name, _, inside = written.partition("(")
    inside, _, tail = inside.rpartition(")")
    if name in ("array", "map", "row", "function"):
        return Type(name, (), tuple(("", pattern(part)) for part in _split(inside)))
    return Type(name + tail, tuple(int(part) for part in inside.split(",")))


def _split(written: str) -> list[str]:
    parts, depth, current = [], 0, ""
    for character in written:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += character
    return [*parts, current.strip()] if current.strip() else parts


def match(found: Signature, arguments: list[Type]) -> tuple[int, dict[str, Type]] | None:
    """Return the cost of the fit (0 is exact) and the bound type variables; None if it does not fit."""
    expected = list(found.parameters)
    if found.repeats:
        expected += [expected[-1]] * (len(arguments) - len(expected))
        if len(arguments) < len(found.parameters) - 1:
            return None
        expected = expected[: len(arguments)]
    if len(expected) != len(arguments):
        return None
    bound: dict[str, Type] = {}
    costs = [
        _fit(parameter, argument, bound) for parameter, argument in zip(expected, arguments, strict=True)
    ]
    if any(cost is None for cost in costs):
        return None
    return sum(cost or 0 for cost in costs), bound


_ORDERED = "E"  # the variable for a type whose values can be ordered


def is_variable(type_: Type) -> bool:
    """Whether the pattern is a type variable."""
    return len(type_.name) == 1 and type_.name.isupper()


def _fit(parameter: Type, argument: Type, bound: dict[str, Type]) -> int | None:
    if is_variable(parameter):
        if parameter.name == _ORDERED and not is_orderable(argument):
            return None
        common = common_type(bound[parameter.name], argument) if parameter.name in bound else argument
        if common is None:
            return None
        bound[parameter.name] = common
        return 0
    if parameter.name == "function" or argument.name == "function":
        return 0 if parameter.name == argument.name else None
    if argument == UNKNOWN:
        for inner in _variables(parameter):
            bound.setdefault(inner, UNKNOWN)
        return 1
    if parameter.parts:
        return _fit_parts(parameter, argument, bound)
    if parameter.name == argument.name and (not parameter.numbers or parameter.numbers == argument.numbers):
        return 0
    if parameter.name == "row":
        return None
    if not parameter.numbers and parameter.name in _ANY_NUMBERS:
        return _fit_any_numbers(parameter.name, argument)
    return 2 + _distance(argument, parameter) if can_become(argument, parameter) else None


def _variables(type_: Type) -> Iterator[str]:
    if is_variable(type_):
        yield type_.name
    for _, part in type_.parts:
        yield from _variables(part)


def _fit_parts(parameter: Type, argument: Type, bound: dict[str, Type]) -> int | None:
    if argument.name != parameter.name or len(argument.parts) != len(parameter.parts):
        return None
    costs = [
        _fit(inner, given, bound)
        for (_, inner), (_, given) in zip(parameter.parts, argument.parts, strict=True)
    ]
    return None if any(cost is None for cost in costs) else sum(cost or 0 for cost in costs)


_ORDER = ("tinyint", "smallint", "integer", "bigint", "decimal", "real", "double")


def _distance(argument: Type, parameter: Type) -> int:
    """Return the distance of two number types: an integer is closer to a bigint than to a double."""
    if argument.name in _ORDER and parameter.name in _ORDER:
        return _ORDER.index(parameter.name) - _ORDER.index(argument.name)
    return 0


def _fit_any_numbers(name: str, argument: Type) -> int | None:
    if name == "decimal":
        return 6 if argument.name in ("tinyint", "smallint", "integer", "bigint") else None
    if name == "timestamp":
        return 3 if argument.name == "date" else None
    if name == "timestamp with time zone":
        return 4 if argument.name in ("date", "timestamp") else None
    return None


def resolved(written: str, bound: dict[str, Type], arguments: list[Type]) -> Type:
    """Return the result type that a result pattern stands for."""
    if written.startswith("array(="):
        return array(arguments[int(written[7:-1])])
    if written.startswith("="):
        return arguments[int(written[1:])]
    return substitute(pattern(written), bound)


def substitute(type_: Type, bound: dict[str, Type]) -> Type:
    """The pattern with its variables replaced."""
    if is_variable(type_):
        return bound[type_.name]
    if type_.parts:
        return Type(type_.name, (), tuple((name, substitute(part, bound)) for name, part in type_.parts))
    return type_
