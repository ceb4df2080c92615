"""Casts from JSON to other types: scalars, arrays, maps, and rows from objects or arrays."""

from collections.abc import Callable
from dataclasses import dataclass

from localcloud.athena.translate.terms import (
    BOOLEAN,
    DOUBLE,
    VARCHAR,
    decimal,
    fail,
    field_names,
    ident,
    raw_cast,
    text,
)
from localcloud.athena.types import Type

Convert = Callable[[str, Type, Type], str | None]
_NUMBERS = ("tinyint", "smallint", "integer", "bigint", "decimal", "real", "double")
_SCALARS = (*_NUMBERS, "varchar", "boolean")
_WHOLE = decimal(38, 0)


@dataclass(frozen=True, slots=True)
class _Reader:
    """How to cast values taken out of JSON, and the depth of the present value in its document."""

    convert: Convert
    depth: int = 0

    @property
    def x(self) -> str:
        """The variable name of the value at this depth."""
        return f"json{self.depth}"

    def inside(self) -> "_Reader":
        return _Reader(self.convert, self.depth + 1)


def from_json(sql: str, target: Type, convert: Convert) -> str | None:
    """`CAST(json AS target)`; None when there is no such cast. `convert` casts between other types."""
    return _value(sql, target, _Reader(convert))


def _value(sql: str, target: Type, reader: _Reader) -> str | None:
    if target.name == "json":
        return f"coalesce(CAST({sql} AS VARCHAR), 'null')"
    if target.name == "varchar" and target.numbers:
        return _bounded(sql, target, reader)
    readers = {"array": _array, "map": _map, "row": _row}
    read = readers.get(target.name, _scalar if target.name in _SCALARS else None)
    branches = read(target, reader) if read is not None else None
    if branches is None:
        return None
    x = reader.x
    cases = " ".join(f"WHEN json_type({x}) IN ({kinds}) THEN {made}" for kinds, made in branches)
    message = f"'Cannot cast to {target.athena}: ' || CAST({x} AS VARCHAR)"
    failure = fail("INVALID_CAST_ARGUMENT", message, target)
    made = f"CASE WHEN {x} IS NULL OR json_type({x}) = 'NULL' THEN NULL {cases} ELSE {failure} END"
    # A one-element list keeps the value from being repeated for every kind of JSON.
    return f"list_transform([{sql}], lambda {x}: {made})[1]"


def _bounded(sql: str, target: Type, reader: _Reader) -> str | None:
    """Fail for text that is too long, which other casts cut."""
    x = reader.x
    message = f"'Character count exceeds length limit {target.numbers[0]}: ' || {x}"
    failure = fail("GENERIC_INTERNAL_ERROR", message, target)
    checked = f"CASE WHEN length({x}) > {target.numbers[0]} THEN {failure} ELSE {x} END"
    return f"list_transform([{_value(sql, VARCHAR, reader.inside())}], lambda {x}: {checked})[1]"


# What each kind of JSON becomes, by DuckDB's names of the kinds.
_Branches = list[tuple[str, str]]


def _scalar(target: Type, reader: _Reader) -> _Branches | None:
    written = f"json_extract_string({reader.x}, '$')"
    truth, fraction, whole = (raw_cast(written, type_) for type_ in (BOOLEAN, DOUBLE, _WHOLE))
    if target == VARCHAR:
        # DuckDB reads an integer of more than 64 bits as a DOUBLE.
        shown = reader.convert(fraction, DOUBLE, VARCHAR)
        fraction = f"CASE WHEN regexp_full_match({written}, '-?[0-9]+') THEN {written} ELSE {shown} END"
        return [("'VARCHAR', 'BOOLEAN', 'BIGINT', 'UBIGINT'", written), ("'DOUBLE'", fraction)]
    exact = target.name == "decimal"
    found = (
        ("'VARCHAR'", reader.convert(written, VARCHAR, target)),
        ("'BOOLEAN'", reader.convert(truth, BOOLEAN, target)),
        ("'BIGINT', 'UBIGINT'", reader.convert(whole, _WHOLE, target)),
        (
            "'DOUBLE'",
            reader.convert(written, VARCHAR, target) if exact else reader.convert(fraction, DOUBLE, target),
        ),
    )
    return [(kinds, sql) for kinds, sql in found if sql is not None]


def _array(target: Type, reader: _Reader) -> _Branches | None:
    e = f"e{reader.depth}"
    made = _value(e, target.element, reader.inside())
    if made is None:
        return None
    return [("'ARRAY'", f"list_transform(from_json({reader.x}, '[\"JSON\"]'), lambda {e}: {made})")]


def _members(reader: _Reader) -> str:
    return f"""map_entries(from_json({reader.x}, '"MAP(VARCHAR, JSON)"'))"""


def _map(target: Type, reader: _Reader) -> _Branches | None:
    e, (_, key_type) = f"e{reader.depth}", target.parts[0]
    if key_type.name not in _SCALARS:
        return None
    same = key_type == VARCHAR
    key = f"{e}.key" if same else reader.convert(f"{e}.key", VARCHAR, key_type)
    value = _value(f"{e}.value", target.element, reader.inside())
    if key is None or value is None:
        return None
    members = _members(reader)
    keys, values = (f"list_transform({members}, lambda {e}: {part})" for part in (key, value))
    return [("'OBJECT'", f"map({keys}, {values})")]


def _row(target: Type, reader: _Reader) -> _Branches | None:
    """Build a row from an array by position, or from an object by field name, ignoring case."""
    x, e = reader.x, f"e{reader.depth}"
    by_place, by_name = [], []
    for at, (name, part) in enumerate(target.parts):
        named = f"list_filter({_members(reader)}, lambda {e}: lower({e}.key) = {text(name.lower())})[1].value"
        places = (f"json_extract({x}, '$[{at}]')", named)
        made = [_value(place, part, reader.inside()) for place in places]
        if made[0] is None or made[1] is None:
            return None
        by_place.append(made[0])
        by_name.append(made[1])
    names = [ident(name) for name in field_names(target)]
    rows = (
        "struct_pack(" + ", ".join(f"{name} := {part}" for name, part in zip(names, parts, strict=True)) + ")"
        for parts in (by_place, by_name)
    )
    message = "'Cannot cast to " + target.athena + ": ' || CAST(" + x + " AS VARCHAR)"
    wrong = fail("INVALID_CAST_ARGUMENT", message, target)
    from_array, from_object = (raw_cast(row, target) for row in rows)
    length = f"json_array_length({x}) = {len(names)}"
    branches = [("'ARRAY'", f"CASE WHEN {length} THEN {from_array} ELSE {wrong} END")]
    if not all(name for name, _ in target.parts):
        return branches
    return [*branches, ("'OBJECT'", from_object)]
