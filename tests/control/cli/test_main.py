import pytest
from click.testing import CliRunner

from control.cli import main


def test_a_command_whose_module_was_taken_away_is_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(main.COMMANDS, "sample", ("control.cli.taken_away", "Land what is no more."))
    assert "sample" not in CliRunner().invoke(main.dm, ["--help"]).stdout
    done = CliRunner().invoke(main.dm, ["sample", "land"])
    assert done.exit_code == 2
    assert "No such command 'sample'" in done.stderr
