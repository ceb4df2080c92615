"""`from_microseconds` returns the timestamp for any year; `dm` uses the same expression."""

from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from memory_lake import open_lake
from project_sources import load

from control.sql import moment

EPOCH = datetime(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)
EDGES = (
    datetime.min, datetime.min + MICROSECOND, datetime(1582, 10, 10),
    datetime(1900, 2, 28, 23, 59, 59, 999999), EPOCH - MICROSECOND, EPOCH,
    datetime(1970, 1, 1, 0, 0, 0, 500), datetime(2000, 2, 29, 12),
    datetime(2038, 1, 19, 3, 14, 8), datetime(2262, 4, 12, 0, 0, 0, 1), datetime.max,
)  # fmt: skip


def macro() -> str:
    module = load().macros["from_microseconds"].make_module({})
    return str(module.from_microseconds("us"))


def test_timestamps_of_any_year_round_trip(tmp_path: Path) -> None:
    chance = Random(1)
    last = (datetime.max - datetime.min) // MICROSECOND
    drawn = [datetime.min + chance.randint(0, last) * MICROSECOND for _ in range(500)]
    moments = [*EDGES, *drawn]
    values = ", ".join(f"(bigint '{(one - EPOCH) // MICROSECOND}')" for one in moments)
    _, rows = open_lake(tmp_path).query(f"select {macro()} as m, us from (values {values}, (null)) as t (us)")
    assert [row[0] for row in sorted(rows[:-1], key=lambda row: row[1])] == sorted(moments)
    assert [row for row in rows if row[1] is None] == [(None, None)]


def test_it_is_a_timestamp_of_six_digits(tmp_path: Path) -> None:
    asked = f"select typeof({macro()}) from (values bigint '0') as t (us)"
    assert open_lake(tmp_path).query(asked)[1] == [("timestamp(6)",)]


def test_dm_uses_the_same_expression() -> None:
    assert "".join(moment("us").split()) == "".join(macro().split())
