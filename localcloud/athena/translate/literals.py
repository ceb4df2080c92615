"""Literals: numbers, typed strings such as `decimal '1.20'`, intervals."""

import json
import re
from collections.abc import Iterator
from datetime import date
from ipaddress import ip_address

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported, syntax_error
from localcloud.athena.translate import zones
from localcloud.athena.translate.places import place
from localcloud.athena.translate.terms import (
    BIGINT,
    DATE,
    DAY_SECOND,
    DOUBLE,
    INTEGER,
    JSON,
    VARBINARY,
    YEAR_MONTH,
    Term,
    decimal,
    raw_cast,
    text,
    timestamp,
    varchar,
)
from localcloud.athena.types import Type

_DATE = re.compile(r"\s*[+-]?\d{1,6}-\d{1,2}-\d{1,2}\s*")
_TIMESTAMP = re.compile(
    r"\s*(?P<day>[+-]?\d{1,6}-\d{1,2}-\d{1,2})"
    r"(?: (?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.(?P<digits>\d{1,12}))?)?))?"
    r"\s*(?P<zone>[+-]\d{1,2}(?::?\d{2})?|[A-Za-z][A-Za-z0-9_+/-]*)?\s*"
)
_TIME = re.compile(
    r"\s*\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.(?P<digits>\d{1,12}))?)?"
    r"\s*(?P<zone>[+-]\d{2}:?\d{2})?\s*"
)
_UNITS = {"second": 1_000_000, "minute": 60_000_000, "hour": 3_600_000_000, "day": 86_400_000_000}
_MONTHS = {"month": 1, "year": 12}


def number(written: str, node: exp.Expression) -> Term:
    """Parse a signed integer or double literal. Raises when it fits no type.

    `1.5` is a double in Athena but a decimal in Trino (ADR 7); decimals are written `decimal '1.5'`.
    """
    digits = written.lstrip("-")
    if "e" not in digits.lower() and "." not in digits:
        value = int(written)
        if not -(2**63) <= value < 2**63:
            line, column = place(node)
            raise syntax_error(f"Invalid numeric literal: {digits}", line=line, column=column)
        small = -(2**31) <= value < 2**31
        sql = f"({value})" if value < 0 else str(value)
        if value == -(2**31):  # DuckDB reads it as the negation of a bigint
            sql = raw_cast(sql, INTEGER)
        return Term(sql if small else raw_cast(sql, BIGINT), INTEGER if small else BIGINT, value=value)
    return Term(raw_cast(text(written), DOUBLE), DOUBLE)


def _decimal(written: str, node: exp.Expression) -> Term:
    whole, _, fraction = written.lstrip("+-").partition(".")
    whole = whole.lstrip("0")
    type_ = decimal(max(1, len(whole) + len(fraction)), len(fraction))
    if len(whole) + len(fraction) > 38 or not (whole + fraction or "0").isdigit():
        raise _invalid(f"Invalid numeric literal: {written}", node)
    return Term(raw_cast(text(written), type_), type_)


def typed_literal(written: str, type_: Type, node: exp.Expression) -> Term:
    """Parse `type 'text'`; the digits written determine the precision. Raises INVALID_LITERAL."""
    if type_.name == "decimal":
        return _decimal(written.strip(), node)
    if type_.name == "json":
        return _json(written, node)
    if type_.name == "ipaddress":
        return _address(written, type_, node)
    if type_.name == "date":
        if not _DATE.fullmatch(written):
            raise _invalid(f"'{written}' is not a valid DATE literal", node)
        _check_day(written, node)
        return Term(raw_cast(text(written.strip()), DATE), DATE)
    if type_.name.startswith("time ") or type_.name == "time":
        match = _TIME.fullmatch(written)
        if match is None:
            raise _invalid(f"'{written}' is not a valid TIME literal", node)
        kind = Type("time with time zone" if match["zone"] else "time", (len(match["digits"] or ""),))
        if match["zone"]:
            # Kept as text: DuckDB's own type does not show the minutes of an offset.
            clock = written.strip().removesuffix(match["zone"]).rstrip()
            return Term(text(clock + zones.offset(match["zone"])), kind)
        return Term(raw_cast(text(written.strip()), kind), kind)
    match = _TIMESTAMP.fullmatch(written)
    if match is None:
        raise _invalid(f"'{written}' is not a valid TIMESTAMP literal", node)
    _check_day(match["day"], node)
    kind = timestamp(len(match["digits"] or ""), zoned=bool(match["zone"]))
    if not match["zone"]:
        return Term(raw_cast(text(written.strip()), kind), kind)
    local = f"{match['day']} {match['time'] or '00:00:00'}"
    zone = zones.shown(match["zone"])
    if zone is None or zones.skips(zone, f"{local}:00" if local.count(":") == 1 else local):
        raise _invalid(f"'{written}' is not a valid TIMESTAMP literal", node)
    return Term(zones.instant(f"CAST({text(local)} AS TIMESTAMP)", zone), kind, zone)


def _address(written: str, type_: Type, node: exp.Expression) -> Term:
    """Return an address as its 16 bytes, which order as addresses do; IPv4 is mapped into IPv6."""
    try:
        address = ip_address(written)
    except ValueError:
        raise _invalid(f"'{written}' is not a valid IPADDRESS literal", node) from None
    mapped = address.packed if address.version == 6 else b"\0" * 10 + b"\xff\xff" + address.packed
    return Term(f"unhex('{mapped.hex()}')", type_)


