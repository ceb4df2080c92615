from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.athena.types import parse
from localcloud.athena.values import java_float, texts


def shown(values: list[Any], held: pa.DataType, type_: str) -> list[str | None]:
    found: list[str | None] = texts(pa.chunked_array([pa.array(values, held)]), parse(type_)).to_pylist()
    return found


def test_an_empty_nested_column_gives_no_texts() -> None:
    none = pa.chunked_array([], pa.list_(pa.int32()))
    assert texts(none, parse("array(integer)")).to_pylist() == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (-0.0, "-0.0"),
        (0.001, "0.001"),
        (0.00099, "9.9E-4"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (12345678.9, "1.23456789E7"),
        (1e10, "1.0E10"),
        (-1e20, "-1.0E20"),
        (5e-324, "5.0E-324"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (None, None),
    ],
)
def test_doubles_are_formatted_as_in_java(value: float | None, text: str | None):
    assert shown([value], pa.float64(), "double") == [text]


def test_a_real_has_the_digits_of_a_real():
    assert shown([0.1, 16777216.0, 1e10], pa.float32(), "real") == ["0.1", "1.6777216E7", "1.0E10"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_round_trip_through_their_text(value: float):
    (text,) = shown([value], pa.float64(), "double")
    assert text is not None
    assert float(text) == value
    assert "." in text


def test_decimals_keep_their_scale_and_never_have_an_exponent():
    assert shown([Decimal("1.20"), Decimal(0), None], pa.decimal128(10, 2), "decimal(10,2)") == [
        "1.20",
        "0.00",
        None,
    ]
    tiny = Decimal(1).scaleb(-20)
    assert shown([tiny], pa.decimal128(38, 20), "decimal(38,20)") == ["0.00000000000000000001"]


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("timestamp(0)", "2024-01-02 03:04:05"),
        ("timestamp(3)", "2024-01-02 03:04:05.120"),
        ("timestamp(6)", "2024-01-02 03:04:05.120000"),
    ],
)
def test_timestamps_have_as_many_digits_as_their_type(type_: str, text: str):
    assert shown([datetime(2024, 1, 2, 3, 4, 5, 120_000)], pa.timestamp("us"), type_) == [text]


def test_a_time_zone_follows_the_timestamp():
    moment = datetime(2024, 7, 2, 3, 4, 5)
    utc = shown([moment], pa.timestamp("us", "UTC"), "timestamp(3) with time zone")
    there = shown([moment], pa.timestamp("us", "Europe/Berlin"), "timestamp(3) with time zone")
    assert utc == ["2024-07-02 03:04:05.000 UTC"]
    assert there == ["2024-07-02 05:04:05.000 Europe/Berlin"]


def test_scalars_of_the_other_types():
    assert shown([True, False, None], pa.bool_(), "boolean") == ["true", "false", None]
    assert shown([b"he", b""], pa.binary(), "varbinary") == ["68 65", ""]
    assert shown([date(2024, 1, 2)], pa.date32(), "date") == ["2024-01-02"]
    assert shown([time(1, 2, 3, 500_000)], pa.time64("us"), "time(3)") == ["01:02:03.500"]
    assert shown([None], pa.null(), "unknown") == [None]
    assert shown([-5], pa.int8(), "tinyint") == ["-5"]
    assert shown(["a, b"], pa.string(), "json") == ["a, b"]


def test_intervals():
    days = pa.array([(0, 1, 0), (0, 0, -3_723_004_000_000)], pa.month_day_nano_interval())
    assert texts(pa.chunked_array([days]), parse("interval day to second")).to_pylist() == [
        "1 00:00:00.000",
        "-0 01:02:03.004",
    ]
    months = pa.array([(14, 0, 0), (-1, 0, 0)], pa.month_day_nano_interval())
    assert texts(pa.chunked_array([months]), parse("interval year to month")).to_pylist() == ["1-2", "-0-1"]
    assert shown([timedelta(hours=25)], pa.duration("us"), "interval day to second") == ["1 01:00:00.000"]


def test_nested_values_are_not_quoted_and_nested_nulls_print_null():
    row = pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))])
    assert shown([["a, b", None, ""]], pa.list_(pa.string()), "array(varchar)") == ["[a, b, null, ]"]
    assert shown([{"a": 1, "b": None}], row, "row(a integer, b array(varchar))") == ["{a=1, b=null}"]
    assert shown([[], None], pa.list_(pa.int32()), "array(integer)") == ["[]", None]
    assert shown([[1.0, 1e10]], pa.list_(pa.float64()), "array(double)") == ["[1.0, 1.0E10]"]
    assert shown([[[1], [2, 3]]], pa.list_(pa.list_(pa.int32())), "array(array(integer))") == [
        "[[1], [2, 3]]"
    ]


def test_map_entries_are_ordered_by_key():
    numbers = pa.map_(pa.int32(), pa.string())
    assert shown([[(10, "b"), (9, "a")]], numbers, "map(integer, varchar)") == ["{9=a, 10=b}"]
    words = pa.map_(pa.string(), pa.int32())
    assert shown([[("k", 1), ("j", None)], []], words, "map(varchar, integer)") == ["{j=null, k=1}", "{}"]


def test_unnamed_fields_print_without_names():
    first, second = pa.array([1]), pa.array(["x"])
    row = pa.StructArray.from_arrays([first, second], names=["", ""])
    assert texts(pa.chunked_array([row]), parse("row(integer, varchar)")).to_pylist() == ["{1, x}"]


def test_nested_binary_prints_as_a_java_byte_array():
    (text,) = shown([[b"a"]], pa.list_(pa.binary()), "array(varbinary)")
    assert text is not None
    assert text.startswith("[[B@")


def test_slices_of_a_table_are_formatted_like_the_whole():
    values = [[(number, [str(number)])] for number in range(10)]
    column = pa.chunked_array([pa.array(values, pa.map_(pa.int32(), pa.list_(pa.string())))])
    type_ = parse("map(integer, array(varchar))")
    assert texts(column.slice(3, 2), type_).to_pylist() == texts(column, type_).to_pylist()[3:5]


def test_infinity_has_its_sign():
    assert java_float("-inf") == "-Infinity"


def test_years_of_five_digits_have_a_sign_and_lose_no_digit() -> None:
    seconds = 253402300800  # 10000-01-01
    assert shown([0, seconds // 86400, None], pa.date32(), "date") == ["1970-01-01", "+10000-01-01", None]
    moments = [seconds * 1_000_000 + 123_456, 0]
    assert shown(moments, pa.timestamp("us"), "timestamp(3)") == [
        "+10000-01-01 00:00:00.123",
        "1970-01-01 00:00:00.000",
    ]
    assert shown(moments[:1], pa.timestamp("us"), "timestamp(0)") == ["+10000-01-01 00:00:00"]
