"""`dm doctor`: is it safe to run dbt here?"""

import sys
from pathlib import Path

import click

from control.cli import options
from control.cli.output import print_findings


@click.command(
    "doctor",
    epilog="""\b
Examples:
  dbt parse --profiles-dir profiles && dm doctor
  dm doctor --offline --json
""",
)
@click.option(
    "--target", type=click.Path(path_type=Path), default=Path("target"), show_default=True,
    help="Folder with dbt's manifest.json.",
)  # fmt: skip
@click.option("--offline", is_flag=True, help="Check only the manifest, not the cloud.")
@options.workgroup
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(target: Path, offline: bool, workgroup: str, as_json: bool) -> None:
    """Check whether dbt is safe to run here.

    Looks in manifest.json for configs that lose data, show part of it, or bypass the checks before
    publication. In the cloud, looks for leftovers of dead builds (tables, a lease), tables in each other's
    folders, in folders without a unique name, or in formats that Athena cannot write, and places where Lake
    Formation forbids DDL. Also tests whether objects can be deleted (it writes and deletes three).
    Exit codes: 0 nothing worse than warnings, 1 an error, 2 no manifest.json, 3 the cloud did not answer.
    """
    import os

    from control.doctor import cloud, manifest
    from control.wiring import connect_warehouse, governed_places

    found = manifest.lint(manifest.read(target))
    if not offline:
        warehouse = connect_warehouse(os.environ, workgroup)
        found += cloud.examine(warehouse, governed_places(warehouse.settings))
    sys.exit(0 if print_findings(found, as_json=as_json) else 1)