def _json(written: str, node: exp.Expression) -> Term:
    """Normalize JSON as Athena does: no spaces, object keys sorted, fractions as doubles."""
    try:
        value = json.loads(written, parse_float=lambda digits: _Number(_java_text(float(digits))))
    except ValueError:
        raise _invalid(f"'{written}' is not a valid JSON literal", node) from None
    return Term(text("".join(_json_text(value))), JSON)


class _Number(str):
    """The text of a JSON number that is not an integer."""


def _java_text(number: float) -> str:
    """Return a double as Java prints it: with an exponent below 0.001 and from 10 million."""
    if abs(number) == float("inf"):
        return '"Infinity"' if number > 0 else '"-Infinity"'
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    exponent = int(f"{number:.16e}".partition("e")[2])
    sign, (whole, _, rest) = "-" if number < 0 else "", repr(abs(number)).partition("e")[0].partition(".")
    digits = (whole + rest).strip("0")
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"


def _json_text(value: object) -> Iterator[str]:
    match value:
        case dict():
            yield "{"
            for at, key in enumerate(sorted(value)):
                yield from (
                    "," if at else "",
                    json.dumps(key, ensure_ascii=False),
                    ":",
                    *_json_text(value[key]),
                )
            yield "}"
        case list():
            yield "["
            for at, item in enumerate(value):
                yield from ("," if at else "", *_json_text(item))
            yield "]"
        case _Number():
            yield str(value)
        case _:
            yield json.dumps(value, ensure_ascii=False)


def _check_day(written: str, node: exp.Expression) -> None:
    year, month, day = written.strip().rsplit("-", 2)
    try:
        # The calendar repeats every 400 years; Python's only has the years 1 to 9999.
        date(int(year) % 400 + 2000, int(month), int(day))
    except ValueError:
        raise _invalid(f"'{written}' is not a valid DATE literal", node) from None


def interval(node: exp.Expression) -> Term:
    """`interval '3' day`, `interval '1-2' year to month`, `interval '1 02:03:04' day to second`."""
    written = node.this.name.strip()
    if isinstance(node.this, exp.Neg):
        written = written[1:] if written.startswith("-") else "-" + written.lstrip("+")
    sign = -1 if written.startswith("-") else 1
    unit = node.args.get("unit")
    if isinstance(unit, exp.IntervalSpan):
        return _span(written.lstrip("+-"), sign, unit, node)
    name = unit.name.lower() if unit is not None else ""
    if name not in _MONTHS and name not in _UNITS:
        line, column = place(node)
        units = ", ".join((*_MONTHS, *_UNITS)).upper()
        raise AthenaError(
            "TYPE_NOT_FOUND",
            f"line {line}:{column}: Unknown type: interval in {name.upper()}: only in {units}",
        )
    try:
        if name in _MONTHS:
            return _in_months(int(written) * _MONTHS[name], node)
        if name == "second":
            whole, _, fraction = written.lstrip("+-").partition(".")
            micros = int(whole) * 1_000_000 + int((fraction + "000000")[:3] + "000") * (1 if fraction else 0)
            return _in_micros(sign * micros, node)
        return _in_micros(int(written) * _UNITS[name], node)
    except ValueError:
        raise _invalid(f"'{written}' is not a valid INTERVAL literal", node) from None


def _span(written: str, sign: int, span: exp.Expression, node: exp.Expression) -> Term:
    start, end = span.this.name.lower(), span.expression.name.lower()
    numbers = [int(part) for part in re.findall(r"\d+", written)]
    if (start, end) == ("year", "month") and len(numbers) == 2:
        return _in_months(sign * (numbers[0] * 12 + numbers[1]), node)
    order = ["day", "hour", "minute", "second"]
    units = order[order.index(start) : order.index(end) + 1] if start in order and end in order else []
    if not units or len(numbers) < len(units):
        raise _invalid(f"'{written}' is not a valid INTERVAL literal", node)
    micros = sum(count * _UNITS[unit] for count, unit in zip(numbers, units, strict=False))
    if len(numbers) > len(units):
        micros += int(f"{written.rpartition('.')[2]:0<3}"[:3]) * 1000
    return _in_micros(sign * micros, node)


def _in_months(months: int, node: exp.Expression) -> Term:
    if not -(2**31) <= months < 2**31:
        raise _invalid("Invalid INTERVAL literal: too long", node)
    return Term(f"to_months({months})", YEAR_MONTH)


def _in_micros(micros: int, node: exp.Expression) -> Term:
    if not -(2**63) <= micros // 1000 < 2**63:
        raise _invalid("Invalid INTERVAL literal: too long", node)
    if not -(2**63) <= micros < 2**63:
        raise not_supported("An interval of more than 292,000 years in the local cloud")
    return Term(f"to_microseconds({micros})", DAY_SECOND)


def _invalid(message: str, node: exp.Expression) -> AthenaError:
    line, column = place(node)
    return AthenaError("INVALID_LITERAL", f"line {line}:{column}: {message}")


def hexadecimal(node: exp.Expression) -> Term:
    """`X'6162'`."""
    if len(node.this) % 2:
        line, column = place(node)
        raise syntax_error("Binary literal must contain an even number of digits", line=line, column=column)
    return Term(f"unhex({text(node.this)})", VARBINARY)


_ESCAPED = re.compile(r"\\(?:(?P<short>[0-9a-fA-F]{4})|\+(?P<long>[0-9a-fA-F]{6})|(?P<self>\\))")


def unicode(node: exp.Expression) -> Term:
    """`U&'caf\\00e9'`."""

    def decoded(match: re.Match[str]) -> str:
        return "\\" if match["self"] else chr(int(match["short"] or match["long"], 16))

    value = _ESCAPED.sub(decoded, node.this)
    return Term(text(value), varchar(len(value)), value=value)
