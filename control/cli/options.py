"""Options that several commands have in common."""

from pathlib import Path

import click

workgroup = click.option(
    "--workgroup",
    envvar="DM_WORKGROUP",
    default="primary",
    show_default=True,
    help="Athena's workgroup for the builds and for what is asked here [DM_WORKGROUP].",
)
contracts = click.option(
    "--contracts",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder of contracts [DM_CONTRACTS, else contracts].",
)
