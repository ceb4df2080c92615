"""The arithmetic operators, chosen by the types of both sides."""

from sqlglot import exp

from localcloud.athena.errors import AthenaError
from localcloud.athena.translate import decimals, zones
from localcloud.athena.translate.casts import coerce
from localcloud.athena.translate.coercion import as_decimal, common_type, is_numeric
from localcloud.athena.translate.places import place
from localcloud.athena.translate.terms import (
    DATE,
    DAY_SECOND,
    DOUBLE,
    INTEGERS,
    TINYINT,
    UNKNOWN,
    YEAR_MONTH,
    Term,
    decimal,
    fail,
    raw_cast,
    timestamp,
)
from localcloud.athena.types import Type

_INTERVALS = (DAY_SECOND, YEAR_MONTH)
_INSTANTS = ("date", "timestamp", "timestamp with time zone", "time")


def binary(operator: str, left: Term, right: Term, node: exp.Expression) -> Term:
    """`left operator right` for + - * / %.

    Raises TYPE_MISMATCH when there is no such operator, AMBIGUOUS_FUNCTION_CALL when a null fits several.
    """
    if UNKNOWN in (left.type, right.type):
        left, right = _beside_null(operator, left, right, node)
    found = None
    if is_numeric(left.type) and is_numeric(right.type):
        found = _numbers(operator, left, right)
    elif operator in "+-*/":
        found = _times(operator, left, right)
    if found is None:
        line, column = place(node)
        raise AthenaError(
            "TYPE_MISMATCH",
            f"line {line}:{column}: Cannot apply operator: {left.type.athena} {operator} {right.type.athena}",
        )
    return found


# Where Trino cannot decide which type a bare null has: the types before it, and those behind it.
_MOMENTS = {"timestamp", "timestamp with time zone"}
_INTERVAL_NAMES = {interval.name for interval in _INTERVALS}
_AMBIGUOUS = {
    "+": ({*_MOMENTS, *_INTERVAL_NAMES}, {*_MOMENTS, *_INTERVAL_NAMES}),
    "-": ({*_MOMENTS, "time"}, _INTERVAL_NAMES),
    "*": ({"bigint", "double"}, {"bigint", "double"}),
    "/": (set[str](), {"double"}),
    "%": (set[str](), set[str]()),
}


def _beside_null(operator: str, left: Term, right: Term, node: exp.Expression) -> tuple[Term, Term]:
    """Give a bare null the type that it has beside the other side; `null % null` is a tinyint."""
    if left.type == right.type:
        if operator == "%":
            return coerce(left, TINYINT), coerce(right, TINYINT)
        raise _ambiguous(f"unknown {operator} unknown", node)
    before, behind = _AMBIGUOUS[operator]
    other, names = (left.type, before) if right.type == UNKNOWN else (right.type, behind)
    # An interval of days makes a timestamp(3) of a shorter one, an interval of months does not.
    decided = operator == "+" and other.name in _MOMENTS and other.numbers[0] >= 3
    if other.name in names and not decided:
        raise _ambiguous(f"{left.type.athena} {operator} {right.type.athena}", node)
    if left.type == UNKNOWN:
        return coerce(left, _of_null(right.type, operator)), right
    behind_date = (left.type, operator) == (DATE, "-")
    return left, coerce(right, DAY_SECOND if behind_date else _of_null(left.type, operator))


def _ambiguous(written: str, node: exp.Expression) -> AthenaError:
    line, column = place(node)
    text = f"line {line}:{column}: Could not choose a best candidate operator for {written}. "
    return AthenaError("AMBIGUOUS_FUNCTION_CALL", f"{text}Explicit type casts must be added.")


def _of_null(other: Type, operator: str) -> Type:
    """Return the type that a null takes beside another type."""
    if other.name in _INSTANTS and operator == "+":
        return DAY_SECOND
    if other in _INTERVALS and operator in "*/":
        return DOUBLE
    return decimal(1, 0) if other.name == "decimal" else other


def negate(term: Term, node: exp.Expression) -> Term:
    """`-term`. Raises TYPE_MISMATCH if it is no number or interval."""
    if term.type == UNKNOWN:
        raise _ambiguous("-unknown", node)
    if not is_numeric(term.type) and term.type not in _INTERVALS:
        line, column = place(node)
        raise AthenaError("TYPE_MISMATCH", f"line {line}:{column}: Cannot negate {term.type.athena}")
    if isinstance(term.value, int):
        return Term(f"(-{term.sql})", term.type, value=-term.value)
    return Term(f"(-{term.sql})", term.type)


