"""Read arrays, maps and structs, exactly: whole JSON values, each part by the rules of its own type.

Where something is wrong inside a value, the reason names the place: `.field` of a struct, `[]` an item of an
array, `{}` a value of a map.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from bronze import json_objects, lexical
from bronze.errors import RefusedError
from bronze.schema import MILLISECONDS, Nested, nested

_Read = TypeVar("_Read")


def from_json(hive_type: str) -> Callable[[object], object]:
    """A function that reads a JSON value by any column type, written as `schema.normal_type` does.

    In structs it lets fields be absent and keys be unknown: those are for `absent` and `unknown` to find.
    """
    tree = nested(hive_type)
    if tree is None:
        return lexical.reading(hive_type).json
    return {"array": _array, "map": _map, "struct": _struct}[tree.kind](tree)


def _part(hive_type: str) -> Callable[[object], object]:
    """`from_json` of what is inside of another value."""
    return from_json(MILLISECONDS if hive_type == "timestamp" else hive_type)


def from_text(hive_type: str, *, absent_is_null: bool) -> Callable[[str], object]:
    """A function that reads a CSV field by any column type: where that is nested, the field is JSON."""
    if nested(hive_type) is None:
        return lexical.reading(hive_type).text
    read = from_json(hive_type)

    def text(field: str) -> object:
        value = json_objects.value(field)
        found = read(value)
        for place in () if absent_is_null else absent(hive_type, value):
            raise RefusedError("absent_key", place)
        for place in unknown(hive_type, value):
            raise RefusedError("unknown_key", place)  # an extract has no place to keep it
        return found

    return text


def absent(hive_type: str, value: object) -> Iterator[str]:
    """The places in `value`, of this type, where a field of a struct is absent."""
    for place, tree, struct in _structs("", nested(hive_type), value):
        yield from (f"{place}.{name}" for name in tree.names if name not in struct)


def unknown(hive_type: str, value: object) -> Iterator[str]:
    """The places in `value`, of this type, of keys that no field of a struct has."""
    for place, tree, struct in _structs("", nested(hive_type), value):
        yield from (f"{place}.{name}" for name in struct if name not in tree.names)


def _structs(
    place: str, tree: Nested | None, value: object
) -> Iterator[tuple[str, Nested, dict[str, object]]]:
    """Every struct in `value` with its place, outer ones first."""
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
    """Read a part of a value, null where it is null; a refusal then says its place."""
    if value is None:
        return None
    try:
        return read(value)
    except RefusedError as refusal:
        raise RefusedError(refusal.reason, place + refusal.place) from None
