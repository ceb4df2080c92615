"""`dm contract replay`: try a proposed contract on recent raw files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from control.cli.output import print_json
from control.errors import printable

if TYPE_CHECKING:
    from control.ingest.rehearse import Rehearsal


@click.command(
    epilog="""\b
Examples:
  dm contract replay --contract contracts/bronze/beer.yaml
  dm contract replay --contract proposed/beer.yaml --days 30 --sample 10
"""
)
@click.option("--contract", "contract", required=True, metavar="NEW",
              type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="The proposed bronze contract.")  # fmt: skip
@click.option(
    "--days", type=click.IntRange(1), default=7, show_default=True, help="Use files of the last N days."
)
@click.option("--files", "most", type=click.IntRange(1), default=50, show_default=True,
              help="Maximum number of files, newest first.")  # fmt: skip
@click.option(
    "--sample",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    metavar="N",
    help="Records shown for each reason.",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def replay(contract: Path, days: int, most: int, sample: int, as_json: bool) -> None:
    """Parse recently landed raw files under the contract NEW, and count what it would quarantine.

    Nothing is published or kept. Values of columns that NEW classifies as personal or pseudonym are masked in
    the samples. Exit codes: 0 it would not quarantine more than today, 1 it would, 2 the contract cannot be
    used, 3 the lake cannot be reached.
    """
    import os

    from control.ingest.rehearse import rehearse
    from control.wiring import connect

    text = contract.read_text(encoding="utf-8", errors="replace")

    def said(key: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"reading {printable(key)}", err=True)

    found = rehearse(
        text,
        str(contract),
        connect(os.environ),
        days=days,
        most=most,
        sample=sample,
        said=lambda f: said(f.key),
    )
    if as_json:
        print_json(found)
    else:
        _print(found, days)
    sys.exit(1 if found.quarantined > found.today else 0)


def _print(found: "Rehearsal", days: int) -> None:
    share = 100 * found.quarantined / found.records if found.records else 0
    click.echo(
        f"{found.table} under version {found.contract_version}: would quarantine {share:.3g} % "
        f"({found.quarantined:,} of {found.records:,} records of {found.files} files of {days} days); "
        f"today {found.today:,}"
    )
    for reason, count in found.reasons.items():
        click.echo(f"  {count:>10,}  {printable(reason)}")
        for sample in found.samples:
            if sample.reason == reason:
                place = f"{sample.key}:{sample.line}"
                click.echo(f"              {printable(place)}: {printable(sample.raw)}")
    for key, failure in found.refused_files.items():
        click.echo(f"  refused as a whole ({failure}): {printable(key)}")
