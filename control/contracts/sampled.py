"""The type of a column, told from values that a raw file has, by what the parser itself takes."""

import re
from collections.abc import Iterable, Sequence

from bronze import lexical
from bronze.errors import RefusedError
from bronze.schema import MILLISECONDS

# Whole numbers beyond 64 bits; as doubles they would be rounded.
WIDE = "decimal(38,0)"
_OF_TEXT = ("date", "timestamp")
_OF_FIELD = ("bigint", WIDE, "double", "boolean", *_OF_TEXT)
# A code, not a number: as one it would lose its zeros.
_ZEROS_FIRST = re.compile(r"-?0[0-9]+")
_DIGITS = re.compile(r"-?[0-9]+")


class Field(str):
    """What stands in a field of a CSV: text that may be written for a value of another type."""

    __slots__ = ()


def type_of(values: Iterable[object]) -> str:
    """The narrowest type that takes all of `values`, as far as it can be told; else `string`."""
    listed = list(values)
    kinds = {type(value) for value in listed}
    if kinds == {int}:
        return _whole([str(value) for value in listed])
    if kinds and kinds <= {int, float}:
        return "double"
    if kinds == {bool}:
        return "boolean"
    if kinds == {list}:
        return f"array<{_part(item for value in listed for item in value if item is not None)}>"  # type: ignore[attr-defined]
    if kinds == {dict}:
        return _struct([value for value in listed if isinstance(value, dict)])
    texts = [value for value in listed if isinstance(value, str)]
    if kinds == {str}:
        return _first(_OF_TEXT, texts)
    if kinds == {Field} and not any(_ZEROS_FIRST.fullmatch(text) for text in texts):
        return _first(_OF_FIELD, texts)
    return "string"


def _part(values: Iterable[object]) -> str:
    """`type_of` for what is inside of other values, where a moment has no part of a millisecond."""
    listed = list(values)
    kind = type_of(listed)
    is_fine = kind == "timestamp" and not all(takes(MILLISECONDS, str(text)) for text in listed)
    return "string" if is_fine else kind


def _whole(texts: Sequence[str]) -> str:
    return _first(("bigint", WIDE, "double"), texts)


def _first(types: Iterable[str], texts: Sequence[str]) -> str:
    return next((kind for kind in types if all(takes(kind, text) for text in texts)), "string")


def takes(kind: str, text: str) -> bool:
    """Whether a column of the type may be drafted for the value."""
    if kind == WIDE and not _DIGITS.fullmatch(text):
        return False  # 1.0 is whole, too, and more likely an amount
    if kind == "double" and len(text) > 20 and _DIGITS.fullmatch(text):
        return False
    try:
        lexical.reading(kind).text(text)
    except RefusedError:
        return False
    return True


def _struct(values: list[dict[str, object]]) -> str:
    names = list(dict.fromkeys(name for value in values for name in value))
    if not names or not all(re.fullmatch(r"[a-z_][a-z0-9_]*", name) for name in names):
        return _map([v for value in values for v in value.values() if v is not None])
    fields = (f"{name}:{_part(v[name] for v in values if v.get(name) is not None)}" for name in names)
    return f"struct<{','.join(fields)}>"


def _map(values: list[object]) -> str:
    """A map takes any name, and values of one type."""
    kind = _part(values)
    is_mixed = kind == "string" and not all(isinstance(value, str) for value in values)
    return "string" if is_mixed else f"map<string,{kind}>"
