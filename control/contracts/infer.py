"""Infer the columns of a raw file: names, types, and whether a value is ever missing."""

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from control.contracts import through_kafka
from control.contracts.sampled import WIDE, Field, resembles, type_of
from control.errors import DataError, UsageError

_RECORDS = 10_000  # records read; a column that is empty in all of them is drafted as optional text
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LSN = re.compile(r"[0-9A-Fa-f]+/[0-9A-Fa-f]+")
_ZONED_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}Z")
_DELIMITERS = (";", "\t", "|")
# Types of a single key column; the columns of a composite key may also be timestamps.
KEY_TYPES = ("bigint", WIDE, "string", "date")
# Names typical of keys and of personal data; only people know whether they are.
_KEY_NAME = re.compile(r"(^|_)(id|key|no|nr|num|number|code|uuid|guid|sku)$")
_PERSONAL_NAME = re.compile(
    r"(^|_)(e?mail|phone|mobile|iban|card|ssn|passport|birth|birthday|birthdate|address|street|surname"
    r"|(first|last|full)_?name)(_|$)"
)
# The columns that are combined to find a composite key: hundreds of columns would make too many pairs.
_KEY_COLUMNS = 12


@dataclass(frozen=True, slots=True)
class Found:
    """A column as a raw file shows it.

    `required`: every row has a value; `everywhere`: deletes have it, too. `distinct`: no value occurs twice.
    `personal`: the values are e-mail addresses, or the name is typical of personal data. `resembles`: what
    its texts may stand for, in a notation that raw files may not use.
    """

    name: str
    type: str
    required: bool
    everywhere: bool
    distinct: bool
    personal: bool
    resembles: str = ""

    @property
    def has_key_name(self) -> bool:
        """Whether its name is typical of keys."""
        return _KEY_NAME.search(plain(self.name)) is not None


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a raw file, the kind of its log position, and how many records were read.

    In a log (`is_log`) a key occurs again with every change of its row. `together` is a group of columns
    whose values never occur together twice; empty if there is none, or if one column is enough. `settings`
    are the custom properties of the table that follow from the file.
    """

    columns: tuple[Found, ...]
    position: str
    records: int
    is_log: bool
    together: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Row:
    """A record's position in the log and its fields; a delete may have only its key.

    `records` is the contract's name for the record format.
    """

    position: object
    fields: Mapping[str, object]
    is_delete: bool = False
    records: str = "change"


def infer(path: Path) -> Shape:
    """Read the first 10,000 records of a `.csv` or `.json` file, compressed (.gz, .zst) or not.

    Raises UsageError for a file that cannot be read, and DataError for one without a record, or with records
    that no table can be read from.
    """
    kind = path.name.removesuffix(".gz").removesuffix(".zst").rpartition(".")[2]
    if kind not in ("csv", "json"):
        raise UsageError(
            f"{path} is neither .csv nor .json, plain or compressed as .gz or .zst", hint="give a raw file"
        )
    rows, settings = _read(path, kind)
    if not rows:
        raise DataError(f"{path} has no records", hint="give a file with a few rows")
    kinds = {row.records for row in rows}
    if len(kinds) == 1 and kinds != {"change"}:
        settings["records"] = rows[0].records
    if any("\n" in value for row in rows for value in row.fields.values() if isinstance(value, Field)):
        settings["multiline"] = True
    names = dict.fromkeys(name for row in rows for name in row.fields)
    columns = tuple(_column(name, rows) for name in names)
    is_log = any(row.position for row in rows)
    together = () if is_log else _together(columns, rows)
    return Shape(columns, _position(rows), len(rows), is_log, together, settings)


def _read(path: Path, kind: str) -> tuple[list[_Row], dict[str, object]]:
    """Return the first rows of a raw file, and the settings without which they could not be read."""
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            if kind == "json":
                return list(itertools.islice(_json(text, path), _RECORDS)), {}
            header = text.readline()
            delimiter = _delimiter(header)
            rows = _csv(itertools.chain([header], text), delimiter, path)
            settings: dict[str, object] = {} if delimiter == "," else {"delimiter": delimiter}
            return list(itertools.islice(rows, _RECORDS)), settings
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read {path}: {error}", hint="give a whole raw file in UTF-8") from None


def _position(rows: Sequence[_Row]) -> str:
    """Return the contract's name for the kind of position that the records have in their log."""
    places = [str(row.position) for row in rows if row.position]
    if {row.records for row in rows} == {"debezium"} or any(_LSN.fullmatch(place) for place in places):
        return "lsn"
    return "number" if any(place.isdecimal() for place in places) else "timestamp"


