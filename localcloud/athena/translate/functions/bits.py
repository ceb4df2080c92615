"""Bits of integers: shifts, and the aggregates that join bits."""

from localcloud.athena.translate.functions.registry import aggregate, scalar
from localcloud.athena.translate.terms import Term, fails_when, raw_cast

_WIDTHS = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}


def _negative(shift: str) -> str:
    return fails_when(f"{shift} < 0", "NOT_SUPPORTED", "'A shift by less than 0 in the local cloud'")


def _shifted(shift: str, width: int, moved: str, value: Term) -> str:
    past = f"WHEN {shift} >= {width} THEN 0"
    made = f"CASE WHEN {_negative(shift)} THEN NULL {past} ELSE athena_signed({moved}, {width}) END"
    return raw_cast(made, value.type)


def _power(shift: str) -> str:
    return f"(CAST(1 AS HUGEINT) << CAST({shift} AS INTEGER))"


def _shift_left(terms: list[Term]) -> str:
    width = _WIDTHS[terms[0].type.name]
    value, shift = terms[0].sql, terms[1].sql
    moved = f"CAST({value} AS HUGEINT) * {_power(f'least({shift}, 63)')}"
    return _shifted(shift, width, moved, terms[0])


def _shift_right(terms: list[Term]) -> str:
    """Zeros come in from the left, as if the number had no sign."""
    width = _WIDTHS[terms[0].type.name]
    value, shift = terms[0].sql, terms[1].sql
    unsigned = f"(CAST({value} AS HUGEINT) & {2**width - 1})"
    moved = f"{unsigned} // {_power(f'least({shift}, 63)')}"
    return _shifted(shift, width, moved, terms[0])


for _type in _WIDTHS:
    scalar(f"bitwise_left_shift({_type}, integer) -> {_type}", _shift_left)
    scalar(f"bitwise_right_shift({_type}, integer) -> {_type}", _shift_right)
    scalar(
        f"bitwise_right_shift_arithmetic({_type}, integer) -> {_type}",
        lambda terms: raw_cast(
            f"CASE WHEN {_negative(terms[1].sql)} THEN NULL"
            f" ELSE CAST({terms[0].sql} AS BIGINT) >> least({terms[1].sql}, 63) END",
            terms[0].type,
        ),
    )
for _name in ("and", "or", "xor"):
    aggregate(f"bitwise_{_name}_agg(bigint) -> bigint", f"bit_{_name}")
