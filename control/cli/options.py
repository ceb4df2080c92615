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
    help="Athena workgroup of the builds and of this command's queries [DM_WORKGROUP].",
)
contracts = click.option(
    "--contracts",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder of contracts [DM_CONTRACTS, else contracts].",
)


def contracts_folder() -> Path:
    """Return the folder of contracts that the environment names. Raises NotFoundError if there is none."""
    folder = from_environment(os.environ).contracts
    if not folder.is_dir():
        raise NotFoundError(
            f"there are no contracts in {folder}",
            hint="dm contract new bronze TABLE --from-file FILE drafts the first; if there are any, run dm"
            " in their project's folder, or set DM_CONTRACTS",
        )
    return folder
