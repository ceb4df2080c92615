"""How the judge reads a value, slowly and independently of the parser: no regular expressions, no Arrow."""

import json
import struct
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bronze.contract import BronzeContract

DIGITS = set("0123456789")


class Bad(Exception):  # noqa: N818 - a verdict, not an error
    """The reason of a refusal, and its place in a nested value."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason)
        self.place = place


class Written(str):
    """A JSON number as written."""


def need(condition: bool, reason: str) -> None:
    if not condition:
        raise Bad(reason)


def number_parts(text: str) -> tuple[str, str, str, int]:
    """Split a number, by its grammar, into sign, whole digits, fraction digits and exponent."""
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
    """Return the value of a number, or None for one so large or small that no type could hold it."""
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
    # Too many digits are reported before an invalid date.
    need(not fraction[6:].strip("0"), "range")
    base = date_text(day)
    try:
        whole = datetime(base.year, base.month, base.day, hour, minute, second)
        return whole + timedelta(microseconds=int(fraction[:6].ljust(6, "0"))) - shift
    except OverflowError:
        raise Bad("range") from None


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def binary_text(text: str) -> bytes:
    """Decode base64, bit by bit."""
    digits = text.rstrip("=")
    padding = len(text) - len(digits)
    need(len(text) % 4 == 0 and padding <= 2 and set(digits) <= set(ALPHABET), "type")
    bits = "".join(f"{ALPHABET.index(digit):06b}" for digit in digits)
    whole, spare = bits[: len(bits) // 8 * 8], bits[len(bits) // 8 * 8 :]
    need(len(spare) == 2 * padding and set(spare) <= {"0"}, "type")
    return bytes(int(whole[at : at + 8], 2) for at in range(0, len(whole), 8))


# --- nested values ---------------------------------------------------------------------------------------


def parts_of(kind: str) -> tuple[str, list[str]]:
    """Split `map<string,array<int>>` into its first word and the texts between outer brackets and commas."""
    word, _, inside = kind.removesuffix(">").partition("<")
    parts, depth = [""], 0
    for character in inside:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return word, parts


def is_nested(kind: str) -> bool:
    return "<" in kind


def from_nested(kind: str, value: Any) -> Any:
    word, parts = parts_of(kind)
    if word == "array":
        need(isinstance(value, list), "type")
        return [inside("[]", parts[0], item) for item in value]
    need(isinstance(value, dict), "type")
    if word == "map":
        return [(key, inside("{}", parts[1], item)) for key, item in value.items()]
    fields = [part.split(":", 1) for part in parts]
    return {name: inside(f".{name}", of, value.get(name)) for name, of in fields}


def inside(place: str, kind: str, value: Any) -> Any:
    try:
        read = None if value is None else from_json(kind, value)
        need(kind != "timestamp" or read is None or str(read.microsecond).zfill(6).endswith("000"), "range")
        return read
    except Bad as bad:
        raise Bad(str(bad), place + bad.place) from None


def strays(kind: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield `absent_key` or `unknown_key` and the place, for each struct in `value`, outer ones first."""
    word, parts = parts_of(kind)
    if not is_nested(kind) or value is None:
        return
    if word == "array":
        for item in value:
            yield from ((what, "[]" + place) for what, place in strays(parts[0], item))
    elif word == "map":
        for item in value.values():
            yield from ((what, "{}" + place) for what, place in strays(parts[1], item))
    else:
        fields = dict(part.split(":", 1) for part in parts)
        yield from (("absent_key", f".{name}") for name in fields if name not in value)
        yield from (("unknown_key", f".{name}") for name in value if name not in fields)
        for name, of in fields.items():
            yield from ((what, f".{name}{place}") for what, place in strays(of, value.get(name)))


def too_deep(text: str) -> bool:
    """Return whether more than 200 brackets are open at once, outside quotes."""
    depth, quoted, escaped = 0, False, False
    for sign in text:
        if quoted:
            quoted, escaped = escaped or sign != '"', sign == "\\" and not escaped
        elif sign == '"':
            quoted = True
        else:
            depth += (sign in "[{") - (sign in "]}")
            if depth > 200:
                return True
    return False


def nested_text(kind: str, text: str, rules: BronzeContract) -> Any:
    strict = json.JSONDecoder(
        object_pairs_hook=unique, parse_int=Written, parse_float=Written, parse_constant=not_json
    )
    try:
        value = strict.decode(text)
        json.dumps(value, ensure_ascii=False).encode()
        need(not too_deep(text), "json")
    except (Bad, ValueError, RecursionError):
        raise Bad("json") from None
    read = from_nested(kind, value)
    found = sorted(strays(kind, value), key=lambda stray: stray[0])
    for what, place in found:
        if what == "unknown_key" or rules.absent == "quarantine":
            raise Bad(what, place)
    return read


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
        "binary": binary_text,
        "string": str,
    }
    return readers[kind](text)


def from_json(kind: str, value: Any) -> Any:
    if is_nested(kind):
        return from_nested(kind, value)
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
        raise Bad(f"{bad}:{column}{bad.place}") from None


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: set[str] = set()
    for key, _ in pairs:
        need(key not in seen, f"duplicate_key:{key}")
        seen.add(key)
    return dict(pairs)


def not_json(name: str) -> Any:
    raise ValueError(name)
