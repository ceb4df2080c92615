"""Bits of integers: shifts, and bitwise aggregates."""

from localcloud.athena.translate.functions.registry import aggregate, scalar
from localcloud.athena.translate.terms import Term, raw_cast

_WIDTHS = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}


def _places(shift: Term) -> str:
    """Return the shift distance; of a negative one only the lowest six bits count, as in Java."""
    if isinstance(shift.value, int):
        return str(shift.value & 63 if shift.value < 0 else shift.value)
    return f"(CASE WHEN {shift.sql} < 0 THEN {shift.sql} & 63 ELSE {shift.sql} END)"


def _shifted(shift: str, width: int, moved: str, value: Term) -> str:
    return raw_cast(
        f"CASE WHEN {shift} >= {width} THEN 0 ELSE athena_signed({moved}, {width}) END", value.type
    )


def _power(shift: str) -> str:
    return f"(CAST(1 AS HUGEINT) << CAST({shift} AS INTEGER))"


def _shift_left(terms: list[Term]) -> str:
    width = _WIDTHS[terms[0].type.name]
    value, shift = terms[0].sql, _places(terms[1])
    moved = f"CAST({value} AS HUGEINT) * {_power(f'least({shift}, 63)')}"
    return _shifted(shift, width, moved, terms[0])


def _shift_right(terms: list[Term]) -> str:
    """Shift in zeros from the left, as for an unsigned number."""
    width = _WIDTHS[terms[0].type.name]
    value, shift = terms[0].sql, _places(terms[1])
    unsigned = f"(CAST({value} AS HUGEINT) & {2**width - 1})"
    moved = f"{unsigned} // {_power(f'least({shift}, 63)')}"
    return _shifted(shift, width, moved, terms[0])


for _type in _WIDTHS:
    scalar(f"bitwise_left_shift({_type}, integer) -> {_type}", _shift_left)
    scalar(f"bitwise_right_shift({_type}, integer) -> {_type}", _shift_right)
    scalar(
        f"bitwise_right_shift_arithmetic({_type}, integer) -> {_type}",
        lambda terms: raw_cast(
            f"CAST({terms[0].sql} AS BIGINT) >> least({_places(terms[1])}, 63)",
            terms[0].type,
        ),
    )
for _name in ("and", "or", "xor"):
    aggregate(f"bitwise_{_name}_agg(bigint) -> bigint", f"bit_{_name}")
