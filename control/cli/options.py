"""Options and settings that several commands have in common."""

import os
from pathlib import Path

import click

from control.config import from_environment
from control.errors import NotFoundError

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


def contracts_folder() -> Path:
    """The folder of contracts that the environment names. Raises NotFoundError when it is not there."""
    folder = from_environment(os.environ).contracts
    if not folder.is_dir():
        raise NotFoundError(
            f"there are no contracts in {folder}",
            hint="dm contract new bronze TABLE --from-file FILE drafts the first; where there are some, run"
            " dm in their project's folder, or set DM_CONTRACTS",
        )
    return folder
