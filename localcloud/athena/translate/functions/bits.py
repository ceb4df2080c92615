"""Bits of integers: shifts, and the aggregates that join bits."""

from localcloud.athena.translate.functions.registry import aggregate, scalar
from localcloud.athena.translate.terms import Term, raw_cast

_WIDTHS = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}


def _power(shift: str) -> str:
    return f"(CAST(1 AS HUGEINT) << CAST({shift} AS INTEGER))"


def _shift_left(terms: list[Term]) -> str:
    width = _WIDTHS[terms[0].type.name]
    value, shift = terms[0].sql, terms[1].sql
    moved = f"CAST({value} AS HUGEINT) * {_power(f'least({shift}, 63)')}"
    return raw_cast(
        f"CASE WHEN {shift} >= {width} THEN 0 ELSE athena_signed({moved}, {width}) END", terms[0].type
    )


def _shift_right(terms: list[Term]) -> str:
    """Zeros come in from the left, as if the number had no sign."""
    width = _WIDTHS[terms[0].type.name]
    value, shift = terms[0].sql, terms[1].sql
    unsigned = f"(CAST({value} AS HUGEINT) & {2**width - 1})"
    moved = f"{unsigned} // {_power(f'least({shift}, 63)')}"
    return raw_cast(
        f"CASE WHEN {shift} >= {width} THEN 0 ELSE athena_signed({moved}, {width}) END", terms[0].type
    )


for _type in _WIDTHS:
    scalar(f"bitwise_left_shift({_type}, bigint) -> {_type}", _shift_left)
    scalar(f"bitwise_right_shift({_type}, bigint) -> {_type}", _shift_right)
    scalar(
        f"bitwise_right_shift_arithmetic({_type}, bigint) -> {_type}",
        lambda terms: raw_cast(f"CAST({terms[0].sql} AS BIGINT) >> least({terms[1].sql}, 63)", terms[0].type),
    )
for _name in ("and", "or", "xor"):
    aggregate(f"bitwise_{_name}_agg(bigint) -> bigint", f"bit_{_name}")
