"""`dm local`: hands over to the local cloud's own command line; a process boundary separates the two."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click


@click.command(
    "local",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Start, stop and look at the cloud on this machine."""
    hand_over("dm local", arguments or ("--help",))


def hand_over(called: str, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by the local cloud's command line, under the name `called` in its messages."""
    code = f"from localcloud.cli import main; main({called!r})"
    os.execv(sys.executable, [sys.executable, "-c", code, *arguments])
