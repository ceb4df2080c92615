"""What the commands of `dm lineage` share: the contracts they read, their progress, what they need."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from control.contracts.model import Contract


def contracts_in(folder: Path | None) -> "tuple[Contract, ...]":
    """The contracts of this repository; none where a project has no such folder."""
    import os

    from control.config import from_environment
    from control.contracts import load

    path = folder or from_environment(os.environ).contracts
    return load.folder(path)


def progress(done: int, total: int) -> None:
    """Say how far it is, to a person."""
    if sys.stderr.isatty():
        click.echo(f"\rtraced {done:,} of {total:,} models", err=True, nl=done == total)


def require(package: str) -> None:
    """Raise UsageError when the optional `package` is not installed."""
    from importlib.util import find_spec

    from control.errors import UsageError

    if find_spec(package) is None:
        raise UsageError(f"this needs the package {package}", hint="install lakehouse-in-a-box[lineage]")
