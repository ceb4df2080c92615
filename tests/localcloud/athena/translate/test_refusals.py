"""What the translation does not know is refused by name, in any part of a statement."""

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.athena.translate.functions.absent import is_absent
from localcloud.athena.translate.functions.registry import FUNCTIONS

Ask = Callable[[str], dict[str, Any]]


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 union by name select 2",
        "select distinct on (a) a from (values 1) t(a)",
        "select a from (values 1) t(a) for update",
        "select * except (a) from (values (1, 2)) t(a, b)",
        "select a from (values 1) t(a) natural join (values 1) u(a)",
        "select a from (values 1) t(a) semi join (values 1) u(a) on true",
        "select * from (select 1 a) match_recognize (measures a as x pattern (b) define b as a > 0)",
        "select a from (values 1) t(a) tablesample system (10)",
        "select regexp_replace('a', 'b', x) from (values '$1') t(x)",
        "select date_format(now(), x) from (values '%Y') t(x)",
        "select json_extract('[1]', '$.0')",
        "select regexp_extract(x, '(a)(b*)?', 2) from (values 'a') t(x)",
        "select regexp_like(x, '[a-z&&[^b]]') from (values 'a') t(x)",
        "select from_iso8601_timestamp(x) from (values '2024-01-01T10:00:00+02:00') t(x)",
        "select date_trunc('day', from_iso8601_timestamp(x)) from (values '2024-01-01T10:00:00+02:00') t(x)",
        "select from_iso8601_timestamp(x) + interval '1' day from (values '2024-01-01T10:00:00+02:00') t(x)",
        "select t > now() from (select from_iso8601_timestamp(x) t from (values 'T10+02:00') v(x))",
        "select format_datetime(from_iso8601_timestamp(x), 'ZZ') from (values 'T10+02:00') t(x)",
        "select cast('2024-01-01 10:00:00 Asia/Tokyo' as timestamp with time zone)",
        "select try_cast(x as timestamp with time zone) from (values '2024-01-01 10:00:00 Asia/Tokyo') t(x)",
        "select json_value(x, 'lax $.a' default (select 'b') on empty) from (values '{}') t(x)",
        "select json_query(x, 'lax $?(@ like_regex \"a\")') from (values '{}') t(x)",
        "select cast('2024-01-01 10:00:00 +05:30' as timestamp with time zone)",
        "select x from (values timestamp '2024-01-01 00:00:00 -05:00', now()) t(x)",
        "select now() at time zone 'Asia/Tokyo' union all select now()",
        "select coalesce(x, now()) from (select now() at time zone 'Asia/Tokyo' x)",
        "select case when true then now() else now() at time zone 'Asia/Tokyo' end",
        "select greatest(now(), now() at time zone 'Asia/Tokyo')",
        "select lag(x, 1, now()) over (order by x) from (select now() at time zone 'Asia/Tokyo' x)",
        "select array_agg(now() at time zone 'Asia/Tokyo')",
        "select hour(array[now() at time zone 'Asia/Tokyo'][1])",
        "select row(now() at time zone 'Asia/Tokyo')",
    ],
)
def test_a_clause_without_a_translation_is_refused(sql: str, ask: Ask) -> None:
    assert ask(sql)["error"] in ("NOT_SUPPORTED", "SYNTAX_ERROR")


@pytest.mark.parametrize(
    "name", ["checksum", "spooky_hash_v2_32", "word_stem", "st_point", "read_csv", "getenv"]
)
def test_a_function_that_is_not_on_the_list_is_refused(name: str, ask: Ask) -> None:
    found = ask(f"select {name}('x')")
    assert found["error"] == "FUNCTION_NOT_FOUND"
    assert f"line 1:8: Function '{name}' not registered" in found["message"]
    of_trino = name not in ("read_csv", "getenv")
    assert ("Trino has it, the local cloud does not" in found["message"]) == of_trino


def test_no_supported_function_is_reported_as_absent() -> None:
    assert [name for name in FUNCTIONS if is_absent(name)] == []


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        'select * from "/etc/passwd"',
        "select 1; select 2",
        "copy (select 1) to '/tmp/x'",
        "attach '/tmp/x'",
        "pragma version",
    ],
)
def test_duckdbs_own_language_is_out_of_reach(sql: str, ask: Ask) -> None:
    assert ask(sql)["error"] in ("TABLE_NOT_FOUND", "NOT_SUPPORTED", "SYNTAX_ERROR")


@pytest.mark.parametrize(
    ("sql", "place"),
    [("select 1 +", "line 1:"), ("select\n  1 from from", "line 2:"), ("selec 1", "line 1:")],
)
def test_a_syntax_error_says_where(sql: str, place: str, ask: Ask) -> None:
    found = ask(sql)
    assert found["error"] == "SYNTAX_ERROR"
    assert place in found["message"]


@pytest.mark.parametrize(
    ("star", "named"), [("r.*", "r"), ("o.r.*", "o.r")], ids=["a column", "a column of a table"]
)
def test_a_star_of_a_column_that_is_a_row_resolves_to_nothing_as_in_trino(
    star: str, named: str, ask: Ask
) -> None:
    found = ask(f"select {star} from (select cast(row(1, 'a') as row(x int, y varchar)) as r) o")
    assert found["message"] == f"TABLE_NOT_FOUND: line 1:8: Unable to resolve reference {named}"
