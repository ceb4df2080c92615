"""Dates and times."""

# ruff: noqa: ARG001  (handlers share one signature)

from dataclasses import replace

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.translate import zones
from localcloud.athena.translate.casts import cast, coerce, rounded
from localcloud.athena.translate.coercion import can_become, common_type
from localcloud.athena.translate.functions import formats
from localcloud.athena.translate.functions.registry import alias, scalar, special
from localcloud.athena.translate.scope import Scope, mismatch
from localcloud.athena.translate.terms import (
    BIGINT,
    DATE,
    DAY_SECOND,
    DOUBLE,
    VARCHAR,
    Term,
    fail,
    raw_cast,
    text,
    timestamp,
    varchar,
)
from localcloud.athena.translate.zones import clock, local
from localcloud.athena.types import Type

_ZONED = "timestamp with time zone"
_INSTANTS = ("date", "timestamp", _ZONED)
_UNITS = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")
_DAYS_AND_MORE = ("day", "week", "month", "quarter", "year")


def _part(name: str, sql: str) -> None:
    for type_ in _INSTANTS:
        scalar(f"{name}({type_}) -> bigint", lambda terms: f"CAST({sql.format(clock(terms[0]))} AS BIGINT)")


for _name, _field in (
    ("year", "year"),
    ("quarter", "quarter"),
    ("month", "month"),
    ("week", "week"),
    ("day", "day"),
    ("day_of_week", "isodow"),
    ("day_of_year", "doy"),
    ("year_of_week", "isoyear"),
):
    _part(_name, f"date_part('{_field}', {{0}})")
for _name, _sql in (
    ("hour", "date_part('hour', {0})"),
    ("minute", "date_part('minute', {0})"),
    ("second", "date_part('second', {0})"),
    ("millisecond", "(date_part('microsecond', {0}) // 1000) % 1000"),
):
    for _type in ("timestamp", _ZONED, "time"):
        scalar(
            f"{_name}({_type}) -> bigint",
            lambda terms, sql=_sql: f"CAST({sql.format(clock(terms[0]))} AS BIGINT)",  # type: ignore[misc]
        )
for _alias, _name in (
    ("week_of_year", "week"),
    ("day_of_month", "day"),
    ("dow", "day_of_week"),
    ("doy", "day_of_year"),
    ("yow", "year_of_week"),
):
    alias(_alias, _name)
for _type in _INSTANTS:
    scalar(
        f"last_day_of_month({_type}) -> date",
        lambda terms: f"last_day({raw_cast(clock(terms[0]), DATE)})",
    )


_DAY_SECOND = {"day": (86_400_000_000, 0), "hour": (3_600_000_000, 24), "minute": (60_000_000, 60)}
_DAY_SECOND |= {"second": (1_000_000, 60), "millisecond": (1_000, 1_000)}
for _name, (_unit_us, _limit) in _DAY_SECOND.items():
    _rest = f" % {_limit}" if _limit else ""
    scalar(
        f"{_name}(interval day to second) -> bigint", f"CAST(epoch_us({{0}}) // {_unit_us}{_rest} AS BIGINT)"
    )
scalar("month(interval year to month) -> bigint", "CAST(athena_months({0}) % 12 AS BIGINT)")
scalar("year(interval year to month) -> bigint", "CAST(athena_months({0}) // 12 AS BIGINT)")


