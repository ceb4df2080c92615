import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from control.cli import main

BIN = Path(sys.executable).parent


def test_a_mistyped_command_gets_a_suggestion() -> None:
    done = CliRunner().invoke(main.dm, ["staus"])
    assert done.exit_code == 2
    assert "Did you mean 'status'?" in done.stderr


@pytest.mark.parametrize(
    ("typed", "usage"),
    [(["local", "load"], "dm local load [OPTIONS] NAME"), (["env", "x"], "dm env [OPTIONS]")],
)
def test_usage_of_the_local_cloud_shows_the_command_as_typed(typed: list[str], usage: str) -> None:
    done = subprocess.run([BIN / "dm", *typed], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"Usage: {usage}" in done.stderr


def test_output_is_utf8_in_every_locale(tmp_path: Path) -> None:
    raw, out = tmp_path / "beer.csv", tmp_path / "啤酒"
    raw.write_text("beer_id,brewery_id,beer_name,beer_style,beer_abv\n")
    command = [BIN / "dm", "parse", raw, "--contract", "contracts/bronze/beer.yaml", "--out", out]
    env = {"PYTHONIOENCODING": "latin-1", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, env=env, check=False)
    assert done.stderr == b""
    assert f"written to {out}" in done.stdout.decode()


def test_a_command_whose_module_was_removed_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(main.COMMANDS, "sample", ("control.cli.taken_away", "Land what is no more."))
    assert "sample" not in CliRunner().invoke(main.dm, ["--help"]).stdout
    done = CliRunner().invoke(main.dm, ["sample", "land"])
    assert done.exit_code == 2
    assert "No such command 'sample'" in done.stderr
