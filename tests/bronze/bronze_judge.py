"""A second judge of raw records, slow and written apart from the parser: no regular expression, no Arrow."""

import json
import struct
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bronze.contract import BronzeContract, Column

DIGITS = set("0123456789")


class Bad(Exception):  # noqa: N818 - a verdict, not an error
    """The reason of a refusal."""


class Written(str):
    """A JSON number, as written."""


def need(condition: bool, reason: str) -> None:
    if not condition:
        raise Bad(reason)


def number_parts(text: str) -> tuple[str, str, str, int]:
    """Sign, whole digits, fraction digits and exponent of a number, by its grammar."""
    sign = text[:1] if text[:1] in ("+", "-") else ""
    mantissa, mark, exponent = text[len(sign) :].replace("E", "e").partition("e")
    whole, point, fraction = mantissa.partition(".")
    need(set(whole + fraction) <= DIGITS and bool(whole or (point and fraction)), "type")
    need(not point or bool(fraction), "type")
    bare = exponent.removeprefix("+") if exponent.startswith("+") else exponent.removeprefix("-")
    need(not mark or (bool(bare) and set(bare) <= DIGITS), "type")
    size = int(bare.lstrip("0")[:7] or 0)
    return sign, whole, fraction, -size if exponent.startswith("-") else size


def integer_text(text: str, bits: int) -> int:
    bare = text.strip(" \t")
    digits = bare.removeprefix("-")
    need(0 < len(digits) <= 19 and set(digits) <= DIGITS, "type")
    need(-(2 ** (bits - 1)) <= int(bare) < 2 ** (bits - 1), "range")
    return int(bare)


def float_text(text: str, single: bool) -> float:
    number_parts(text)
    value = float(text)
    need(abs(value) != float("inf"), "range")
    if single:
        try:
            return float(struct.unpack("<f", struct.pack("<f", value))[0])
        except OverflowError:
            raise Bad("range") from None
    return value


def exact(text: str) -> Fraction | None:
    """The value of a number; None for one so large or small that no type could hold it."""
    sign, whole, fraction, exponent = number_parts(text)
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return Fraction(0)
    if len(digits.rstrip("0")) > 100 or abs(exponent) > 10_000:
        return None
    value = Fraction(int(digits.rstrip("0"))) * 10 ** (len(digits) - len(digits.rstrip("0")))
    value *= Fraction(10) ** (exponent - len(fraction))
    return -value if sign == "-" else value


def decimal_text(text: str, precision: int, scale: int) -> Decimal:
    value = exact(text)
    need(value is not None and (value * 10**scale).denominator == 1, "range")
    unscaled = int(value * 10**scale)  # type: ignore[operator]
    need(abs(unscaled) < 10**precision, "range")
    return Decimal(f"{unscaled}E-{scale}")


def boolean_text(text: str) -> bool:
    need(text == "true" or text == "false", "type")
    return text == "true"


def date_text(text: str) -> date:
    parts = text.split("-")
    need([len(part) for part in parts] == [4, 2, 2] and set("".join(parts)) <= DIGITS, "type")
    try:
        return date(*map(int, parts))
    except ValueError:
        raise Bad("type") from None


def timestamp_text(text: str) -> datetime:
    day, mark, rest = text.partition("T")
    need(mark == "T", "type")
    shift = timedelta()
    if rest.endswith("Z"):
        rest = rest[:-1]
    elif "+" in rest or "-" in rest:
        sign = 1 if "+" in rest else -1
        rest, offset = rest.split("+" if sign == 1 else "-", 1)
        offset = offset.replace(":", "", 1) if len(offset) == 5 and offset[2] == ":" else offset
        need(len(offset) in (2, 4) and set(offset) <= DIGITS, "type")
        hours, minutes = int(offset[:2]), int(offset[2:] or 0)
        need(hours < 24 and minutes < 60, "type")
        shift = sign * timedelta(hours=hours, minutes=minutes)
    clock, point, fraction = rest.partition(".")
    parts = clock.split(":")
    need(len(parts) in (2, 3) and all(len(p) == 2 and set(p) <= DIGITS for p in parts), "type")
    need(not point or (len(parts) == 3 and bool(fraction) and set(fraction) <= DIGITS), "type")
    hour, minute, second = (*map(int, parts), 0)[:3]
    need(hour < 24 and minute < 60 and second < 60, "type")
    need(len(day) == 10, "type")
    # Too fine is found before the calendar is asked.
    need(not fraction[6:].strip("0"), "range")
    base = date_text(day)
    try:
        whole = datetime(base.year, base.month, base.day, hour, minute, second)
        return whole + timedelta(microseconds=int(fraction[:6].ljust(6, "0"))) - shift
    except OverflowError:
        raise Bad("range") from None


def from_text(kind: str, text: str) -> Any:
    if kind.startswith("decimal"):
        precision, scale = map(int, kind[8:-1].split(","))
        return decimal_text(text, precision, scale)
    readers: dict[str, Callable[[str], Any]] = {
        "int": lambda t: integer_text(t, 32),
        "bigint": lambda t: integer_text(t, 64),
        "float": lambda t: float_text(t, single=True),
        "double": lambda t: float_text(t, single=False),
        "boolean": boolean_text,
        "date": date_text,
        "timestamp": timestamp_text,
        "string": str,
    }
    return readers[kind](text)


