"""Decimal arithmetic: Athena's result types, and exact values from DuckDB's 128-bit integers.

DuckDB divides decimals as doubles and has its own rule for the width of sums. So each side is first cast to
what the result needs, and quotients are computed on unscaled HUGEINTs and rounded half away from zero.
"""

from localcloud.athena.errors import AthenaError
from localcloud.athena.translate.terms import BIGINT, Term, decimal, fail, raw_cast
from localcloud.athena.types import Type

# The maximum precision of a decimal; a HUGEINT holds this many digits, and little more.
_DIGITS = 38

# A double holds this many digits exactly. Sums are decimals of 38 digits, but few values are longer than
# this: a million ratios of such sums take 0.6 CPU seconds; dividing each as a HUGEINT takes 18.
_SHORT = 14


def add(left: Term, right: Term, operator: str) -> Term:
    """`left + right` or `left - right`, both decimals."""
    (p1, s1), (p2, s2) = left.type.numbers, right.type.numbers
    scale = max(s1, s2)
    result = decimal(max(p1 - s1, p2 - s2) + scale + 1, scale)
    sides = f"({raw_cast(left.sql, result)} {operator} {raw_cast(right.sql, result)})"
    return Term(raw_cast(sides, result), result)


def multiply(left: Term, right: Term) -> Term:
    """`left * right`. Raises INVALID_FUNCTION_ARGUMENT when the scale exceeds 38."""
    (p1, s1), (p2, s2) = left.type.numbers, right.type.numbers
    if s1 + s2 > 38:
        raise AthenaError(
            "INVALID_FUNCTION_ARGUMENT",
            f"line 1:1: DECIMAL scale must be in range [0, precision (38)]: {s1 + s2}",
        )
    result = decimal(p1 + p2, s1 + s2)
    wide = left.sql if p1 + p2 <= 18 else raw_cast(left.sql, decimal(max(p1, 19), s1))
    return Term(raw_cast(f"({wide} * {raw_cast(right.sql, right.type)})", result), result)


def unscaled(term: Term) -> str:
    """Return the unscaled value of a decimal as a HUGEINT, without losing range on the way."""
    digits = term.sql if term.type.numbers[1] == 0 else f"replace(CAST({term.sql} AS VARCHAR), '.', '')"
    return f"CAST({digits} AS HUGEINT)"


def scaled(digits_sql: str, result: Type) -> str:
    """Return a HUGEINT of digits as a decimal of the result type; DuckDB raises when it does not fit."""
    precision, scale = result.numbers
    whole = f"CAST({digits_sql} AS DECIMAL(38,0))"
    if scale == 0:
        return raw_cast(whole, result)
    smallest = (
        f"CAST('{'0.' + '0' * (scale - 1) + '1'}' AS DECIMAL({scale + 1 if scale < 38 else 38},{scale}))"
    )
    product = f"({whole} * {smallest})"
    return product if precision == 38 else raw_cast(product, result)


def divide(left: Term, right: Term) -> Term:
    """`left / right`: the scale is the larger of both, rounded half up."""
    (p1, s1), (_, s2) = left.type.numbers, right.type.numbers
    scale = max(s1, s2)
    needed = p1 + s2 + max(s2 - s1, 0)
    failure = fail("DIVISION_BY_ZERO", "'Division by zero'", BIGINT) if right.value in (None, 0) else ""
    result = decimal(needed, scale)
    digits = _quotient(left, right, scale - s1 + s2, at_zero=failure, may_overflow=needed > _DIGITS)
    return Term(scaled(digits, result), result)


def average(total: Term, count_sql: str, result: Type) -> Term:
    """Return the mean of decimals, of the same type: their exact sum divided by their count, half up."""
    count = Term(count_sql, decimal(19, 0))
    return Term(scaled(_quotient(total, count, 0, at_zero="NULL", may_overflow=False), result), result)


def _quotient(n: Term, d: Term, shift: int, *, at_zero: str, may_overflow: bool) -> str:
    """Return the digits of `n / d` with `shift` more digits, rounded half away from zero.

    A one-element list gives both sides a name. When they were repeated wherever needed, text grew with each
    nested division, and DuckDB took 4 s to plan a ratio of means of sums.
    """
    (p1, _), (p2, _) = n.type.numbers, d.type.numbers
    pair = Term("pair['n']", n.type), Term("pair['d']", d.type)
    found = _long_quotient(*pair, shift, may_overflow=may_overflow)
    short = min(_SHORT, 18 - shift)
    if short > 0:
        quick = f"athena_short_quotient({_short(pair[0])} * {10**shift}, {_short(pair[1])})"
        both = [
            f"abs(CAST({side.sql} AS DOUBLE)) < 1e{most - side.type.numbers[1]}"
            for side, most, precision in zip(pair, (short, _SHORT), (p1, p2), strict=True)
            if precision > most
        ]
        found = f"CASE WHEN {' AND '.join(both)} THEN {quick} ELSE {found} END" if both else quick
    if at_zero:
        found = f"CASE WHEN pair['d'] = 0 AND pair['n'] IS NOT NULL THEN {at_zero} ELSE {found} END"
    return f"list_transform([{{'n': {n.sql}, 'd': {d.sql}}}], lambda pair: {found})[1]"


