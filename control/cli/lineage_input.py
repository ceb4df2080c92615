"""Shared by the commands of `dm lineage`: inputs, progress, optional packages."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from control.contracts.model import Contract


def compiling(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options with which a command first runs dbt to write its inputs."""
    profiles = click.option(
        "--profiles-dir", "profiles", type=click.Path(path_type=Path), default=Path("profiles"),
        show_default=True, help="With --compile: folder of dbt's profiles.yml.",
    )  # fmt: skip
    asked = click.option(
        "--compile", "asked", is_flag=True, help="First run dbt to write the artefacts, into TARGET/docs."
    )
    return asked(profiles(command))


def artefacts(target: Path, profiles: Path, *, asked: bool) -> Path:
    """Return the folder with dbt's artefacts: `target`, or the folder below it that dbt has just written."""
    if not asked:
        return target
    from control.lineage import compiled

    folder = target / "docs"
    compiled.write(folder, dbt=Path(sys.executable).with_name("dbt"), profiles=profiles)
    return folder


def contracts_in(folder: Path | None) -> "tuple[Contract, ...]":
    """Return the contracts of this project; empty if it has no such folder."""
    import os

    from control.config import from_environment
    from control.contracts import load

    path = folder or from_environment(os.environ).contracts
    return load.folder(path)


def progress(done: int, total: int) -> None:
    """Print progress if stderr is a terminal."""
    if sys.stderr.isatty():
        click.echo(f"\rtraced {done:,} of {total:,} models", err=True, nl=done == total)


def require(package: str) -> None:
    """Raise UsageError if the optional `package` is not installed."""
    from importlib.util import find_spec

    from control.errors import UsageError

    if find_spec(package) is None:
        raise UsageError(
            f"this needs the package {package}",
            hint="make setup installs it, and elsewhere pip install '<clone>[lineage]'",
        )
