"""`dm local`: hands over to the local cloud's own command line; a process boundary keeps the two apart."""

import os
import sys

import click


@click.command(
    "local",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Start, stop and look at the cloud on this machine."""
    os.execv(sys.executable, [sys.executable, "-m", "localcloud", *(arguments or ("--help",))])
