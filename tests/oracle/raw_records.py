"""Judge the records of raw files one by one, by the documented parsing rules. Part of the oracle."""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

# Column and type; `?` means nullable. The first column is the key.
TABLES = {
    "brewery": "brewery_id int, brewery_name text",
    "beer": "beer_id int, brewery_id int, beer_name text, beer_style text, beer_abv float?",
    "profile": "profile_id int, profile_name text, email text?, state text?",
    "review": "review_id int, brewery_id int, beer_id int, profile_id int, review_overall float, "
    "review_aroma float?, review_appearance float?, review_palate float?, review_taste float?, "
    "review_time int",
}
OPERATIONS = ("load", "insert", "update", "delete")
SPACES = " \t\r\n"
INTEGER = re.compile(r"[ \t]*-?[0-9]{1,19}[ \t]*")
FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
CSV_FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^",]*))(?:,|\Z)')
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")

# A file whose refused records exceed both limits is refused as a whole.
MAX_BAD = 100
MAX_BAD_PERCENT = 5

Row = dict[str, Any]


class RefusedError(Exception):
    """A record must go to quarantine, or a file fails; the only argument is the reason."""


class Column(NamedTuple):
    name: str
    kind: str
    nullable: bool


class Event(NamedTuple):
    """What an accepted record says about one key, and its sequence."""

    key: int
    seq: tuple[int, int, int, int]
    deleted: bool
    values: tuple[Any, ...]


class Floor(NamedTuple):
    """A truncate or a reload emptied the table: everything below this sequence counts as deleted."""

    seq: tuple[int, int, int, int]


@dataclass
class File:
    """The outcome of one raw file. `lines` includes the header and blank lines."""

    path: str
    lines: int = 0
    blank: int = 0
    records: int = 0
    rows: int = 0
    control: int = 0
    quarantined: int = 0
    reasons: list[tuple[int, str]] = field(default_factory=list)
    failure: str | None = None


# Absent if the source has one change per transaction.
ORDER = Column("transaction-record-id", "int", True)


def columns_of(table: str) -> list[Column]:
    pairs = (text.split() for text in TABLES[table].split(", "))
    return [Column(name, kind.rstrip("?"), kind.endswith("?")) for name, kind in pairs]


# --- values ----------------------------------------------------------------------------------------------


def from_text(kind: str, text: str) -> Any:
    """Convert a CSV field to a value."""
    if text == "":
        return None
    if kind == "text":
        return text
    if not (INTEGER if kind == "int" else FLOAT).fullmatch(text):
        raise RefusedError
    return in_range(int(text) if kind == "int" else float(text))


def from_json(kind: str, value: Any) -> Any:
    """Convert a decoded JSON value to a value of the column's kind; numbers arrive as int or Decimal."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str if kind == "text" else int | Decimal):
        raise RefusedError
    if kind == "text":
        return value
    if kind == "float":
        return in_range(float(value))
    if isinstance(value, Decimal) and (value.adjusted() > 18 or value % 1):
        raise RefusedError
    return in_range(int(value))


def in_range(number: float) -> float:
    """Refuse integers of more than 64 bits and infinite floats."""
    if not -(2**63) <= number < 2**63 if isinstance(number, int) else abs(number) == float("inf"):
        raise RefusedError
    return number


def judged(column: Column, raw: Any, read: Callable[[str, Any], Any], nullable: bool) -> Any:
    """Return the value of a column, or raise RefusedError with the reason for quarantine."""
    try:
        value = read(column.kind, raw)
    except RefusedError:
        raise RefusedError(f"type:{column.name}") from None
    if value is None and not nullable:
        raise RefusedError(f"null:{column.name}")
    return value


# --- lines -----------------------------------------------------------------------------------------------


def csv_values(line: bytes, columns: list[Column]) -> tuple[Any, ...]:
    """Return the values of one line of an extract."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise RefusedError("encoding") from None
    fields = quoted_fields(text) if '"' in text else text.split(",")
    if len(fields) != len(columns):
        raise RefusedError("field_count")
    pairs = zip(columns, fields, strict=True)
    return tuple([judged(column, value, from_text, column.nullable) for column, value in pairs])