def _short(term: Term) -> str:
    """The unscaled value as a BIGINT, for a decimal of at most `_SHORT` digits, exact as a double."""
    return f"CAST(round(CAST({term.sql} AS DOUBLE) * 1e{term.type.numbers[1]}) AS BIGINT)"


def _long_quotient(n: Term, d: Term, shift: int, *, may_overflow: bool) -> str:
    (p1, _), (p2, _) = n.type.numbers, d.type.numbers
    if p1 + shift <= _DIGITS:
        found = f"athena_quotient(long['n'] * CAST({10**shift} AS HUGEINT), long['d'])"
    else:
        found = f"athena_long_quotient(long['n'], long['d'], {_steps(shift, max(_DIGITS - p2, 1))})"
    found = f"list_transform([{{'n': {unscaled(n)}, 'd': {unscaled(d)}}}], lambda long: {found})[1]"
    if not may_overflow:
        return found
    overflow = fail("NUMERIC_VALUE_OUT_OF_RANGE", "'Decimal overflow'", BIGINT)
    checked = f"CASE WHEN abs(digits) >= CAST({10**_DIGITS} AS HUGEINT) THEN {overflow} ELSE digits END"
    return f"list_transform([{found}], lambda digits: {checked})[1]"


def _steps(shift: int, most: int) -> str:
    """Factor 10**shift into at most 10**most each, for a long division in HUGEINTs."""
    powers = [most] * (shift // most) + ([shift % most] if shift % most else [])
    return "[" + ", ".join(f"CAST({10**power} AS HUGEINT)" for power in powers) + "]"


def modulo(left: Term, right: Term) -> Term:
    """`left % right`, with the sign of `left`."""
    (p1, s1), (p2, s2) = left.type.numbers, right.type.numbers
    scale = max(s1, s2)
    result = decimal(min(p2 - s2, p1 - s1) + scale, scale)
    failure = fail("DIVISION_BY_ZERO", "'Division by zero'", result)
    if max(p1 - s1, p2 - s2) + scale <= _DIGITS:
        common = decimal(max(p1 - s1, p2 - s2) + scale, scale)
        dividend, divisor = raw_cast(left.sql, common), raw_cast(right.sql, common)
        remainder = raw_cast(f"({dividend} % {divisor})", result)
    else:
        dividend, divisor = left.sql, right.sql
        remainder = scaled(_long_remainder(left, right), result)
    zero = f"{divisor} = 0 AND {dividend} IS NOT NULL"
    return Term(f"CASE WHEN {zero} THEN {failure} ELSE {remainder} END", result)


def _long_remainder(n: Term, d: Term) -> str:
    """Return the digits of `n % d` as a HUGEINT where both do not fit into one decimal type.

    Trino fails if the quotient exceeds 128 bits.
    """
    shift = n.type.numbers[1] - d.type.numbers[1]
    if shift > 0:  # a divisor that is too long to be scaled is larger than `n`
        wide = f"abs(long['d']) >= CAST({10 ** (_DIGITS - shift)} AS HUGEINT)"
        found = (
            f"CASE WHEN {wide} THEN long['n'] ELSE long['n'] % (long['d'] * CAST({10**shift} AS HUGEINT)) END"
        )
    else:
        most = max(_DIGITS - d.type.numbers[0], 1)
        first = "list_prepend(long['n'] % long['d'], " + _steps(-shift, most) + ")"
        found = f"list_reduce({first}, lambda rest, step: (rest * step) % long['d'])"
        if d.type.numbers[0] == _DIGITS:  # and a rest of 38 digits leaves no room for another one
            failure = fail("NOT_SUPPORTED", "'% of decimals of 38 digits in the local cloud'", BIGINT)
            longest = f"abs(long['d']) >= CAST({10 ** (_DIGITS - 1)} AS HUGEINT)"
            found = f"CASE WHEN {longest} THEN {failure} ELSE {found} END"
        overflow = fail("NUMERIC_VALUE_OUT_OF_RANGE", "'Decimal overflow'", BIGINT)
        quotient = f"abs(CAST(long['n'] AS DOUBLE) / CAST(long['d'] AS DOUBLE)) * 1e{-shift}"
        found = f"CASE WHEN {quotient} >= {float(1 << 127)} THEN {overflow} ELSE {found} END"
    return f"list_transform([{{'n': {unscaled(n)}, 'd': {unscaled(d)}}}], lambda long: {found})[1]"
