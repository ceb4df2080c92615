"""Long lists are printed while they are read, with the same output as if they had been read first."""

from datetime import UTC, datetime

import pytest

from control.cli import output
from control.model import Finding

VALUES = [
    Finding("a", "warning", 'quote " and line\nbreak', "ü"),
    {"at": datetime(2026, 1, 2, tzinfo=UTC), "nested": [{"x": 1}, []]},
    None,
]


@pytest.mark.parametrize("values", [[], VALUES[:1], VALUES])
def test_a_json_list_printed_value_by_value_is_the_same_as_printed_at_once(capsys, values) -> None:
    output.print_json(values)
    at_once = capsys.readouterr().out
    output.print_json_list(iter(values))
    assert capsys.readouterr().out == at_once


def test_a_value_is_printed_before_the_next_one_is_read(capsys) -> None:
    def values():
        yield "first"
        assert capsys.readouterr().out == '[\n  "first"'
        yield "second"

    output.print_json_list(values())
    assert capsys.readouterr().out == ',\n  "second"\n]\n'


def test_a_long_table_is_printed_page_by_page(capsys) -> None:
    output.print_pages(({"n": number} for number in range(2_000)), ["n"], empty="none")
    lines = capsys.readouterr().out.split()
    assert [line for line in lines if line != "n"] == [f"{number:,}" for number in range(2_000)]
    assert lines.count("n") == 2
    output.print_pages([], ["n"], empty="none")
    assert capsys.readouterr().out == "none\n"