@special("date")
def _date(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    return cast(scope.term(arguments[0]), DATE)


_CLOCKS: dict[str, type[exp.Expression]] = {
    "now": exp.CurrentTimestamp,
    "current_timestamp": exp.CurrentTimestamp,
    "current_time": exp.CurrentTime,
    "localtime": exp.Localtime,
    "localtimestamp": exp.Localtimestamp,
}


@special(*_CLOCKS)
def _clock(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    return scope.term(_CLOCKS[node.name.lower()](this=arguments[0] if arguments else None))


@special("current_timezone")
def _current_timezone(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    return Term("'UTC'", VARCHAR)


def _unit(node: exp.Expression, scope: Scope) -> str:
    """Return the unit of date_add and the like. Raises for units that Athena lacks."""
    term = scope.term(node)
    if not isinstance(term.value, str):
        raise not_supported("The unit must be a literal in the local cloud")
    unit = term.value.lower()
    if unit not in _UNITS:
        raise AthenaError("INVALID_FUNCTION_ARGUMENT", f"'{term.value}' is not a valid Timestamp field")
    return unit


def _instant(node: exp.Expression, scope: Scope) -> Term:
    term = scope.term(node)
    if term.type.name not in (*_INSTANTS, "time"):
        raise mismatch(node, f"Unexpected parameters ({term.type.athena}): a date or timestamp is needed")
    return term


def _check_unit(unit: str, term: Term) -> None:
    kept = {"date": unit in _DAYS_AND_MORE, "time": unit not in _DAYS_AND_MORE}
    if not kept.get(term.type.name, True):
        raise AthenaError(
            "INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid {term.type.name.upper()} field"
        )


@special("date_add")
def _date_add(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    unit, amount, value = _unit(arguments[0], scope), scope.term(arguments[1]), _instant(arguments[2], scope)
    _check_unit(unit, value)
    if not can_become(amount.type, BIGINT):
        raise mismatch(node, f"Unexpected parameters ({amount.type.athena}) for function date_add")
    count = coerce(amount, BIGINT).sql
    if value.type.name != "date":  # for dates, the casts below check the number of days or months
        out = fail("INVALID_FUNCTION_ARGUMENT", "'integer overflow'", BIGINT)
        count = f"CASE WHEN {count} NOT BETWEEN -2147483648 AND 2147483647 THEN {out} ELSE {count} END"
    step = {
        "millisecond": f"to_milliseconds({count})",
        "quarter": f"to_months(CAST({count} * 3 AS INTEGER))",
        "week": f"to_days(CAST({count} * 7 AS INTEGER))",
        "day": f"to_days(CAST({count} AS INTEGER))",
        "month": f"to_months(CAST({count} AS INTEGER))",
        "year": f"to_years(CAST({count} AS INTEGER))",
    }.get(unit, f"to_{unit}s({count})")
    type_ = value.type
    if type_.name == _ZONED:
        # Units of a day or more move the wall clock; smaller ones move the instant.
        moved = f"({value.sql} + {step})"
        if unit in _DAYS_AND_MORE:
            moved = zones.instant(f"({local(value)} + {step})", value.zone)
        if unit == "millisecond":
            moved = rounded(moved, type_.numbers[0])
        return Term(moved, type_, value.zone)
    if type_.name == "timestamp" and unit == "millisecond":
        return Term(rounded(f"({value.sql} + {step})", type_.numbers[0]), type_)
    return Term(raw_cast(f"({value.sql} + {step})", type_), type_)


@special("date_diff")
def _date_diff(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    unit, start, end = (
        _unit(arguments[0], scope),
        _instant(arguments[1], scope),
        _instant(arguments[2], scope),
    )
    common = common_type(start.type, end.type)
    if common is None:
        raise mismatch(node, f"Unexpected parameters ({start.type.athena}, {end.type.athena}) for date_diff")
    _check_unit(unit, Term("", common))
    a, b = coerce(zones.unshown(start), common), coerce(zones.unshown(end), common)
    if common.name.startswith("timestamp") and common.numbers[0] > 3:
        a, b = (replace(side, sql=f"date_trunc('millisecond', {side.sql})") for side in (a, b))
    if common.name == _ZONED and unit in _DAYS_AND_MORE:
        # Compare both on the wall clock of the first one's zone.
        if start.moment is not None:
            raise not_supported("Days between non-literal texts with time zones in the local cloud")
        a, b = (Term(zones.at(side.sql, start.zone), timestamp(6)) for side in (a, b))
    return Term(f"date_sub('{unit}', {a.sql}, {b.sql})", BIGINT)


@special("date_trunc")
def _date_trunc(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    unit, value = _unit(arguments[0], scope), _instant(arguments[1], scope)
    _check_unit(unit, value)
    if value.type.name == "time":
        return Term(
            raw_cast(f"date_trunc('{unit}', DATE '2000-01-01' + {value.sql})", value.type), value.type
        )
    cut = f"date_trunc('{unit}', {local(value)})"
    if value.type.name == _ZONED and unit not in _DAYS_AND_MORE:
        # Subtract the remainder: this keeps the second occurrence of an hour that a clock shows twice.
        return Term(f"({value.sql} - ({local(value)} - {cut}))", value.type, value.zone)
    if value.type.name == _ZONED:
        return Term(zones.instant(cut, value.zone), value.type, value.zone)
    return Term(raw_cast(cut, value.type), value.type)


@special("from_unixtime")
def _from_unixtime(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    seconds = scope.expect(arguments[0], DOUBLE, "from_unixtime")
    zone = "UTC"
    if len(arguments) == 2:
        named = scope.term(arguments[1])
        if not isinstance(named.value, str):
            raise not_supported("The zone of from_unixtime must be a literal in the local cloud")
        zone = _known(named.value, "NOT_SUPPORTED", f"Time zone not supported: {named.value}")
    elif len(arguments) > 2:
        hours, minutes = (scope.term(part).value for part in arguments[1:3])
        if not isinstance(hours, int) or not isinstance(minutes, int) or hours * minutes < 0:
            raise not_supported(
                "from_unixtime with hours and minutes that are not literals in the local cloud"
            )
        zone = f"{'-' if hours < 0 or minutes < 0 else '+'}{abs(hours):02d}:{abs(minutes):02d}"
        zone = "UTC" if zone == "+00:00" else zone
    # Rounded to milliseconds, as in Athena; Java converts NaN to 0.
    type_, least = timestamp(3, zoned=True), 2**63 / 1e6
    wrong = fail("INVALID_FUNCTION_ARGUMENT", "'Millis overflow: ' || " + seconds.sql, type_)
    made = f"make_timestamptz(CAST(round({seconds.sql} * 1000) AS BIGINT) * 1000)"
    long = f"WHEN abs({seconds.sql}) >= {least!r}e0 THEN {wrong}"
    checked = f"CASE WHEN isnan({seconds.sql}) THEN make_timestamptz(0) {long} ELSE {made} END"
    return Term(checked, type_, zone)


for _type in ("timestamp", _ZONED):
    scalar(f"to_unixtime({_type}) -> double", lambda terms: f"epoch({zones.unshown(terms[0]).sql})")
scalar("to_milliseconds(interval day to second) -> bigint", "(epoch_us({0}) // 1000)")


def _zone(node: exp.Expression, scope: Scope) -> str:
    term = scope.term(node)
    if isinstance(node, exp.Interval) and term.type == DAY_SECOND:
        minutes, rest = divmod(int(term.sql.removeprefix("to_microseconds(").removesuffix(")")), 60_000_000)
        if rest:
            raise AthenaError("INVALID_FUNCTION_ARGUMENT", "Invalid time zone offset interval")
        written = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        return _known(written, "INVALID_FUNCTION_ARGUMENT", f"'{written}' is not a valid time zone")
    if not isinstance(term.value, str):
        raise not_supported("A time zone must be a literal in the local cloud")
    return _known(term.value, "INVALID_FUNCTION_ARGUMENT", f"'{term.value}' is not a valid time zone")


def _known(zone: str, code: str, message: str) -> str:
    found = zones.shown(zone)
    if found is None:
        raise AthenaError(code, message)
    return found


@special("at_timezone")
def _at_timezone(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    zone = _zone(arguments[1], scope)
    value = zones.unshown(_instant(arguments[0], scope))
    if value.type.name == _ZONED:
        return Term(value.sql, value.type, zone)
    if value.type.name == "timestamp":
        return Term(f"timezone('UTC', {value.sql})", Type(_ZONED, value.type.numbers), zone)
    raise mismatch(
        node,
        f"Type of value must be a time or timestamp with or without time zone (actual {value.type.athena})",
    )


@special("with_timezone")
def _with_timezone(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    value, zone = _instant(arguments[0], scope), _zone(arguments[1], scope)
    if value.type.name == "date":
        value = cast(value, timestamp(3))
    if value.type.name != "timestamp":
        raise mismatch(node, f"Unexpected parameters ({value.type.athena}) for function with_timezone")
    if zone == "UTC" or zone[0] in "+-":
        found = zones.instant(value.sql, zone)
    else:
        found = f"athena_zoned({text(zone)}, {value.sql})"
    return Term(found, Type(_ZONED, value.type.numbers), zone)


def _pattern(node: exp.Expression, scope: Scope, name: str) -> str:
    term = scope.term(node)
    if not isinstance(term.value, str):
        raise not_supported(f"The format of {name} must be a literal in the local cloud")
    return term.value


def _minutes(value: Term) -> str:
    """Return the UTC offset of the wall clock in minutes."""
    return f"date_diff('minute', timezone('UTC', {value.sql}), {local(value)})"


def _offset(value: Term) -> str:
    """Return the UTC offset as `+02:00`; `Z` for zero."""
    minutes = _minutes(value)
    shown = f"printf('%02d:%02d', abs({minutes}) // 60, abs({minutes}) % 60)"
    return (
        f"CASE WHEN {minutes} = 0 THEN 'Z' ELSE CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END || {shown} END"
    )


scalar(
    f"timezone_hour({_ZONED}) -> bigint", lambda terms: f"CAST(trunc({_minutes(terms[0])} / 60) AS BIGINT)"
)
scalar(f"timezone_minute({_ZONED}) -> bigint", lambda terms: f"CAST({_minutes(terms[0])} % 60 AS BIGINT)")


@special("timezone")
def _timezone(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    value = scope.term(arguments[0])
    if value.type.name not in (_ZONED, "unknown"):
        raise mismatch(node, f"Unexpected parameters ({value.type.athena}) for function timezone")
    return Term(f"CASE WHEN {value.sql} IS NOT NULL THEN {text(value.zone)} END", VARCHAR)


@special("date_format")
def _date_format(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    value, pattern = _instant(arguments[0], scope), _pattern(arguments[1], scope, "date_format")
    return Term(formats.rendered(_wall_clock(value), formats.from_mysql(pattern)), VARCHAR)


@special("format_datetime")
def _format_datetime(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    value, pattern = _instant(arguments[0], scope), _pattern(arguments[1], scope, "format_datetime")
    zoned = value.type.name == _ZONED
    found = formats.rendered(_wall_clock(value), formats.from_joda(pattern, zoned=zoned))
    if not zoned:
        return Term(found, VARCHAR)
    offset = f"replace({_offset(value)}, 'Z', '+00:00')"
    plain = f"replace({offset}, ':', '')"
    shown = {formats.ZONE: text(value.zone), formats.OFFSET: offset, formats.PLAIN: plain}
    for mark, sql in shown.items():
        if mark in found and value.moment is not None:
            raise not_supported("The zone of a non-literal text in a date pattern in the local cloud")
        if mark in found:
            found = f"replace({found}, {text(mark)}, {sql})"
    return Term(found, VARCHAR)


def _wall_clock(value: Term) -> str:
    """Return the wall clock in whole milliseconds, the precision of the formatting functions."""
    value = cast(value, timestamp(3)) if value.type.name == "date" else value
    return f"date_trunc('millisecond', {clock(value)})"


@special("date_parse")
def _date_parse(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    value = scope.expect(arguments[0], VARCHAR, "date_parse")
    pattern = _pattern(arguments[1], scope, "date_parse")
    return Term(formats.parsed(value.sql, formats.from_mysql(pattern), pattern), timestamp(3))


@special("parse_datetime")
def _parse_datetime(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    value = scope.expect(arguments[0], VARCHAR, "parse_datetime")
    pattern = _pattern(arguments[1], scope, "parse_datetime")
    # Two-digit years are from 80 years ago to 20 years ahead.
    first = scope.statement.now.year - 80
    found = formats.parsed(value.sql, formats.from_joda(pattern), pattern, first)
    return Term(f"timezone('UTC', {found})", timestamp(3, zoned=True))


@special("to_iso8601")
def _to_iso8601(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    value = _instant(arguments[0], scope)
    if value.type == DATE:
        return Term(raw_cast(value.sql, VARCHAR), varchar(16))
    digits = value.type.numbers[0]
    shown = f"replace(athena_timestamp_text({local(value)}, {digits}), ' ', 'T')"
    if value.type.name == _ZONED:
        shown = f"({shown} || {_offset(value)})"
    length = 22 + (1 + digits if digits else 0) + (6 if value.type.name == _ZONED else 0)
    return Term(shown, varchar(length))
