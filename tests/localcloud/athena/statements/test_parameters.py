import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.athena.errors import AthenaError
from localcloud.athena.statements.parameters import Execute, bind, execute
from localcloud.athena.statements.tokens import tokenize


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        ("1", "1"),
        ("'abc'", "'abc'"),
        ("NULL", "NULL"),
        ("true", "true"),
        ("1 + 1", "(1 + 1)"),
        ("DATE '2020-01-01'", "(DATE '2020-01-01')"),
        ("nosuchfunc(1)", "(nosuchfunc ( 1 ))"),
        ("1 OR 1=1", "(1 OR 1 = 1)"),
        ("1 -- x", "1"),
        ("abc", "'abc'"),
        ("t.x", "'t.x'"),
        ("x + 1", "'x + 1'"),
        ("abc def", "'abc def'"),
        ("it's", "'it''s'"),
        ("123e4567-e89b-12d3-a456-426614174000", "'123e4567-e89b-12d3-a456-426614174000'"),
        ("1) FROM t WHERE (1", "'1) FROM t WHERE (1'"),
        ("1; drop table t", "'1; drop table t'"),
        ("1, 2", "'1, 2'"),
        ("*", "'*'"),
        ("?", "'?'"),
        ("", "''"),
    ],
)
def test_a_value_is_an_expression_or_a_string(value: str, sql: str):
    assert bind("select ?", [value]) == f"select {sql}"


def test_placeholders_are_filled_in_order_outside_quotes_and_comments():
    text = "select ?, '?' as \"?\", ? -- ?\n /* ? */"
    assert bind(text, ["1", "2"]) == "select 1, '?' as \"?\", 2 -- ?\n /* ? */"


@pytest.mark.parametrize("values", [[], ["1"], ["1", "2", "3"]])
def test_values_and_placeholders_must_match_in_number(values: list[str]):
    with pytest.raises(AthenaError, match=f"expected 2 but found {len(values)}") as caught:
        bind("select ?, ?", values)
    assert caught.value.code == "INVALID_PARAMETER_USAGE"


def test_values_without_placeholders_are_ignored():
    assert bind("select '?'", ["1", "2"]) == "select '?'"


@given(st.text(max_size=30))
def test_a_value_never_changes_the_text_around_it(value: str):
    bound = bind("select 1 where 'a' = ? and 2 = 2", [value])
    tokens = [token.raw for token in tokenize(bound)]
    assert tokens[:5] == ["select", "1", "where", "'a'", "="]
    assert tokens[-4:] == ["and", "2", "=", "2"]
    depth = 0
    for token in tokens:
        depth += (token == "(") - (token == ")")
        assert depth >= 0
    assert depth == 0


def test_execute_splits_its_values_at_the_outer_commas():
    text = "EXECUTE p USING 1, 'a,b', f(1, 2), ARRAY[1, 2];"
    assert execute(text) == Execute("p", ("1", "'a,b'", "f(1, 2)", "ARRAY[1, 2]"))
    assert execute('execute "P"') == Execute("p")
    assert execute("select 1") is None
