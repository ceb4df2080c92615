"""The page on upgrading names existing commands and targets, and each release with a recorded state."""

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
    """Return whether `words` are a command with existing options. Arguments may follow."""
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
def test_each_command_on_the_page_exists(words: str) -> None:
    assert is_command(words.split())


def test_a_missing_command_is_found() -> None:
    assert is_command(["status", "--recount"])
    assert not is_command(["status", "--count"])
    assert not is_command(["upgrade"])


def test_each_make_target_on_the_page_exists() -> None:
    targets = {target for line in re.findall(r"\bmake ([a-z -]+)", PAGE) for target in line.split()}
    makefiles = "".join(file.read_text() for file in [ROOT / "Makefile", *(ROOT / "make").glob("*.mk")])
    there = set(re.findall(r"^([a-z-]+):", makefiles, re.MULTILINE))
    assert {"setup", "lambda-package", "spark-runtime"} <= targets & there
    assert targets <= there


def test_each_release_with_a_recorded_state_is_on_the_page() -> None:
    for state in Path(__file__).parent.glob("v*.json"):
        assert f"| {state.stem.removeprefix('v')} |" in PAGE