def _delimiter(header: str) -> str:
    """Return the delimiter of a header: a comma, or the most frequent other mark if there is no comma."""
    marks = [mark for mark in _DELIMITERS if mark in header]
    return max(marks, key=header.count) if marks and "," not in header else ","


def _csv(lines: Iterable[str], delimiter: str, path: Path) -> Iterator[_Row]:
    rows = csv.reader(lines, strict=True, delimiter=delimiter)
    header = next(rows, [])
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise DataError(f"columns {', '.join(map(repr, twice))} of {path} occur twice", hint="rename one")
    for row in rows:
        if len(row) == len(header):
            yield _Row(None, {name: Field(value) or None for name, value in zip(header, row, strict=True)})


def _together(columns: Sequence[Found], rows: Sequence[_Row]) -> tuple[str, ...]:
    """Return the first two, else three, columns whose values never occur together twice; empty if none.

    Also empty if one column is enough: a column without duplicates that is named like a key, or any column
    without duplicates if no two or three that are named like keys will do.
    """
    able = [c for c in columns if c.everywhere and c.type in (*KEY_TYPES, "timestamp")]
    called = [c.name for c in able if c.has_key_name]
    if any(c.distinct and (c.has_key_name and c.type in KEY_TYPES) for c in able):
        return ()
    if found := _first_together(called[:_KEY_COLUMNS], rows):
        return found
    if any(c.distinct for c in columns):
        return ()
    return _first_together([c.name for c in able][:_KEY_COLUMNS], rows)


def _first_together(able: Sequence[str], rows: Sequence[_Row]) -> tuple[str, ...]:
    for size in (2, 3):
        for names in itertools.combinations(able, size):
            if _never_twice(tuple(row.fields[name] for name in names) for row in rows):
                return names
    return ()


def plain(name: str) -> str:
    """Return a name in snake case: `First Name` becomes `first_name`."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return re.sub(r"[^a-z0-9]+", "_", apart).strip("_")


def _never_twice(values: Iterable[object]) -> bool:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            return False
        seen.add(value)
    return True


def _json(text: io.TextIOWrapper, path: Path) -> Iterator[_Row]:
    decoder = json.JSONDecoder()
    for number, line in enumerate(text, 1):
        rest = line.strip()
        while rest:
            try:
                record, end = decoder.raw_decode(rest)
            except json.JSONDecodeError as error:
                raise UsageError(
                    f"{path}:{number}: no JSON: {error.msg}",
                    hint="write each record as one object on one line",
                ) from None
            rest = rest[end:].lstrip()
            if isinstance(record, list):
                raise DataError(
                    f"{path}:{number}: the records are in an array",
                    hint="write each as one object on one line",
                )
            through_kafka.refuse(record, f"{path}:{number}")
            if not isinstance(record, dict):
                continue
            if row := _row(record):
                yield row


def _row(record: Mapping[str, Any]) -> _Row | None:
    """Return the row that a record describes; None for a record about the whole table."""
    around, debezium = record.get("metadata"), record.get("payload", record)
    if isinstance(debezium, dict) and through_kafka.is_change(debezium):
        return _of_debezium(debezium)
    if not isinstance(around, dict):
        return _Row(None, record, records="plain")
    data = record.get("data")
    if not isinstance(data, dict) or around.get("record-type", "data") != "data":
        return None
    return _Row(around.get("stream-position"), data, around.get("operation") == "delete")


def _of_debezium(record: Mapping[str, Any]) -> _Row | None:
    is_delete = record["op"] == "d"
    data = record.get("before" if is_delete else "after")
    if not isinstance(data, dict):
        return None
    if is_delete:  # if it has only the key, the other columns are null
        data = {name: value for name, value in data.items() if value is not None}
    data = {name: value[:-1] if _is_zoned_date(value) else value for name, value in data.items()}
    place = None if record["op"] == "r" else record["source"].get("sequence")
    return _Row(place, data, is_delete, "debezium")


def _is_zoned_date(value: object) -> bool:
    return isinstance(value, str) and _ZONED_DATE.fullmatch(value) is not None


def _column(name: str, rows: Sequence[_Row]) -> Found:
    there = [value for row in rows if (value := row.fields.get(name)) is not None]
    lacking = [row for row in rows if row.fields.get(name) is None]
    kind = type_of(there)
    texts = [value for value in there if isinstance(value, str)]
    return Found(
        name=name,
        type=kind,
        required=all(row.is_delete for row in lacking) and bool(there),
        everywhere=not lacking,
        distinct=len({json.dumps(v, sort_keys=True) for v in there}) == len(there),
        personal=_PERSONAL_NAME.search(plain(name)) is not None
        or (kind == "string" and bool(texts) and all(_ADDRESS.fullmatch(text) for text in texts)),
        resembles=resembles(texts) if kind == "string" else "",
    )