def from_json(kind: str, value: Any) -> Any:
    number = isinstance(value, Written)
    text = isinstance(value, str) and not number
    if kind == "boolean":
        need(isinstance(value, bool), "type")
        return value
    if kind in ("int", "bigint"):
        need(number, "type")
        whole = exact(value)
        if whole is None:
            raise Bad("type" if number_parts(value)[3] < 0 else "range")
        need(whole.denominator == 1, "type")
        bits = 32 if kind == "int" else 64
        need(-(2 ** (bits - 1)) <= whole < 2 ** (bits - 1), "range")
        return int(whole)
    if kind in ("float", "double"):
        need(number, "type")
        read = float_text(value, single=kind == "float")
        return read if set(value) & set(".eE") or read else 0.0
    if kind.startswith("decimal"):
        need(number or text, "type")
        return from_text(kind, value)
    need(text, "type")
    return from_text(kind, value)


def named(column: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Bad as bad:
        raise Bad(f"{bad}:{column}") from None


# --- CSV -------------------------------------------------------------------------------------------------


def csv_fields(text: str) -> list[str]:
    """RFC 4180, character by character."""
    fields, field, state = [], "", "start"
    for character in text:
        if state == "quoted":
            state = "closing" if character == '"' else state
            field += character if character != '"' else ""
        elif character == ",":
            fields.append(field)
            field, state = "", "start"
        elif character == '"':
            need(state in ("start", "closing"), "unbalanced_quote")
            field += '"' if state == "closing" else ""
            state = "quoted"
        else:
            need(state != "closing", "unbalanced_quote")
            field, state = field + character, "bare"
    need(state != "quoted", "unbalanced_quote")
    return [*fields, field]


def csv_row(rules: BronzeContract, line: bytes) -> dict[str, Any]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise Bad("encoding") from None
    fields = csv_fields(text.removesuffix("\r"))
    need(len(fields) == len(rules.columns), "field_count")
    row = {}
    for column, field in zip(rules.columns, fields, strict=True):
        need(field != "" or not column.required, f"null:{column.name}")
        row[column.name] = (
            named(column.name, lambda c=column, f=field: from_text(c.type, f)) if field else None
        )
    return row


def judged_csv(rules: BronzeContract, lines: list[bytes]) -> tuple[list[Any], list[Any]]:
    """Rows and refusals of the lines of an extract behind its header, with their places."""
    rows, refused = [], []
    for number, line in enumerate(lines, 2):
        if line not in (b"", b"\r"):
            try:
                rows.append((number, 0, csv_row(rules, line)))
            except Bad as bad:
                refused.append((number, 0, str(bad)))
    return rows, refused


# --- change records --------------------------------------------------------------------------------------


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: set[str] = set()
    for key, _ in pairs:
        need(key not in seen, f"duplicate_key:{key}")
        seen.add(key)
    return dict(pairs)


def not_json(name: str) -> Any:
    raise ValueError(name)


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
        except ValueError:
            yield Bad("json")
            return
        try:
            value, _ = strict.raw_decode(rest)
            json.dumps(value, ensure_ascii=False).encode()
            yield value if isinstance(value, dict) else Bad("json")
        except UnicodeEncodeError:
            yield Bad("encoding")
        except Bad as bad:
            yield bad
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
    """The row of a record, or None for a control record."""
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
    data = part(record, "data", dict)
    row = {column.name: column_value(rules, column, data, operation) for column in rules.columns}
    extra = [key for key in data if key not in row]
    need(not extra or rules.unknown_keys != "freeze", f"unknown_key:{extra[0] if extra else ''}")
    row["_key_before"] = old_key(rules, record, row, operation)
    row["_op"] = operation
    width = 20 if rules.position == "timestamp" else 16
    if operation == "load":
        row["_seq"] = f"0000000004.{'0' * width}.0.{6:020d}"
    else:
        row["_seq"] = f"0000000004.{place_of(rules, metadata)}.1.{order_of(metadata):020d}"
    committed = stamp(metadata, "commit-timestamp", "timestamp")
    row["_committed_at"] = committed and committed[1]
    return row


def column_value(rules: BronzeContract, column: Column, data: dict[str, Any], operation: str) -> Any:
    if data.get(column.name) is not None:
        return named(column.name, lambda: from_json(column.type, data[column.name]))
    if operation == "delete" and column.name not in rules.key:
        return None
    absent = column.name not in data
    need(not absent or (rules.absent == "null" and not column.required), f"absent_key:{column.name}")
    need(not column.required, f"null:{column.name}")
    return None


def old_key(rules: BronzeContract, record: dict[str, Any], row: dict[str, Any], operation: str) -> str | None:
    if operation == "load":
        return None
    if record.get("before-image") is None:
        need(operation != "update" or rules.before_image == "optional", "absent_key:before-image")
        return None
    before = part(record, "before-image", dict)
    types = {column.name: column.type for column in rules.columns}
    key = {
        name: named(name, lambda n=name: from_json(types[n], before[n]))
        if before.get(name) is not None
        else row[name]
        for name in rules.key
    }
    changed = any(key[name] != row[name] for name in rules.key)
    return json.dumps(key, separators=(",", ":"), ensure_ascii=False) if changed else None


def judged_json(rules: BronzeContract, lines: list[bytes]) -> tuple[list[Any], list[Any], int]:
    """Rows and refusals of lines of change records, and how many control records there are."""
    rows, refused, control = [], [], 0
    for number, raw in enumerate(lines, 1):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if line in (b"", b"\r"):
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