def _numbers(operator: str, left: Term, right: Term) -> Term | None:
    common = common_type(left.type, right.type)
    if common is None:
        return None
    if common.name == "decimal":
        return _decimals(operator, coerce(left, as_decimal(left.type)), coerce(right, as_decimal(right.type)))
    a, b = coerce(left, common), coerce(right, common)
    if common.name not in INTEGERS:
        return Term(f"({a.sql} {operator} {b.sql})", common)
    if operator in "+-*":
        # The cast pins the width: DuckDB gives literals the narrower type of the other side.
        return Term(f"({raw_cast(a.sql, common)} {operator} {raw_cast(b.sql, common)})", common)
    result = f"({a.sql} {'//' if operator == '/' else '%'} {b.sql})"
    if isinstance(right.value, int) and right.value not in (0, -1):
        return Term(raw_cast(result, common), common)
    failure = fail("DIVISION_BY_ZERO", "'Division by zero'", common)
    # DuckDB reports an overflow for the remainder of the smallest number by -1.
    rest = f"WHEN {b.sql} = -1 THEN {raw_cast(f'{a.sql} - {a.sql}', common)} " if operator == "%" else ""
    # Null divided by zero is null.
    return Term(
        f"CASE WHEN {b.sql} = 0 AND {a.sql} IS NOT NULL THEN {failure} {rest}ELSE {result} END", common
    )


def _decimals(operator: str, left: Term, right: Term) -> Term:
    match operator:
        case "*":
            return decimals.multiply(left, right)
        case "/":
            return decimals.divide(left, right)
        case "%":
            return decimals.modulo(left, right)
    return decimals.add(left, right, operator)


def _times(operator: str, left: Term, right: Term) -> Term | None:
    if left.type in _INTERVALS and right.type in _INTERVALS and operator in "+-":
        return Term(f"({left.sql} {operator} {right.sql})", left.type) if left.type == right.type else None
    if left.type.name in _INSTANTS and right.type in _INTERVALS and operator in "+-":
        return _shifted(operator, left, right)
    if left.type in _INTERVALS and right.type.name in _INSTANTS and operator == "+":
        return _shifted(operator, right, left)
    if left.type in _INTERVALS and is_numeric(right.type) and operator in "*/":
        return _scaled(operator, left, right)
    if is_numeric(left.type) and right.type in _INTERVALS and operator == "*":
        return _scaled(operator, right, left)
    if left.type.name in _INSTANTS and right.type.name in _INSTANTS and operator == "-":
        return _between(left, right)
    return None


def _shifted(operator: str, instant: Term, interval: Term) -> Term | None:
    moved = f"({instant.sql} {operator} {interval.sql})"
    if instant.type == DATE:
        if interval.type == YEAR_MONTH:
            return Term(raw_cast(moved, DATE), DATE)
        failure = fail("INVALID_FUNCTION_ARGUMENT", "'Cannot add hour, minutes or seconds to a date'", DATE)
        whole = f"epoch_us({interval.sql}) % 86400000000 <> 0"
        return Term(f"CASE WHEN {whole} THEN {failure} ELSE {raw_cast(moved, DATE)} END", DATE)
    digits = instant.type.numbers[0]
    if interval.type == YEAR_MONTH:
        if instant.type.name == "time":
            return None
        if instant.type.name == "timestamp with time zone":
            # Months are added on the wall clock of the zone.
            moved = zones.instant(f"({zones.local(instant)} {operator} {interval.sql})", instant.zone)
    else:
        digits = max(3, digits)
    return Term(moved, Type(instant.type.name, (digits,)), instant.zone)


def _scaled(operator: str, interval: Term, factor: Term) -> Term:
    if interval.type == YEAR_MONTH:
        months = f"(extract(year FROM {interval.sql}) * 12 + extract(month FROM {interval.sql}))"
        made = f"to_months(CAST(trunc({months} {operator} {factor.sql}) AS INTEGER))"
    else:
        micros = f"CAST(trunc(epoch_us({interval.sql}) / 1000 {operator} {factor.sql}) AS BIGINT) * 1000"
        made = f"to_microseconds({micros})"
    if isinstance(factor.value, int) and factor.value:
        return Term(made, interval.type)
    invalid, message = f"isnan({coerce(factor, DOUBLE).sql})", "'Cannot multiply an interval by NaN'"
    if operator == "/":
        invalid, message = f"{invalid} OR {factor.sql} = 0", "'Cannot divide an interval by NaN or 0'"
    failure = fail("INVALID_FUNCTION_ARGUMENT", message, interval.type)
    return Term(f"CASE WHEN {invalid} THEN {failure} ELSE {made} END", interval.type)


def _between(left: Term, right: Term) -> Term | None:
    common = common_type(left.type, right.type)
    if common is None:
        return None
    if common.name in ("date", "time"):
        common = timestamp(3) if common.name == "date" else common
    a, b = coerce(left, common), coerce(right, common)
    # Days separate from the remainder: Arrow stores that in nanoseconds, which reach only 292 years.
    micros = f"(epoch_us({a.sql}) - epoch_us({b.sql}))"
    days = f"to_days(CAST({micros} // 86400000000 AS INTEGER))"
    return Term(f"({days} + to_microseconds({micros} % 86400000000))", DAY_SECOND)
