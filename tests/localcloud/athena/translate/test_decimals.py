"""Decimal arithmetic equals exact arithmetic rounded half up, for any digits that fit."""

import os
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# `make sweep` runs ten times as many examples.
SWEEP = int(os.environ.get("SWEEP", "1"))

Ask = Callable[[str], dict[str, Any]]
Number = tuple[Decimal, int, int]
EXACT = Context(prec=200, rounding=ROUND_HALF_UP)


@st.composite
def numbers(draw: st.DrawFn, digits: int = 18) -> Number:
    """Draw a value of decimal(precision, scale), with its precision and scale."""
    precision = draw(st.integers(1, digits))
    scale = draw(st.integers(0, precision))
    unscaled = draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    return EXACT.scaleb(Decimal(unscaled), -scale), precision, scale


def sql(number: Number) -> str:
    value, precision, scale = number
    return f"cast('{value:f}' as decimal({precision},{scale}))"


def half_up(value: Decimal, scale: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-scale), context=EXACT)


@given(a=numbers(), b=numbers())
@settings(max_examples=150 * SWEEP)
def test_the_operators_are_exact(a: Number, b: Number, ask: Ask) -> None:
    with localcontext(EXACT):
        (x, p1, s1), (y, p2, s2) = a, b
        scale = max(s1, s2)
        expected = [x + y, x - y, half_up(x * y, s1 + s2)]
        operators = ["+", "-", "*"]
        types = [f"decimal({min(38, max(p1 - s1, p2 - s2) + scale + 1)},{scale})"] * 2
        types.append(f"decimal({min(38, p1 + p2)},{s1 + s2})")
        if y:
            expected += [half_up(x / y, scale), x - y * int(x / y)]
            operators += ["/", "%"]
            types.append(f"decimal({min(38, p1 + s2 + max(s2 - s1, 0))},{scale})")
            types.append(f"decimal({min(p2 - s2, p1 - s1) + scale},{scale})")
    for operator, exact, type_ in zip(operators, expected, types, strict=True):
        found = ask(f"select {sql(a)} {operator} {sql(b)}")
        if len(exact.as_tuple().digits) > 38:
            assert found["error"] == "NUMERIC_VALUE_OUT_OF_RANGE", (operator, exact, found)
        else:
            assert found["types"] == [type_], (operator, found)
            assert Decimal(found["rows"][0][0]) == exact, operator


@given(a=numbers(38), b=numbers(38), factor=st.integers(0, 38))
@settings(max_examples=150 * SWEEP)
def test_quotients_of_decimals_with_38_digits_are_exact(a: Number, b: Number, factor: int, ask: Ask) -> None:
    """Also values with few digits in such a type, which are divided in another way."""
    (x, p1, s1), (y, p2, s2) = a, b
    with localcontext(EXACT):
        x = (x / 10**factor).quantize(Decimal(1).scaleb(-s1), rounding="ROUND_DOWN")
        y = (y / 10**factor).quantize(Decimal(1).scaleb(-s2), rounding="ROUND_DOWN")
        if not y:
            return
        exact = half_up(x / y, max(s1, s2))
    found = ask(f"select {sql((x, p1, s1))} / {sql((y, p2, s2))}")
    if len(exact.as_tuple().digits) > 38:
        assert found["error"] == "NUMERIC_VALUE_OUT_OF_RANGE", (exact, found)
    else:
        assert Decimal(found["rows"][0][0]) == exact


def test_a_division_inside_others_is_planned_once(ask: Ask) -> None:
    """Each of three divisions made the plan about twenty times longer, and this one took a minute."""
    found = ask("select avg(x / (x + 1)) / avg(x) / sum(x / 3) from (values cast(7.5 as decimal(7,2))) t(x)")
    assert found["rows"] == [["0.05"]]


def test_internal_names_of_a_division_do_not_clash_with_columns(ask: Ask) -> None:
    found = ask(
        "select pair / long, pair / long / digits from (values (cast(9 as decimal(38,2)), "
        "cast(4 as decimal(38,2)), cast(2 as decimal(38,2)))) pair(pair, long, digits) "
        "group by pair / long, pair / long / digits order by pair / long"
    )
    assert found["rows"] == [["2.25", "1.13"]]


def test_a_division_may_need_more_digits_than_its_quotient(ask: Ask) -> None:
    wide = "cast('100000000000000000' as decimal(18,0))"
    found = ask(f"select {wide} / cast('0.999999999999999999' as decimal(18,18)), {wide} / null")
    assert found["rows"] == [["100000000000000000.100000000000000000", None]]


def test_a_quotient_of_39_digits_is_an_overflow(ask: Ask) -> None:
    found = ask("select cast('10000000000' as decimal(11,0)) / cast('0.00000000000001' as decimal(14,14))")
    assert found == {
        "error": "NUMERIC_VALUE_OUT_OF_RANGE",
        "message": "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow",
    }


@pytest.mark.parametrize("over", ["", " over ()"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_sum_of_39_digits_is_an_overflow(ask: Ask, sign: str, over: str) -> None:
    most = f"cast('{sign}{'9' * 20}.{'9' * 18}' as decimal(38,18))"
    least = f"cast('{sign}{0.000000000000000001:.18f}' as decimal(38,18))"
    assert ask(f"select sum(x){over} from (values {most}) t(x)")["rows"] == [[f"{sign}{'9' * 20}.{'9' * 18}"]]
    found = ask(f"select sum(x){over} from (values {most}, {least}) t(x)")
    assert found["message"] == "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow"


@given(values=st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=12), scale=st.integers(0, 12))
@settings(max_examples=60 * SWEEP)
def test_sums_and_means_do_not_depend_on_order(values: list[int], scale: int, ask: Ask) -> None:
    numbers_ = [EXACT.scaleb(Decimal(value), -scale) for value in values]
    listed = ", ".join(f"cast('{value:f}' as decimal(18,{scale}))" for value in numbers_)
    found = ask(f"select sum(x), avg(x) from (values {listed}) t(x)")
    with localcontext(EXACT):
        total = sum(numbers_, Decimal(0))
        mean = half_up(total / len(numbers_), scale)
    assert found["types"] == [f"decimal(38,{scale})", f"decimal(18,{scale})"]
    assert [Decimal(value) for value in found["rows"][0]] == [total, mean]


@given(number=numbers(), digits=st.integers(0, 18))
@settings(max_examples=80 * SWEEP)
def test_rounding_and_narrowing_are_half_up(number: Number, digits: int, ask: Ask) -> None:
    value, precision, scale = number
    narrow = min(digits, scale)
    found = ask(
        f"select round({sql(number)}, {digits}), cast({sql(number)} as decimal(38,{narrow})), "
        f"truncate({sql(number)}, {narrow})"
    )
    rounded = half_up(value, narrow)
    with localcontext(EXACT):
        cut = value.quantize(Decimal(1).scaleb(-narrow), rounding="ROUND_DOWN")
    assert found["types"][0] == f"decimal({precision + 1},{scale})"
    assert [Decimal(one) for one in found["rows"][0]] == [rounded, rounded, cut]
