"""`dm doctor`: is it safe to run dbt here?"""

import sys
from pathlib import Path

import click

from control.cli.output import print_json


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
@click.option("--offline", is_flag=True, help="Judge the manifest only; ask no catalog.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(target: Path, offline: bool, as_json: bool) -> None:
    """Say whether dbt is safe to run here.

    Reads manifest.json for configs that lose data, show half of it, or get around the checks before
    publication; and the catalog for what dead builds left behind, tables in each other's folders and formats
    that Athena cannot write.
    Exit codes: 0 nothing worse than warnings, 1 an error, 2 no manifest.json, 3 the catalog did not answer.
    """
    import os

    from control.config import from_environment
    from control.doctor import manifest, warehouse
    from control.wiring import listing

    found = manifest.lint(manifest.read(target))
    if not offline:
        found += warehouse.examine(listing(os.environ), from_environment(os.environ).schema_prefix)
    errors = sum(finding.severity == "error" for finding in found)
    if as_json:
        print_json({"ok": not errors, "findings": found})
    else:
        for finding in found:
            click.echo(f"{finding.severity}: {finding.where}: {finding.message} [{finding.code}]")
        click.echo(f"{errors} errors, {len(found) - errors} warnings")
    sys.exit(1 if errors else 0)