def quoted_fields(text: str) -> list[str]:
    """Split a line with quotes, which may only enclose whole fields and are doubled inside."""
    fields, at = [], 0
    while at <= len(text):
        if not (found := CSV_FIELD.match(text, at)):
            raise RefusedError("unbalanced_quote")
        fields.append(found[2] if found[1] is None else found[1].replace('""', '"'))
        at = found.end() if found[0].endswith(",") else len(text) + 1
    return fields


def unique_keys(pairs: list[tuple[str, Any]]) -> Row:
    if len(record := dict(pairs)) != len(pairs):
        raise RefusedError("duplicate_key")
    return record


def no_constant(name: str) -> Any:
    raise ValueError(name)


STRICT = json.JSONDecoder(object_pairs_hook=unique_keys, parse_float=Decimal, parse_constant=no_constant)
LENIENT = json.JSONDecoder(parse_constant=no_constant)


def json_records(line: bytes) -> Iterator[Row | RefusedError]:
    """Yield the records of one line: several if a producer forgot the newline. Invalid JSON ends the line."""
    try:
        text = line.decode().strip(SPACES)
    except UnicodeDecodeError:
        yield RefusedError("encoding")
        return
    if not text:
        yield RefusedError("json")
    while text:
        try:
            record, end = read_json(text)
        except ValueError:
            yield RefusedError("json")
            return
        yield record
        text = text[end:].lstrip(SPACES)


def read_json(text: str) -> tuple[Row | RefusedError, int]:
    """Return the value at the start of `text`, and where it ends. Raises ValueError for invalid JSON."""
    try:
        record, end = STRICT.raw_decode(text)
        if "\\u" in text[:end]:
            json.dumps(record, ensure_ascii=False, default=str).encode()
    except RefusedError as twins:
        return twins, LENIENT.raw_decode(text)[1]
    except UnicodeEncodeError:  # an escaped lone surrogate
        return RefusedError("encoding"), end
    return (record if isinstance(record, dict) else RefusedError("json")), end


def json_events(
    record: Row | RefusedError, columns: list[Column], epoch: int, extract: int, snapshot: int
) -> list[Event | Floor]:
    """Return the events of a record: two if it changes the key; of control records only truncates count."""
    if isinstance(record, RefusedError):
        raise record
    metadata, data = record.get("metadata"), record.get("data")
    if isinstance(metadata, dict) and metadata.get("record-type") == "control":
        if not isinstance(metadata.get("operation"), str):
            raise RefusedError("operation")
        check_timestamp(metadata)
        floor = Floor((epoch, position(metadata) or 0, 1, order_of(metadata)))
        return [floor] if metadata["operation"] == "truncate-table" else []
    if not isinstance(metadata, dict) or metadata.get("record-type") != "data":
        raise RefusedError("record-type")
    if (operation := metadata.get("operation")) not in OPERATIONS:
        raise RefusedError("operation")
    if not isinstance(data, dict):
        raise RefusedError("data")
    for name in data.keys() - {column.name for column in columns}:
        raise RefusedError(f"unknown_key:{name}")
    key, deleted = columns[0], operation == "delete"
    values = []
    for column in columns:
        spared = deleted and column is not key
        if column.name not in data and not spared:
            raise RefusedError(f"absent_key:{column.name}")
        values.append(judged(column, data.get(column.name), from_json, column.nullable or spared))
    seq = sequence(metadata, operation, epoch, extract, snapshot)
    check_timestamp(metadata)
    events: list[Event | Floor] = [Event(values[0], seq, deleted, tuple(values))]
    if operation != "load" and (before := record.get("before-image")) is not None:
        if not isinstance(before, dict):
            raise RefusedError("before-image")
        old_key = judged(key, before.get(key.name), from_json, nullable=True)
        if old_key not in (None, values[0]):
            events.append(Event(old_key, seq, True, ()))
    return events


