"""`ts6` works for every second that an Athena timestamp can hold, also past 2038, where 32 bits end."""

from datetime import datetime
from pathlib import Path

from memory_lake import open_lake
from project_sources import load


def test_seconds_of_any_year_become_their_timestamp(tmp_path: Path) -> None:
    expression = load().macros["ts6"].make_module({}).ts6("s")
    seconds = (-62135596800, -1, 0, 1234817823, 2147483647, 2147483648, 4102444799, 253402300799)
    values = ", ".join(f"(bigint '{one}')" for one in seconds)
    asked = f"select {expression}, typeof({expression}) from (values {values}) as t (s) order by s"
    assert open_lake(tmp_path).query(asked)[1] == [
        (datetime(1, 1, 1), "timestamp(6)"),
        (datetime(1969, 12, 31, 23, 59, 59), "timestamp(6)"),
        (datetime(1970, 1, 1), "timestamp(6)"),
        (datetime(2009, 2, 16, 20, 57, 3), "timestamp(6)"),
        (datetime(2038, 1, 19, 3, 14, 7), "timestamp(6)"),
        (datetime(2038, 1, 19, 3, 14, 8), "timestamp(6)"),
        (datetime(2099, 12, 31, 23, 59, 59), "timestamp(6)"),
        (datetime(9999, 12, 31, 23, 59, 59), "timestamp(6)"),
    ]
