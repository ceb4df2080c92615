"""Infer the type of a column from its values in a raw file, by what the parser itself accepts."""

import re
from collections.abc import Iterable, Sequence

from bronze import lexical
from bronze.errors import RefusedError
from bronze.schema import MILLISECONDS

# Whole numbers beyond 64 bits; as doubles they would be rounded.
WIDE = "decimal(38,0)"
_OF_TEXT = ("date", "timestamp")
_OF_FIELD = ("bigint", WIDE, "double", "boolean", *_OF_TEXT)
# A code, not a number: as a number it would lose its leading zeros.
_ZEROS_FIRST = re.compile(r"-?0[0-9]+")
_DIGITS = re.compile(r"-?[0-9]+")


# Texts that only look like values of a type, and how a raw file has to write those.
_RESEMBLE = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d.*"), "a moment: 2024-05-06T07:08:09"),
    (re.compile(r"\d\d?[./]\d\d?[./]\d{4}"), "a date: 2024-05-06"),
    (re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+"), "an amount: 1234.5"),
    (re.compile(r"yes|no|[ytfn]|on|off", re.IGNORECASE), "true or false: true"),
)


class Field(str):
    """The text of a CSV field, which may stand for a value of another type."""

    __slots__ = ()


def type_of(values: Iterable[object]) -> str:
    """Return the narrowest type that accepts all of `values`; `string` if there is none, or in doubt."""
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
    """Return what the values of a text column look like, and how to write that; empty if nothing known."""
    given = [text for text in texts if text]
    alike = (words for form, words in _RESEMBLE if all(form.fullmatch(text) for text in given))
    return next(alike, "") if given else ""


def _part(values: Iterable[object]) -> str:
    """Return `type_of` for values inside other values, where timestamps have only milliseconds."""
    listed = list(values)
    kind = type_of(listed)
    is_fine = kind == "timestamp" and not all(takes(MILLISECONDS, str(text)) for text in listed)
    return "string" if is_fine else kind


def _whole(texts: Sequence[str]) -> str:
    return _first(("bigint", WIDE, "double"), texts)


def _first(types: Iterable[str], texts: Sequence[str]) -> str:
    return next((kind for kind in types if all(takes(kind, text) for text in texts)), "string")


def takes(kind: str, text: str) -> bool:
    """Whether a column of type `kind` may be drafted for the value `text`."""
    if kind == WIDE and not _DIGITS.fullmatch(text):
        return False  # 1.0 is whole, too, but more likely an amount
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
    """Return a map, which accepts any names but values of one type only; `string` for mixed values."""
    kind = _part(values)
    is_mixed = kind == "string" and not all(isinstance(value, str) for value in values)
    return "string" if is_mixed else f"map<string,{kind}>"
