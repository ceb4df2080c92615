"""Syntax errors name their position, and nothing of the parser's internals."""

from contextlib import suppress

import pytest

from localcloud.athena.dialect import parse
from localcloud.athena.errors import AthenaError
from localcloud.athena.statements.parse import parse as parse_statement
from localcloud.athena.translate.functions.registry import FUNCTIONS
from localcloud.athena.translate.translator import translate


class _NoTables:
    def find(self, database: str, name: str, version: object) -> None:
        return None

    def has_database(self, name: str) -> bool:
        return True


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select 1,, 2", "line 1:10: mismatched input ','. Expecting: <expression>"),
        ("select coalesce(,1)", "line 1:17: mismatched input ','"),
        ("select array[1,]", "line 1:16: mismatched input ']'"),
        ("select", "line 1:7: mismatched input '<EOF>'. Expecting: <expression>"),
        ("select from (values 1) t(a)", "line 1:8: mismatched input 'from'. Expecting: <expression>"),
        ("select 1 as", "line 1:12: mismatched input '<EOF>'"),
        ("select * from", "line 1:14: mismatched input '<EOF>'"),
        ("select 1 where", "line 1:15: mismatched input '<EOF>'. Expecting: <expression>"),
        ("select 1 group by", "line 1:18: mismatched input '<EOF>'. Expecting: <expression>"),
        ("select 1 order by", "line 1:18: mismatched input '<EOF>'. Expecting: <expression>"),
        ("select a from t where a =", "line 1:26: mismatched input '<EOF>'. Expecting: <expression>"),
        ("select a from t where and a = 1", "line 1:23: mismatched input 'and'. Expecting: <expression>"),
        ("select (1 +)", "line 1:12: mismatched input ')'. Expecting: <expression>"),
        ("select count(distinct)", "line 1:22: mismatched input ')'"),
        ("select count(distinct *) from t", "line 1:23: mismatched input '*'. Expecting: <expression>"),
        (
            "select case when true then end",
            "line 1:28: mismatched input 'end'. Expecting: <expression>",
        ),
        ("select 1 union", "line 1:15: mismatched input '<EOF>'"),
        (
            "select `a` from t",
            "line 1:8: backquoted identifiers are not supported; use double quotes to quote identifiers",
        ),
        ("delete t", "line 1:8: mismatched input 't'. Expecting: 'FROM'"),
        ("update t set", "line 1:13: mismatched input '<EOF>'"),
        ("insert into t", "line 1:14: mismatched input '<EOF>'"),
        ("insert overwrite t select 1", "line 1:8: mismatched input 'overwrite'. Expecting: 'INTO'"),
        (
            "merge into t using u on a = b when matched then update set *",
            "line 1:60: mismatched input '*'. Expecting: <identifier>",
        ),
        ("create table q as", "line 1:18: mismatched input '<EOF>'"),
        ("create view q as", "mismatched input '<EOF>'"),
        ("explain", "mismatched input '<EOF>'"),
        ("select * from t$files", "line 1:16: mismatched input '$'"),
        ("update t u set a = 1", "line 1:10: mismatched input 'u'. Expecting: '.', 'SET'"),
        (
            "delete from a.t as u where u.a = 1",
            "line 1:17: mismatched input 'as'. Expecting: '.', 'WHERE', <EOF>",
        ),
        ("create view v as\n  select 1,, 2 as a", "line 2:12: mismatched input ','"),
        ("explain\nselect 1,, 2 as a", "line 2:10: mismatched input ','"),
    ],
)
def test_a_syntax_error_is_reported_with_its_position(sql: str, told: str) -> None:
    with pytest.raises(AthenaError) as caught:
        parse_statement(sql)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "sql",
    [
        "with a as () select 1",
        "select * from t where a between 1",
        "select not",
        "merge into t",
        "delete from",
        "select 1 where a like",
    ],
)
def test_no_message_names_a_class_of_the_parser(sql: str) -> None:
    with pytest.raises(AthenaError) as caught:
        parse_statement(sql)
    assert caught.value.code == "SYNTAX_ERROR"
    assert not any(word in str(caught.value) for word in ("sqlglot", "Token", "keyword"))


@pytest.mark.parametrize(
    "sql",
    [
        "select distinct * from t",
        "select count(distinct a), count(*) from t",
        "select 1 limit",
        "select a from t where a is distinct from b",
        "select trim(both from a), extract(year from a) from t",
        "select listagg(a, ',' on overflow truncate '…' with count) within group (order by a) from t",
        "select cast(a as array<varchar>) from t",
        "select (select 1 except select 2), '`', -a, (a > 1) from t",
    ],
)
def test_valid_statements_that_look_like_errors_are_parsed(sql: str) -> None:
    assert parse(sql)


VALUES = ("'x'", "1", "1.5", "array[1]", "null", "timestamp '2024-01-01 00:00:00'")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_call_with_wrong_arguments_is_a_user_error(name: str) -> None:
    for count in range(6):
        for value in VALUES:
            with suppress(AthenaError):
                translate(parse(f"select {name}({', '.join([value] * count)})"), _NoTables(), "default")


def test_a_call_says_how_many_arguments_it_takes() -> None:
    with pytest.raises(AthenaError) as caught:
        translate(parse("select to_date('2024-01-01')"), _NoTables(), "default")
    assert str(caught.value) == (
        "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters for function to_date. Expected: 2, given: 1"
    )
