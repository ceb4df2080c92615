"""What the commands of `dm lineage` share: what they read, their progress, what they need."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from control.contracts.model import Contract


def compiling(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options to have dbt write what it reads."""
    profiles = click.option(
        "--profiles-dir", "profiles", type=click.Path(path_type=Path), default=Path("profiles"),
        show_default=True, help="With --compile: folder of dbt's profiles.yml.",
    )  # fmt: skip
    asked = click.option(
        "--compile", "asked", is_flag=True, help="First have dbt write what is read, into TARGET/docs."
    )
    return asked(profiles(command))


def artefacts(target: Path, profiles: Path, *, asked: bool) -> Path:
    """The folder with dbt's artefacts: `target`, or the one below it that dbt has just written."""
    if not asked:
        return target
    from control.lineage import compiled

    folder = target / "docs"
    compiled.write(folder, dbt=Path(sys.executable).with_name("dbt"), profiles=profiles)
    return folder


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
        raise UsageError(
            f"this needs the package {package}",
            hint="make setup installs it, and elsewhere pip install '<clone>[lineage]'",
        )
