"""Read arrays, maps and structs by the exact rules: JSON values, each part by the rules of its type.

The reason of a refusal names the position in the value: `.field` of a struct, `[]` for an item of an array,
`{}` for a value of a map.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from bronze import json_objects, lexical
from bronze.errors import RefusedError
from bronze.schema import MILLISECONDS, Nested, nested

_Read = TypeVar("_Read")


def from_json(hive_type: str) -> Callable[[object], object]:
    """Return a reader of JSON values for any column type, as returned by `schema.normal_type`.

    In structs it ignores missing fields and unknown keys, which `absent` and `unknown` find.
    """
    tree = nested(hive_type)
    if tree is None:
        return lexical.reading(hive_type).json
    return {"array": _array, "map": _map, "struct": _struct}[tree.kind](tree)


def _part(hive_type: str) -> Callable[[object], object]:
    """Like `from_json`, for a part of another value."""
    return from_json(MILLISECONDS if hive_type == "timestamp" else hive_type)


def from_text(hive_type: str, *, absent_is_null: bool) -> Callable[[str], object]:
    """Return a reader of CSV fields for any column type; a field of a nested type is JSON."""
    if nested(hive_type) is None:
        return lexical.reading(hive_type).text
    read = from_json(hive_type)

    def text(field: str) -> object:
        value = json_objects.value(field)
        found = read(value)
        for place in () if absent_is_null else absent(hive_type, value):
            raise RefusedError("absent_key", place)
        for place in unknown(hive_type, value):
            raise RefusedError("unknown_key", place)  # extracts have no `_rescued` for it
        return found

    return text


def absent(hive_type: str, value: object) -> Iterator[str]:
    """Yield the positions in `value`, of this type, of missing struct fields."""
    for place, tree, struct in _structs("", nested(hive_type), value):
        yield from (f"{place}.{name}" for name in tree.names if name not in struct)


def unknown(hive_type: str, value: object) -> Iterator[str]:
    """Yield the positions in `value`, of this type, of unknown struct keys."""
    for place, tree, struct in _structs("", nested(hive_type), value):
        yield from (f"{place}.{name}" for name in struct if name not in tree.names)


def _structs(
    place: str, tree: Nested | None, value: object
) -> Iterator[tuple[str, Nested, dict[str, object]]]:
    """Yield every struct in `value` with its position, outer ones first."""
    if tree is None or value is None:
        return
    if isinstance(value, list):
        for item in value:
            yield from _structs(f"{place}[]", nested(tree.types[0]), item)
    elif tree.kind == "map" and isinstance(value, dict):
        for item in value.values():
            yield from _structs(f"{place}{{}}", nested(tree.types[0]), item)
    elif isinstance(value, dict):
        yield place, tree, value
        for name, hive_type in zip(tree.names, tree.types, strict=True):
            yield from _structs(f"{place}.{name}", nested(hive_type), value.get(name))


def _array(tree: Nested) -> Callable[[object], object]:
    item = _part(tree.types[0])

    def json(value: object) -> list[object]:
        if not isinstance(value, list):
            raise RefusedError("type")
        return [_at("[]", item, part) for part in value]

    return json


def _map(tree: Nested) -> Callable[[object], object]:
    item = _part(tree.types[0])

    def json(value: object) -> list[tuple[str, object]]:
        return [(key, _at("{}", item, part)) for key, part in _object(value).items()]

    return json


def _struct(tree: Nested) -> Callable[[object], object]:
    readers = [(name, _part(hive_type)) for name, hive_type in zip(tree.names, tree.types, strict=True)]

    def json(value: object) -> dict[str, object]:
        found = _object(value)
        return {name: _at(f".{name}", read, found.get(name)) for name, read in readers}

    return json


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise RefusedError("type")
    return value


def _at(place: str, read: Callable[[object], _Read], value: object) -> _Read | None:
    """Read a part of a value, which may be null; a refusal includes its position."""
    if value is None:
        return None
    try:
        return read(value)
    except RefusedError as refusal:
        raise RefusedError(refusal.reason, place + refusal.place) from None
