from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.athena.errors import AthenaError
from localcloud.athena.statements.tokens import place, tokenize


def values(text: str, *, hive: bool = False) -> list[tuple[str, str]]:
    return [(token.sort, token.value) for token in tokenize(text, hive=hive)]


def test_comments_are_never_tokens():
    text = "-- a 'b\nselect /* x ' */ 1 -- ;"
    assert values(text) == [("word", "select"), ("number", "1")]


def test_a_doubled_quote_is_a_quote_in_each_kind_of_quotes():
    assert values("""'it''s' "a""b" `c``d`""") == [
        ("string", "it's"),
        ("quoted", 'a"b'),
        ("ticked", "c`d"),
    ]


def test_a_backslash_is_special_only_to_hive():
    assert values(r"'a\'") == [("string", "a\\")]
    assert values(r"'it\'s' '\t' '\001' '\\'", hive=True) == [
        ("string", "it's"),
        ("string", "\t"),
        ("string", "\x01"),
        ("string", "\\"),
    ]


def test_names_may_hold_dollars_and_start_with_digits():
    assert values("t$files 2024_sales é") == [
        ("word", "t$files"),
        ("word", "2024_sales"),
        ("word", "é"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 'a", "line 1:8: mismatched input '''"),
        ("select\n /* a", "line 2:2: mismatched input '/'"),
        ('select "a', "line 1:8: mismatched input '\"'"),
    ],
)
def test_an_unclosed_quote_or_comment_has_its_position(text: str, message: str):
    with pytest.raises(AthenaError) as caught:
        list(tokenize(text))
    assert caught.value.text == message


@given(st.text(alphabet="ab'\"`\\;?-/* \n", max_size=40))
def test_tokens_are_in_order_and_cover_the_text(text: str):
    try:
        tokens = list(tokenize(text))
    except AthenaError:
        return
    assert all(text[token.start : token.stop] == token.raw for token in tokens)
    assert all(first.stop <= second.start for first, second in pairwise(tokens))


@given(st.text(max_size=20))
def test_any_text_survives_being_quoted(text: str):
    (token,) = tokenize("'" + text.replace("'", "''") + "'")
    assert token.value == text


def test_lines_and_columns_count_from_one():
    assert place("ab\ncd", 0) == (1, 1)
    assert place("ab\ncd", 4) == (2, 2)
