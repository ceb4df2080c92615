"""Random tables: columns, keys, and a random history of each as raw lines.

`expected` is what silver must show, kept in a dictionary of Python values: for each key, the record with the
highest place in the log.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Context, Decimal
from random import Random
from typing import Any

import yaml

# The value in a raw file, and the value that silver shows.
Value = tuple[Any, Any]
Draw = Callable[[Random], Value]

TEXTS = (
    "", " ", "a", "A", "'", '"', "\\", "\n", "T", "null", "{}", "$.a", "%", "--", "1", "1.0",
    "2024-01-01T00:00",     "é", "e\u0301", "\u00a0", "日本", "🍺", "\t", "\\n", "x" * 300, "{{ this }}",
)  # fmt: skip
# Includes words that macros use for their own relations.
NAMES = (
    "a", "n1", "x__y", "date", "value", "key", "day", "zone", "number", "position", "count", "first", "at",
    "state", "changes", "latest", "events", "target", "src", "fresh", "held", "batch_no", "seq", "deleted",
    "type", "data",
)  # fmt: skip


def _whole(bits: int) -> Draw:
    def draw(chance: Random) -> Value:
        edge = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 0, 1, -1)
        number = chance.choice((*edge, chance.randrange(100)))
        return number, number

    return draw


def _double(chance: Random) -> Value:
    number = chance.choice((0.0, -1.5, 1e300, 5e-324, 0.1, chance.random()))
    return number, number


def _boolean(chance: Random) -> Value:
    truth = chance.random() < 0.5
    return truth, truth


def _decimal(precision: int, scale: int) -> Draw:
    def draw(chance: Random) -> Value:
        digits = chance.choice((0, 1, 10, 10**precision - 1, chance.randrange(10**precision)))
        number = Decimal(f"{chance.choice((digits, -digits))}E-{scale}")
        # 1.50 and 1.5 are the same value.
        said = format(number.normalize(Context(prec=38)) if chance.random() < 0.5 else number, "f")
        return said, number

    return draw


def _date(chance: Random) -> Value:
    day = chance.choice(
        (date(1, 1, 1), date(1582, 10, 10), date(1969, 12, 31), date(2024, 2, 29), date(9999, 12, 31))
    )
    return day.isoformat(), day


def _timestamp(chance: Random) -> Value:
    moment = chance.choice((
        datetime(1950, 1, 1, 0, 0, 0, 123456), datetime(1970, 1, 1), datetime(2262, 4, 12),
        datetime(2024, 2, 29, 23, 59, 59, 999999), datetime(2024, 5, 6, 7, 8),
        datetime(1950, 1, 1, 0, 0, 0, 123000), datetime(2024, 5, 6, 7, 8, 0, 400),
        datetime(2024, 5, 6, 7, 8, 0, 401), datetime(1969, 12, 31, 23, 59, 59, 999999),
        datetime.min, datetime.max,
    ))  # fmt: skip
    zones = (None, timezone(timedelta(hours=2)), timezone(-timedelta(hours=9, minutes=30)), UTC)
    zone = None if moment in (datetime.min, datetime.max) else chance.choice(zones)
    if zone is None:
        return moment.isoformat(), moment
    return moment.replace(tzinfo=UTC).astimezone(zone).isoformat(), moment


def _string(chance: Random) -> Value:
    text = chance.choice(TEXTS)
    return text, text


def _binary(chance: Random) -> Value:
    content = chance.choice((b"", b"\x00", b"\xff\xfe", b"abc"))
    return base64.b64encode(content).decode(), content


def _items(of: Draw) -> Draw:
    def draw(chance: Random) -> Value:
        items = [chance.choice((of(chance), (None, None))) for _ in range(chance.randrange(3))]
        return [said for said, _ in items], [seen for _, seen in items]

    return draw


def _fields(of: Mapping[str, Draw]) -> Draw:
    def draw(chance: Random) -> Value:
        values = {name: one(chance) for name, one in of.items()}
        return {n: said for n, (said, _) in values.items()}, {n: seen for n, (_, seen) in values.items()}

    return draw


def _entries(of: Draw) -> Draw:
    def draw(chance: Random) -> Value:
        values = {chance.choice(("a", "b c", "é")): of(chance) for _ in range(chance.randrange(3))}
        return {n: said for n, (said, _) in values.items()}, {n: seen for n, (_, seen) in values.items()}

    return draw


# The types that a key may have.
SCALARS: dict[str, Draw] = {
    "int": _whole(32), "bigint": _whole(64), "boolean": _boolean, "decimal(10,3)": _decimal(10, 3),
    "decimal(38,10)": _decimal(38, 10), "decimal(5,0)": _decimal(5, 0), "date": _date,
    "timestamp": _timestamp, "string": _string,
}  # fmt: skip
TYPES: dict[str, Draw] = SCALARS | {
    "double": _double,
    "binary": _binary,
    "array<bigint>": _items(_whole(64)),
    "array<string>": _items(_string),
    "struct<at:timestamp,sum:decimal(10,3)>": _fields({"at": _timestamp, "sum": _decimal(10, 3)}),
    "map<string,int>": _entries(_whole(32)),
    "array<struct<day:date,n:int>>": _items(_fields({"day": _date, "n": _whole(32)})),
    "array<binary>": _items(_binary),
    "struct<n:decimal(10,3),binary:binary,parts:map<string,array<binary>>>": _fields(
        {"n": _decimal(10, 3), "binary": _binary, "parts": _entries(_items(_binary))}
    ),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of random shape: the type of each column, and its key columns in order."""

    columns: Mapping[str, str]
    key: tuple[str, ...]

    @property
    def bronze(self) -> str:
        """Its contract, with only what is required."""
        properties = [
            {
                "name": name, "logicalType": LOGICAL.get(kind.partition("(")[0].partition("<")[0]),
                "physicalType": kind, "description": name, "classification": "public",
                **(_of_key(self.key.index(name) + 1) if name in self.key else {}),
            }
            for name, kind in self.columns.items()
        ]  # fmt: skip
        custom = [{"property": "position", "value": "lsn"}]
        table = {"name": "thing", "customProperties": custom, "properties": properties}
        head = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": "thing",
            "version": "1.0.0",
            "status": "active",
        }
        return yaml.safe_dump(head | {"schema": [table]}, sort_keys=False)


