"""A second judge of raw records, slow and independent of the parser: no regular expressions, no Arrow."""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from judge_values import (
    DIGITS,
    Bad,
    Written,
    from_json,
    from_text,
    is_nested,
    named,
    need,
    nested_text,
    not_json,
    strays,
    too_deep,
    unique,
)

from bronze.contract import BronzeContract, Column
from bronze.dialect import Dialect

RFC_4180 = Dialect()

# --- CSV -------------------------------------------------------------------------------------------------


def csv_fields(text: str, dialect: Dialect = RFC_4180) -> list[str]:
    """Split a line of RFC 4180 or another dialect, character by character."""
    quote, escape = dialect.quote, dialect.escape
    fields, field, state = [], "", "start"
    for character in text:
        if state == "escaped":
            field += character if character in (quote, escape) else f"{escape}{character}"
            state = "quoted"
        elif state == "quoted" and character == escape:
            state = "escaped"
        elif state == "quoted":
            state = "closing" if character == quote else state
            field += character if character != quote else ""
        elif character == dialect.delimiter:
            fields.append(field)
            field, state = "", "start"
        elif character == quote:
            need(state == "start" or (state == "closing" and escape is None), "unbalanced_quote")
            field += quote if state == "closing" else ""
            state = "quoted"
        else:
            need(state != "closing", "unbalanced_quote")
            field, state = field + character, "bare"
    need(state not in ("quoted", "escaped"), "unbalanced_quote")
    return [*fields, field]


def csv_row(rules: BronzeContract, line: bytes) -> dict[str, Any]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise Bad("encoding") from None
    fields = csv_fields(text.removesuffix("\r"), rules.csv)
    need(len(fields) == len(rules.columns), "field_count")
    row = {}
    for column, field in zip(rules.columns, fields, strict=True):
        need(field != "" or not column.required, f"null:{column.name}")
        read = nested_text if is_nested(column.type) else lambda kind, text, _: from_text(kind, text)
        row[column.name] = (
            named(column.name, lambda c=column, f=field, r=read: r(c.type, f, rules)) if field else None
        )
    return row | exact_moments(row)


def exact_moments(row: dict[str, Any]) -> dict[str, int | None]:
    """Return the exact values beside timestamps: whole microseconds since 1970."""
    since = {name: value - datetime(1970, 1, 1) for name, value in row.items() if isinstance(value, datetime)}
    beside: dict[str, int | None] = {f"{name}_us": None for name in row}
    return beside | {f"{name}_us": (it.days * 86_400 + it.seconds) * 10**6 + it.microseconds
                     for name, it in since.items()}  # fmt: skip


def judged_csv(rules: BronzeContract, lines: list[bytes], first: int = 2) -> tuple[list[Any], list[Any]]:
    """Return rows and refusals, with their positions, of an extract's lines, numbered from `first`."""
    rows, refused = [], []
    for number, line in enumerate(lines, first):
        if line not in (b"", b"\r"):
            try:
                rows.append((number, 0, csv_row(rules, line)))
            except Bad as bad:
                refused.append((number, 0, str(bad)))
    return rows, refused


# --- change records --------------------------------------------------------------------------------------


def line_records(line: bytes) -> Iterator[dict[str, Any] | Bad]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        yield Bad("encoding")
        return
    strict = json.JSONDecoder(
        object_pairs_hook=unique, parse_int=Written, parse_float=Written, parse_constant=not_json
    )
    loose = json.JSONDecoder(parse_int=str, parse_constant=not_json)
    rest, first = text.strip(" \t\r\n"), True
    while rest or first:
        first = False
        try:
            _, end = loose.raw_decode(rest)
            need(not too_deep(rest[:end]), "json")
        except (Bad, ValueError, RecursionError):
            yield Bad("json")
            return
        try:
            value, _ = strict.raw_decode(rest)
            json.dumps(value, ensure_ascii=False).encode()
            yield value if isinstance(value, dict) else Bad("json")
        except UnicodeEncodeError:
            yield Bad("encoding")
        except Bad as bad:
            yield Bad("encoding") if any("\ud800" <= sign <= "\udfff" for sign in str(bad)) else bad
        rest = rest[end:].lstrip(" \t\r\n")


