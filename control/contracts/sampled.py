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


# Texts that only look like values of a type: how a raw file has to write them.
_RESEMBLE = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d.*"), "a moment: 2024-05-06T07:08:09"),
    (re.compile(r"\d\d?[./]\d\d?[./]\d{4}"), "a date: 2024-05-06"),
    (re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+"), "an amount: 1234.5"),
    (re.compile(r"yes|no|[ytfn]|on|off", re.IGNORECASE), "true or false: true"),
)


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


def resembles(texts: Sequence[str]) -> str:
    """What texts that stay texts look like, and how it is written to be read so; nothing if like nothing."""
    given = [text for text in texts if text]
    return next(
        (said for pattern, said in _RESEMBLE if given and all(pattern.fullmatch(text) for text in given)), ""
    )


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