def sequence(
    metadata: Row, operation: str, epoch: int, extract: int, snapshot: int
) -> tuple[int, int, int, int]:
    """Return the sequence of a record: epoch, position, 0 for a load or 1 for a change, order."""
    if operation == "load":
        return (epoch, snapshot, 0, extract)
    if (place := position(metadata)) is None:
        raise RefusedError("absent_key:stream-position")
    return (epoch, place, 1, order_of(metadata))


def check_timestamp(metadata: Row) -> None:
    """Refuse a record whose commit-timestamp (or timestamp, if that is absent) is no valid timestamp."""
    for name in ("commit-timestamp", "timestamp"):
        if (moment := metadata.get(name)) is not None:
            try:
                if not (isinstance(moment, str) and MOMENT.fullmatch(moment)):
                    raise ValueError
                datetime.fromisoformat(moment)
            except ValueError:
                raise RefusedError(f"type:{name}") from None
            return


def position(metadata: Row) -> int | None:
    if metadata.get("stream-position") is None:
        return None
    return log_position(str(metadata["stream-position"]))


def log_position(written: str) -> int:
    if not (found := LSN.fullmatch(written)):
        raise RefusedError("type:stream-position")
    return int(found[1], 16) * 2**32 + int(found[2], 16)


def order_of(metadata: Row) -> int:
    return judged(ORDER, metadata.get(ORDER.name), from_json, nullable=True) or 0


# --- files -----------------------------------------------------------------------------------------------


def read_file(path: Path, name: str, snapshot: int = 0) -> tuple[File, list[Event | Floor]]:
    """Judge every record of one raw file. `snapshot` is the log position that its loads were read at."""
    file, columns, is_csv = File(name), columns_of(name.split("/")[1]), name.endswith(".csv.gz")
    epoch, extract = segment(name, "epoch"), segment(name, "extract")
    try:
        lines = lines_of(path)
        if is_csv and lines[:1] != [",".join(column.name for column in columns).encode()]:
            raise RefusedError("header")
    except RefusedError as refused:
        file.failure = refused.args[0]
        return file, []
    file.lines, file.blank = len(lines), lines.count(b"")
    events: list[Event | Floor] = []
    for number, line in enumerate(lines, 1):
        if line == b"" or (is_csv and number == 1):
            continue
        for record in [line] if is_csv else json_records(line):
            file.records += 1
            try:
                if is_csv:
                    values = csv_values(record, columns)
                    said = [Event(values[0], (epoch, snapshot, 0, extract), False, values)]
                else:
                    said = json_events(record, columns, epoch, extract, snapshot)
            except RefusedError as refused:
                file.quarantined += 1
                file.reasons.append((number, refused.args[0]))
                continue
            is_control = not said or isinstance(said[0], Floor)
            file.rows += not is_control
            file.control += is_control
            events += said
    if file.quarantined > MAX_BAD and file.quarantined * 100 > MAX_BAD_PERCENT * file.records:
        file.failure = "too_many_bad_records"
        file.rows, file.control, file.quarantined = 0, 0, file.records
        return file, []
    return file, events


def lines_of(path: Path) -> list[bytes]:
    """Return the lines of a gzip file, all members, without line ends and byte order mark."""
    try:
        text = gzip.decompress(path.read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise RefusedError("gzip") from None
    lines = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return [line.removesuffix(b"\r") for line in (lines if lines[-1] else lines[:-1])]


def segment(name: str, word: str) -> int:
    """Return the number in a key segment such as `epoch=2`, or 1 if there is none."""
    found = re.search(rf"/{word}=([0-9]+)/", name)
    return int(found[1]) if found else 1
