"""What the columns of a raw file look like: names, types, and whether a value is ever missing."""

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from control.errors import DataError, UsageError

_RECORDS = 10_000  # looked at: a column that is empty so long is drafted as optional text
_WHOLE = re.compile(r"[ \t]*-?[0-9]{1,19}[ \t]*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LSN = re.compile(r"[0-9A-Fa-f]+/[0-9A-Fa-f]+")


@dataclass(frozen=True, slots=True)
class Found:
    """A column as a raw file shows it.

    `required` when it is in every row, `everywhere` when deletes have it, too; `distinct` when no value came
    twice, `personal` for addresses.
    """

    name: str
    type: str
    required: bool
    everywhere: bool
    distinct: bool
    personal: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a raw file, the kind of its log position, and how many records were looked at.

    In a log (`is_log`) a key comes again with every change of its row.
    """

    columns: tuple[Found, ...]
    position: str
    records: int
    is_log: bool


@dataclass(frozen=True, slots=True)
class _Row:
    """A record's place in the log and its fields; a delete need have its key only."""

    position: object
    fields: Mapping[str, object]
    is_delete: bool = False


def infer(path: Path) -> Shape:
    """Look at the first 10,000 records of a `.csv` or `.json` file, packed (.gz, .zst) or not.

    Raises UsageError for a file that cannot be read, and DataError for one in which there is no record.
    """
    kind = path.name.removesuffix(".gz").removesuffix(".zst").rpartition(".")[2]
    if kind not in ("csv", "json"):
        raise UsageError(
            f"{path} is neither .csv nor .json, plain or packed as .gz or .zst", hint="give a raw file"
        )
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            rows = _csv(text) if kind == "csv" else _json(text, path)
            listed = list(itertools.islice(rows, _RECORDS))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read {path}: {error}", hint="give a whole raw file in UTF-8") from None
    if not listed:
        raise DataError(f"{path} has no record to look at", hint="give a file with a few rows")
    names = list(dict.fromkeys(name for row in listed for name in row.fields))
    position = "timestamp"
    places = [str(row.position) for row in listed if row.position]
    if any(_LSN.fullmatch(place) for place in places):
        position = "lsn"
    elif any(place.isdecimal() for place in places):
        position = "number"
    columns = tuple(_column(name, listed) for name in names)
    return Shape(columns, position, len(listed), is_log=bool(places))


def _csv(text: io.TextIOWrapper) -> Iterator[_Row]:
    rows = csv.reader(text, strict=True)
    header = next(rows, [])
    for row in rows:
        if len(row) == len(header):
            yield _Row(None, {name: _written(value) for name, value in zip(header, row, strict=True)})


def _json(text: io.TextIOWrapper, path: Path) -> Iterator[_Row]:
    decoder = json.JSONDecoder()
    for number, line in enumerate(text, 1):
        rest = line.strip()
        while rest:
            try:
                record, end = decoder.raw_decode(rest)
            except json.JSONDecodeError as error:
                raise UsageError(
                    f"{path}:{number}: no JSON: {error.msg}", hint="give a file of objects"
                ) from None
            rest = rest[end:].lstrip()
            if not isinstance(record, dict):
                continue
            said = record.get("metadata")
            metadata: Mapping[str, Any] = said if isinstance(said, dict) else {}
            data = record.get("data", None if metadata else record)
            if isinstance(data, dict) and metadata.get("record-type", "data") == "data":
                at = metadata.get("stream-position")
                yield _Row(at, data, is_delete=metadata.get("operation") == "delete")


def _written(text: str) -> object:
    """The value that a CSV field stands for."""
    if text == "":
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return {"true": True, "false": False}.get(text, text)


def _column(name: str, rows: Sequence[_Row]) -> Found:
    there = [value for row in rows if (value := row.fields.get(name)) is not None]
    lacking = [row for row in rows if row.fields.get(name) is None]
    kind = _type(there)
    texts = [value for value in there if isinstance(value, str)]
    return Found(
        name=name,
        type=kind,
        required=all(row.is_delete for row in lacking) and bool(there),
        everywhere=not lacking,
        distinct=len({json.dumps(v, sort_keys=True) for v in there}) == len(there),
        personal=kind == "string" and bool(texts) and all(_ADDRESS.fullmatch(text) for text in texts),
    )


def _type(values: Iterable[object]) -> str:
    listed = list(values)
    kinds = {type(value) for value in listed}
    if kinds == {int}:
        return "bigint"
    if kinds and kinds <= {int, float}:
        return "double"
    if kinds == {bool}:
        return "boolean"
    if kinds == {list}:
        return f"array<{_type(item for value in listed for item in value if item is not None)}>"  # type: ignore[attr-defined]
    if kinds == {dict}:
        return _struct([value for value in listed if isinstance(value, dict)])
    if kinds == {str}:
        if all(_reads(date.fromisoformat, str(v)) and len(str(v)) == 10 for v in listed):
            return "date"
        if all(_reads(datetime.fromisoformat, str(v)) and len(str(v)) > 10 for v in listed):
            return "timestamp"
    return "string"


def _struct(values: list[dict[str, object]]) -> str:
    names = list(dict.fromkeys(name for value in values for name in value))
    if not names or not all(re.fullmatch(r"[a-z_][a-z0-9_]*", name) for name in names):
        return "string"
    fields = (f"{name}:{_type(v[name] for v in values if v.get(name) is not None)}" for name in names)
    return f"struct<{','.join(fields)}>"


def _reads(read: Any, text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True
