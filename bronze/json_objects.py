"""Parse the JSON values of a line strictly: numbers as written, no repeated keys, no invalid Unicode."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

from bronze.errors import RefusedError
from bronze.lexical import Number

_SPACE = " \t\n\r"
# Maximum nesting. Python reads 990 levels, fewer if its stack is already deep, and writes half of that.
MOST_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Found:
    """The `record`th value of a line: its bytes, which begin at byte `start` of the line, and the value.

    `value` is a dict for a JSON object, otherwise the refusal.
    """

    record: int
    start: int
    raw: bytes
    value: dict[str, object] | RefusedError


class _RepeatedKeyError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def objects(line: bytes) -> Iterator[Found]:
    """Yield the values of `line`, at least one. Invalid text makes the rest of the line one refused record.

    Refusals: `encoding`, `json` (not JSON, or not an object), `duplicate_key:<key>`.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError:
        yield Found(0, 0, line, RefusedError("encoding"))
        return
    position, start, record, following = _skipped(text, 0), 0, 0, 0
    while record == 0 or position < len(text):
        start += len(text[following:position].encode())
        value, end = _read(text, position)
        following = _skipped(text, end)
        alone = record == 0 and following == len(text)
        raw = line if alone else text[position:end].encode()
        yield Found(record, 0 if alone else start, raw, value)
        start += len(raw)
        record, position, following = record + 1, following, end


def value(text: str) -> object:
    """Parse `text` as one JSON value. Raises RefusedError: `json`."""
    try:
        found: object = _EXACT.decode(text)
        json.dumps(found, ensure_ascii=False).encode()
    except (_RepeatedKeyError, ValueError, RecursionError):
        raise RefusedError("json") from None
    if _is_too_deep(found, text, 0, len(text)):
        raise RefusedError("json")
    return found


def _read(text: str, position: int) -> tuple[dict[str, object] | RefusedError, int]:
    """Return the value at `position` and its end; invalid or too deep JSON extends to the end of `text`."""
    try:
        value, end = _EXACT.raw_decode(text, position)
        if _is_too_deep(value, text, position, end):
            return RefusedError("json"), len(text)
        if "\\" in text[position:end]:
            json.dumps(value, ensure_ascii=False).encode()
    except _RepeatedKeyError as repeated:
        return _repeated(text, position, repeated.key)
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can make
        return RefusedError("encoding"), end
    except (ValueError, RecursionError):
        return RefusedError("json"), len(text)
    return (value if isinstance(value, dict) else RefusedError("json")), end


def _repeated(text: str, position: int, key: str) -> tuple[RefusedError, int]:
    try:
        value, end = _LENIENT.raw_decode(text, position)
    except (ValueError, RecursionError):
        return RefusedError("json"), len(text)
    if _is_too_deep(value, text, position, end):
        return RefusedError("json"), len(text)
    try:
        key.encode()
    except UnicodeEncodeError:
        return RefusedError("encoding"), end
    return RefusedError(f"duplicate_key:{key}"), end


def _is_too_deep(value: object, text: str, start: int, end: int) -> bool:
    """Whether `value`, written in `text` from `start` to `end`, is nested deeper than MOST_DEPTH."""
    if text.count("{", start, end) + text.count("[", start, end) <= MOST_DEPTH:
        return False
    inside = [value] if isinstance(value, dict | list) else []
    for _ in range(MOST_DEPTH):
        held = (one.values() if isinstance(one, dict) else one for one in inside)
        inside = [part for parts in held for part in parts if isinstance(part, dict | list)]
    return bool(inside)


def _skipped(text: str, position: int) -> int:
    while position < len(text) and text[position] in _SPACE:
        position += 1
    return position


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _RepeatedKeyError(name)
            seen.add(name)
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_EXACT = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=Number, parse_int=Number, parse_constant=_no_constant
)
_LENIENT = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_no_constant)


def written(value: object) -> str:
    """Return the JSON text of a value from `objects`: numbers as written, no needless escapes."""
    if isinstance(value, Number):
        return value
    if isinstance(value, dict):
        return "{" + ",".join(f"{written(key)}:{written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def object_of(record: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return the object under a key. Raises RefusedError, also for null."""
    value = record.get(name)
    if value is None:
        raise RefusedError(f"absent_key:{name}")
    if not isinstance(value, dict):
        raise RefusedError(f"type:{name}")
    return value


def text_of(record: Mapping[str, object], name: str) -> str:
    """Return the text under a key. Raises RefusedError, also for null."""
    value = record.get(name)
    if value is None:
        raise RefusedError(f"absent_key:{name}")
    if not isinstance(value, str) or isinstance(value, Number):
        raise RefusedError(f"type:{name}")
    return value
