"""Generated SQL with an operator for each column of a wide table."""

from collections.abc import Callable
from typing import Any

import pytest

Ask = Callable[[str], dict[str, Any]]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        (" || ".join(["'a'"] * 600), "a" * 600),
        (" + ".join(["1"] * 400), 400),
        ("1000 - " + " - ".join(["1"] * 400), 600),
        (" or ".join(["false"] * 600), False),
    ],
    ids=["texts", "sums", "differences", "conditions"],
)
def test_hundreds_of_chained_operators_do_not_count_as_nesting(ask: Ask, sql: str, found: object) -> None:
    assert ask(f"select {sql}")["rows"] == [[found]]
