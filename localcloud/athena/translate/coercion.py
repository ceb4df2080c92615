"""Athena's implicit coercions: the common type of two types."""

from functools import reduce

from localcloud.athena.translate.terms import INTEGERS, UNKNOWN, VARCHAR, decimal, timestamp, varchar
from localcloud.athena.types import MAX_CHAR, UNBOUNDED, Type, walk

_DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
_APPROXIMATE = ("real", "double")
_NUMERIC = (*INTEGERS, "decimal", *_APPROXIMATE)
_TEMPORAL = ("date", "timestamp", "timestamp with time zone")


def is_numeric(type_: Type) -> bool:
    """Whether arithmetic is defined on the type."""
    return type_.name in _NUMERIC


def is_orderable(type_: Type) -> bool:
    """Whether values of the type can be ordered: not JSON and maps, nor types that contain them."""
    return all(part.name not in ("json", "map") for part in walk(type_))


def as_decimal(type_: Type) -> Type:
    """Return the decimal type that holds every value of an integer type; decimals stay the same."""
    return type_ if type_.name == "decimal" else decimal(_DIGITS[type_.name], 0)


def common_type(left: Type, right: Type) -> Type | None:
    """Return the type that both sides are coerced to, or None."""
    if left == right or right == UNKNOWN:
        return left
    if left == UNKNOWN:
        return right
    names = {left.name, right.name}
    if names <= set(_NUMERIC):
        return _common_number(left, right)
    if names <= {"varchar", "char"}:
        return _common_text(left, right)
    if names <= set(_TEMPORAL):
        return _common_instant(left, right)
    if names == {"time"}:
        return Type("time", (max(left.numbers[0], right.numbers[0]),))
    if left.name == right.name and left.parts and len(left.parts) == len(right.parts):
        return _common_nested(left, right)
    return None


def common_of(types: list[Type]) -> Type | None:
    """Return the type that all are coerced to, or None."""
    return reduce(lambda a, b: None if a is None else common_type(a, b), types, UNKNOWN)  # type: ignore[arg-type, return-value]


def can_become(source: Type, target: Type) -> bool:
    """Whether a value of `source` is accepted as `target` without a cast."""
    if target.name == "varchar" and not target.numbers and source.name in ("varchar", "unknown"):
        return True
    return common_type(source, target) == target


def can_store(source: Type, target: Type) -> bool:
    """Whether INSERT, UPDATE and MERGE accept a value of `source` for a column of `target`.

    Any common type is enough: a decimal is stored in an integer, a timestamp in a date, checked row by
    row. Only bounded texts inside other values must fit as they are.
    """
    if can_become(source, target):
        return True
    bounded = any(part.name in ("varchar", "char") and part.numbers for part in walk(target))
    return not (target.parts and bounded) and common_type(source, target) is not None


def _common_number(left: Type, right: Type) -> Type:
    names = (left.name, right.name)
    if "double" in names:
        return Type("double")
    if "real" in names:
        return Type("real")
    if "decimal" not in names:
        return max(left, right, key=lambda type_: INTEGERS.index(type_.name))
    (p1, s1), (p2, s2) = as_decimal(left).numbers, as_decimal(right).numbers
    scale = max(s1, s2)
    return decimal(max(p1 - s1, p2 - s2) + scale, scale)


def _common_text(left: Type, right: Type) -> Type:
    lengths = [side.numbers[0] if side.numbers else UNBOUNDED for side in (left, right)]
    if "char" in (left.name, right.name):
        return Type("char", (min(max(lengths), MAX_CHAR),))
    return varchar(max(lengths)) if max(lengths) < UNBOUNDED else VARCHAR


def _common_instant(left: Type, right: Type) -> Type:
    zoned = "timestamp with time zone" in (left.name, right.name)
    return timestamp(max((*left.numbers, *right.numbers), default=0), zoned=zoned)


def _common_nested(left: Type, right: Type) -> Type | None:
    parts = []
    for (left_name, a), (right_name, b) in zip(left.parts, right.parts, strict=True):
        both = common_type(a, b)
        if both is None:
            return None
        parts.append((left_name if left_name == right_name else "", both))
    return Type(left.name, (), tuple(parts))
