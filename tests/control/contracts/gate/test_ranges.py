"""Bounds of a column: the gate's verdict on a change agrees with the checks rendered from them."""

import os
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from control.contracts import quality
from control.contracts.gate import ranges

SWEEP = int(os.environ.get("SWEEP", "1"))
MOMENTS = [
    f"2024-05-{day}T{hour}:00:00{zone}"
    for day in ("01", "02")
    for hour in ("00", "06")
    for zone in ("", "Z", "+06:00", "-06:00")
]
DAYS = ["2024-04-30", "2024-05-01", "2024-05-02", "2024-05-03"]
# Bounds of each type, and values outside, between and on them.
TYPES: dict[str, tuple[list[Any], str]] = {
    "integer": ([0, 1, 2, 3, 0.5, 2.0], "select unnest(range(-2, 6))"),
    "number": ([0, 1, 2, 0.5, 2.0], "select unnest(range(-8, 24)) / 8.0"),
    "date": (
        DAYS,
        "select cast(unnest(range(date '2024-04-28', date '2024-05-06', interval 1 day)) as date)",
    ),
    "timestamp": (
        MOMENTS,
        "select unnest(range(timestamp '2024-04-30', timestamp '2024-05-04', interval 3 hour))",
    ),
    "string": ([0, 1, 2, 3], "select repeat('x', unnest(range(0, 6)))"),
}
DATABASE = duckdb.connect()
KEYS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


@st.composite
def versions(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
    logical = draw(st.sampled_from(sorted(TYPES)))
    keys = ("minLength", "maxLength") if logical == "string" else KEYS
    bounds = st.dictionaries(st.sampled_from(keys), st.sampled_from(TYPES[logical][0]), max_size=3)
    return logical, draw(bounds), draw(bounds)


def passing(logical: str, options: dict[str, Any]) -> set[Any]:
    rules = quality.of_column({"name": "x", "logicalType": logical, "logicalTypeOptions": options}, ())
    assert rules.problems == []
    checks = [check.expression for check in rules.checks]
    where = " and ".join(f"({check})" for check in checks) or "true"
    found = DATABASE.execute(f"select x from ({TYPES[logical][1]}) t(x) where {where}").fetchall()
    return {value for (value,) in found}


@settings(max_examples=150 * SWEEP)
@given(versions())
@example(("integer", {"minimum": 0, "exclusiveMinimum": 2}, {"minimum": 0}))
@example(("timestamp", {"minimum": "2024-05-01T06:00:00+06:00"}, {"minimum": "2024-05-01T00:00:00Z"}))
@example(("timestamp", {"minimum": "2024-05-01T06:00:00+06:00"}, {"minimum": "2024-05-01T02:00:00Z"}))
@example(("string", {}, {"minLength": 0}))
def test_the_verdict_on_bounds_agrees_with_their_checks(
    drawn: tuple[str, dict[str, Any], dict[str, Any]],
) -> None:
    logical, old, new = drawn
    tighter, looser = ranges.differences(old, new, logical, logical)
    before, after = passing(logical, old), passing(logical, new)
    if before and after:  # if bounds accept nothing, the gate compares each end separately
        assert bool(tighter) == bool(before - after)
        assert bool(looser) == bool(after - before)


@pytest.mark.parametrize(
    ("old", "new", "was", "now"),
    [
        ({"minimum": 1}, {"minimum": "2024-01-01"}, "integer", "date"),
        ({"minimum": 1}, {"minimum": "much"}, "integer", "integer"),
        ({"minimum": "2024-01-01"}, {"minimum": "2024-01-01T00:00:00"}, "date", "timestamp"),
        ({"pattern": "a+"}, {"pattern": "a*"}, "string", "string"),
    ],
)
def test_incomparable_rules_affect_both_sides(
    old: dict[str, Any], new: dict[str, Any], was: str, now: str
) -> None:
    (key,) = old
    assert ranges.differences(old, new, was, now) == ([key], [key])
