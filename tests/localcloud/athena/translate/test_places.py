"""Errors have the position that Trino 476 gives: of an operator, of a word, of a mismatched type."""

from collections.abc import Callable
from typing import Any

import pytest

Ask = Callable[[str], dict[str, Any]]


@pytest.mark.parametrize(
    ("sql", "column"),
    [
        ("select json '1' union all select time '10:00:00.123'", 17),
        ("select 5 in (select 'abc')", 10),
        ("select interval '1' day between decimal '123.45' and decimal '123.45'", 25),
        ("select row(1,'a') = cast('0.5' as decimal(38,38))", 19),
        ("select interval '1' month < decimal '123.45'", 27),
        ("select map(array['k'],array[1.5e0]) + timestamp '2024-02-29 10:00:00.123456'", 37),
        ("select cast('0.5' as decimal(38,38)) is distinct from array[1]", 38),
        ("select x from (values 5, json '1') t(x) order by 1", 16),
        ("select array[map(array['k'],array[1]), x'616263']", 40),
        ("select json '1' in (decimal '12345678901234567890123456789012345678')", 21),
        ("select timestamp '2024-02-29 10:00:00' in (bigint '3000000000')", 44),
        ("select case when true then json '1' else real '1.5' end", 42),
        ("select if(false, interval '1' month, cast('abc' as char(5)))", 8),
        ("select cast(cast('a' as char(3)) as json)", 8),
        ("select count(*) from (select true x) a join (select array[1.5e0] x) b using (x)", 78),
        ("select count(*) from (select 1 x) a join (select row(1) x) b on a.x = b.x", 69),
        ("select * from unnest(array[1]) as t(x, y)", 15),
        ("select 'a' like cast('a' as char(1))", 17),
    ],
)
def test_an_error_has_trinos_column(sql: str, column: int, ask: Ask) -> None:
    assert f": line 1:{column}: " in ask(sql)["message"]


@pytest.mark.parametrize(
    ("sql", "column", "written"),
    [
        ("select a, b from (values (1, 2)) t(a, b) group by a", 11, "b"),
        ("select t.a + 1, b + 2, count(*) from (values (1, 2)) t(a, b) group by t.a", 19, "(b + 2)"),
        ("select upper(c), count(*) from (values 'a') t(c) group by lower(c)", 8, "upper(c)"),
        ("select a from (values (1, 2)) t(a, b) group by a having b > 1", 59, "(b > 1)"),
        ("select a from (values (1, 2)) t(a, b) group by a order by b", 59, "b"),
        ("select a, max(b) over () from (values (1, 2)) t(a, b) group by a", 11, "max(b) OVER ()"),
    ],
)
def test_an_ungrouped_expression_is_named_with_its_column(
    sql: str, column: int, written: str, ask: Ask
) -> None:
    text = f"line 1:{column}: '{written}' must be an aggregate expression or appear in GROUP BY clause"
    assert ask(sql) == {"error": "EXPRESSION_NOT_AGGREGATE", "message": f"EXPRESSION_NOT_AGGREGATE: {text}"}


def test_a_position_counts_within_its_line(ask: Ask) -> None:
    assert ": line 3:7: Cannot apply operator" in ask("select\n  1,\n  'a' + 1")["message"]
