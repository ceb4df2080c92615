"""The page on upgrading names commands and targets that there are, and each release that left a state."""

import re
from pathlib import Path

import click
import pytest

from control.cli.main import dm

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "upgrading.md").read_text().replace("\\\n", " ")
NAMED = re.findall(r"\bdm ((?:[a-z][\w-]*|--[a-z-]+|[ ])+)", PAGE)
COMMANDS = sorted({" ".join(found.split()) for found in NAMED if not found.startswith("local")})


def is_command(words: list[str]) -> bool:
    """Do `words` lead to a command, whose options are those that they name? Arguments may follow."""
    command: click.Command = dm
    context = click.Context(dm)
    options = [word for word in words if word.startswith("--")]
    for word in words:
        if not isinstance(command, click.Group):
            break
        found = command.get_command(context, word)
        if found is None:
            return False
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    return command is not dm and set(options) <= known


@pytest.mark.parametrize("words", COMMANDS)
def test_each_command_of_the_page_is_there(words: str) -> None:
    assert is_command(words.split())


def test_a_command_that_is_not_there_is_seen() -> None:
    assert is_command(["status", "--recount"])
    assert not is_command(["status", "--count"])
    assert not is_command(["upgrade"])


def test_each_target_of_the_page_is_there() -> None:
    targets = {target for line in re.findall(r"\bmake ([a-z -]+)", PAGE) for target in line.split()}
    makefiles = "".join(file.read_text() for file in [ROOT / "Makefile", *(ROOT / "make").glob("*.mk")])
    there = set(re.findall(r"^([a-z-]+):", makefiles, re.MULTILINE))
    assert {"setup", "lambda-package", "spark-runtime"} <= targets & there
    assert targets <= there


def test_each_release_that_left_a_state_is_told_of() -> None:
    for state in Path(__file__).parent.glob("v*.json"):
        assert f"| {state.stem.removeprefix('v')} |" in PAGE
