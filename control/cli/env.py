"""`dm env`: hands over to the local cloud, which prints its exports."""

import click

from control.cli.local import hand_over


@click.command(
    "env",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Print the exports that point dbt and other clients at the local cloud."""
    hand_over("dm", ("env", *arguments))
