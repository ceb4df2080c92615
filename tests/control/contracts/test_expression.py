import pytest

from control.contracts import expression


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a between 0 and 5", ("a",)),
        ("review_year = year(reviewed_at) and b <= 1.5", ("review_year", "reviewed_at", "b")),
        ("a in ('it''s', 'b or c') or a is null", ("a",)),
        ("a >= date '2001-01-01' and not A < b", ("a", "b")),
        ('cast(a as varchar) <> "Order"', ("a", "Order")),
        ("case when a > 0 then true else false end", ("a",)),
        ("coalesce(a, -1) % 2 = 0", ("a",)),
    ],
)
def test_the_columns_of_an_expression_are_found(text: str, columns: tuple[str, ...]) -> None:
    assert expression.problem(text) == ""
    assert expression.columns(text) == columns


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a > (1", "brackets"),
        ("a > 1)", "brackets"),
        (")a > 1(", "brackets"),
        ("a = 'x", "open quote"),
        ("a > 1; drop", "';'"),
        ("a /* b */ > 1", "'/*'"),
        ("a = {{ this }}", "'{'"),
        ("a > 1 -- b", "'--'"),
    ],
)
def test_an_invalid_expression_is_refused(text: str, says: str) -> None:
    assert says in expression.problem(text)