def _of_key(place: int) -> dict[str, object]:
    return {"required": True, "primaryKey": True, "primaryKeyPosition": place}


LOGICAL = {
    "int": "integer", "bigint": "integer", "double": "number", "decimal": "number", "boolean": "boolean",
    "date": "date", "timestamp": "timestamp", "string": "string", "binary": "string", "array": "array",
    "struct": "object", "map": "object",
}  # fmt: skip


@dataclass(slots=True)
class Story:
    """The history of a table: raw lines in order of arrival, and the rows that silver must show.

    `refused` are the lines that the parser does not turn into a row.
    """

    lines: list[str]
    refused: frozenset[str]
    expected: list[dict[str, Any]]


def table(chance: Random) -> Table:
    """Draw a table with one to three key columns and up to five others, in any order."""
    names = chance.sample(NAMES, chance.randint(1, 8))
    key = tuple(names[: min(len(names), chance.randint(1, 3))])
    kinds = {name: chance.choice(list(SCALARS if name in key else TYPES)) for name in names}
    return Table({name: kinds[name] for name in sorted(names, key=lambda _: chance.random())}, key)


def story(shape: Table, chance: Random) -> Story:
    """Draw thirty changes of at most five keys, some sent twice, in any order."""
    pool = [
        {name: TYPES[shape.columns[name]](chance) for name in shape.key} for _ in range(chance.randint(1, 5))
    ]
    latest: dict[str, tuple[int, dict[str, Any] | None]] = {}
    lines: list[str] = []
    refused: set[str] = set()

    def identity(row: Mapping[str, Value]) -> str:
        return repr([row[name][1] for name in shape.key])

    def note(row: Mapping[str, Value], place: int, *, gone: bool) -> None:
        if latest.get(identity(row), (0, None))[0] < place:
            latest[identity(row)] = place, None if gone else {name: seen for name, (_, seen) in row.items()}

    for place in range(1, 31):
        operation = chance.choice(("insert", "insert", "update", "update", "delete"))
        now, before = chance.choice(pool), chance.choice(pool)
        others = {
            name: (None, None) if chance.random() < 0.2 else TYPES[kind](chance)
            for name, kind in shape.columns.items() if name not in shape.key
        }  # fmt: skip
        row = {name: {**now, **others}[name] for name in shape.columns}
        record: dict[str, Any] = {
            "data": {name: said for name, (said, _) in row.items()},
            "metadata": {
                "record-type": "data", "operation": operation, "stream-position": f"0/{place:X}",
            },
        }  # fmt: skip
        if operation == "delete":
            record["data"] = {name: now[name][0] for name in shape.key}
        elif operation == "update" and chance.random() < 0.7:
            record["before-image"] = {name: said for name, (said, _) in before.items()}
        line = json.dumps(record, ensure_ascii=chance.random() < 0.5)
        lines += [line] * chance.choice((1, 1, 1, 2))
        if operation != "delete" and _is_refused(row):
            refused.add(line)
            continue
        if "before-image" in record and identity(before) != identity(now):
            note(before, place, gone=True)
        note(row, place, gone=operation == "delete")
    chance.shuffle(lines)
    return Story(lines, frozenset(refused), [row for _, row in latest.values() if row is not None])


def _is_refused(row: Mapping[str, Value]) -> bool:
    """Return whether a nested value has a timestamp that Athena would round."""
    fields = (value for _, seen in row.values() if isinstance(seen, dict) for value in seen.values())
    return any(isinstance(value, datetime) and value.microsecond % 1000 for value in fields)