def part(record: dict[str, Any], name: str, kind: type) -> Any:
    need(record.get(name) is not None, f"absent_key:{name}")
    need(isinstance(record[name], kind) and not isinstance(record[name], Written), f"type:{name}")
    return record[name]


def stamp(metadata: dict[str, Any], *names: str) -> tuple[str, datetime] | None:
    for name in names:
        if metadata.get(name) is not None:
            return name, named(name, lambda n=name: from_json("timestamp", metadata[n]))
    return None


def place_of(rules: BronzeContract, metadata: dict[str, Any]) -> str:
    if rules.position == "timestamp":
        found = stamp(metadata, "stream-position", "commit-timestamp", "timestamp")
        need(found is not None, "absent_key:stream-position")
        return f"{(found[1] - datetime(1970, 1, 1)) // timedelta(microseconds=1):020d}"  # type: ignore[index]
    written = part(metadata, "stream-position", str)
    high, _, low = written.partition("/")
    low = low.split(".")[0]
    for half in (high, low):
        need(0 < len(half) <= 8 and set(half) <= set("0123456789abcdefABCDEF"), "type:stream-position")
    return high.upper().rjust(8, "0") + low.upper().rjust(8, "0")


def order_of(metadata: dict[str, Any]) -> int:
    name = "transaction-record-id"
    order = 0 if metadata.get(name) is None else named(name, lambda: from_json("bigint", metadata[name]))
    need(order >= 0, f"range:{name}")
    return int(order)


def change(rules: BronzeContract, record: dict[str, Any]) -> dict[str, Any] | None:
    """Return the row of a record, or None for a control record."""
    if rules.records == "debezium":
        return debezium_change(rules, part(record, "payload", dict) if "payload" in record else record)
    if rules.records == "plain":
        record = {"data": record, "metadata": {"record-type": "data", "operation": "load"}}
    metadata = part(record, "metadata", dict)
    kind = part(metadata, "record-type", str)
    need(kind in ("data", "control"), "type:record-type")
    operation = part(metadata, "operation", str)
    if kind == "control":
        if rules.position != "timestamp" and metadata.get("stream-position") is not None:
            place_of(rules, metadata)
        order_of(metadata)
        stamp(metadata, "commit-timestamp", "timestamp")
        return None
    need(operation in ("load", "insert", "update", "delete"), "type:operation")
    row = row_of(rules, part(record, "data", dict), operation)
    row["_key_before"] = old_key(rules, record, "before-image", row, operation)
    row["_op"] = operation
    width = 20 if rules.position == "timestamp" else 16
    if operation == "load":
        row["_seq"] = f"0000000004.{'0' * width}.0.{6:020d}"
    else:
        row["_seq"] = f"0000000004.{place_of(rules, metadata)}.1.{order_of(metadata):020d}"
    committed = stamp(metadata, "commit-timestamp", "timestamp")
    row["_committed_at"] = committed and committed[1]
    return row


def row_of(rules: BronzeContract, data: dict[str, Any], operation: str) -> dict[str, Any]:
    row = {column.name: column_value(rules, column, data, operation) for column in rules.columns}
    extra = [key for key in data if key not in row]
    for column in rules.columns:
        found = strays(column.type, data.get(column.name))
        extra += [column.name + place for what, place in found if what == "unknown_key"]
    need(not extra or rules.unknown_keys != "freeze", f"unknown_key:{extra[0] if extra else ''}")
    return row | exact_moments(row)


def column_value(rules: BronzeContract, column: Column, data: dict[str, Any], operation: str) -> Any:
    if data.get(column.name) is not None:
        read = named(column.name, lambda: from_json(column.type, data[column.name]))
        if operation != "delete" and rules.absent == "quarantine":
            for what, place in strays(column.type, data[column.name]):
                need(what != "absent_key", f"absent_key:{column.name}{place}")
        return read
    if operation == "delete" and column.name not in rules.key:
        return None
    absent = column.name not in data
    need(not absent or (rules.absent == "null" and not column.required), f"absent_key:{column.name}")
    need(not column.required, f"null:{column.name}")
    return None


