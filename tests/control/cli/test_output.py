"""What commands print for people is one line a row, whatever a stranger has called his files."""

import pytest

from control.cli.output import print_table


def test_a_line_feed_in_a_key_makes_no_row_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"key": "raw/a\nraw/forged  published", "rows": 1}], ["key", "rows"], empty="-")
    assert capsys.readouterr().out.splitlines()[1:] == [r"raw/a\nraw/forged  published     1"]