def old_key(
    rules: BronzeContract, record: dict[str, Any], image: str, row: dict[str, Any], operation: str
) -> str | None:
    if operation == "load":
        return None
    if record.get(image) is None:
        need(operation != "update" or rules.before_image == "optional", f"absent_key:{image}")
        return None
    before = part(record, image, dict)
    types = {column.name: column.type for column in rules.columns}
    key = {
        name: named(name, lambda n=name: from_json(types[n], before[n]))
        if before.get(name) is not None
        else row[name]
        for name in rules.key
    }
    changed = any(key[name] != row[name] for name in rules.key)
    said = json.dumps(key, separators=(",", ":"), ensure_ascii=False, default=datetime.isoformat)
    return said if changed else None


# --- change records of Debezium --------------------------------------------------------------------------

LEFT_OUT = "__debezium_unavailable_value"


def debezium_change(rules: BronzeContract, record: dict[str, Any]) -> dict[str, Any] | None:
    """Return the row of a record, or None for a truncate."""
    word = part(record, "op", str)
    if word == "t":
        places(record)
        moment(record)
        return None
    need(word in ("r", "c", "u", "d"), "type:op")
    operation = {"r": "load", "c": "insert", "u": "update", "d": "delete"}[word]
    data = part(record, "before" if word == "d" else "after", dict)
    for name in [name for name in data if is_left_out(data[name])]:
        need(word == "d", f"absent_key:{name}")
        data = {key: value for key, value in data.items() if key != name}
    row = row_of(rules, without_zones(rules, data), operation)
    if isinstance(record.get("before"), dict):
        record = {**record, "before": without_zones(rules, record["before"])}
    row["_key_before"] = old_key(rules, record, "before", row, operation)
    row["_op"] = operation
    committed, lsn = places(record)
    row["_seq"] = f"0000000004.{committed:016X}." + (f"0.{6:020d}" if word == "r" else f"1.{lsn:020d}")
    row["_committed_at"] = moment(record)
    return row


def is_left_out(value: Any) -> bool:
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    return value in (LEFT_OUT, b64encode(LEFT_OUT.encode()).decode(), f'{{"{LEFT_OUT}":"{LEFT_OUT}"}}')


def without_zones(rules: BronzeContract, row: dict[str, Any]) -> dict[str, Any]:
    dates = [column.name for column in rules.columns if column.type == "date"]
    zoned = [name for name in dates if isinstance(row.get(name), str) and row[name].endswith("Z")]
    return {**row, **{name: row[name][:-1] for name in zoned}}


def places(record: dict[str, Any]) -> tuple[int, int]:
    text = part(part(record, "source", dict), "sequence", str)
    need(text.startswith("[") and text.endswith("]"), "type:sequence")
    committed, _, lsn = text[1:-1].partition(",")
    halves = ['"0"' if committed == "null" else committed, lsn.removeprefix(" ")]
    for half in halves:
        need(2 < len(half) < 23 and half[0] == half[-1] == '"' and set(half[1:-1]) <= DIGITS, "type:sequence")
    first, second = (int(half[1:-1]) for half in halves)
    need(max(first, second) < 2**64, "range:sequence")
    return first, second


def moment(record: dict[str, Any]) -> datetime | None:
    source = part(record, "source", dict)
    for name, unit in (("ts_us", 1), ("ts_ms", 1000)):
        if source.get(name) is not None:
            count = named(name, lambda n=name: from_json("bigint", source[n]))
            need(0 <= count * unit < 253402300800 * 10**6, f"range:{name}")
            return datetime(1970, 1, 1) + timedelta(microseconds=count * unit)
    return None


def judged_json(rules: BronzeContract, lines: list[bytes]) -> tuple[list[Any], list[Any], int]:
    """Return rows and refusals of lines of change records, and the number of control records."""
    rows, refused, control = [], [], 0
    for number, raw in enumerate(lines, 1):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        tombstone = rules.records == "debezium" and line.removesuffix(b"\r") == b"null"
        if line in (b"", b"\r") or tombstone:
            continue
        for index, found in enumerate(line_records(line)):
            try:
                if isinstance(found, Bad):
                    raise found
                row = change(rules, found)
                control += row is None
                rows += [] if row is None else [(number, index, row)]
            except Bad as bad:
                refused.append((number, index, str(bad)))
    return rows, refused, control
