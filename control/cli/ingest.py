"""`dm ingest`: raw files to bronze."""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import click

from control.cli.output import print_json, print_table
from control.errors import printable

if TYPE_CHECKING:
    from control.ingest.run import Outcome
    from control.model import Batch

COLUMNS = ["table", "number", "state", "files", "records", "rows", "quarantined", "control", "error"]


@click.group("ingest")
def command() -> None:
    """Ingest raw files into bronze."""


@command.command(
    epilog="""\b
Examples:
  dm ingest run                          one pass over every table
  dm ingest run --until-idle             until nothing is left to do
  dm ingest run --table review --engine spark
"""
)
@click.option("--until-idle", is_flag=True, help="Go on until nothing waits and no other worker is busy.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "light", "spark"]),
    default="auto",
    show_default=True,
    help="What parses: auto goes by the size of the backlog.",
)
@click.option("--table", metavar="NAME", help="This table only.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def run(
    until_idle: bool, engine: Literal["auto", "light", "spark"], table: str | None, as_json: bool
) -> None:
    """Register, plan, claim, parse and publish.

    First finishes what an interrupted run left behind. Safe to interrupt, to run again and to run at
    several places at once. Ends with 1 when a batch failed or a raw file was overwritten.
    """
    import os

    from control.config import from_environment
    from control.ingest import tables
    from control.ingest.rules import Rules
    from control.ingest.run import run as ingest
    from control.wiring import connect

    settings = from_environment(os.environ)
    contracts = tables.load(settings, table)
    parts = connect(os.environ, tell if sys.stderr.isatty() else log)
    outcome = ingest(
        contracts,
        parts,
        Rules(lease_seconds=settings.lease_seconds),
        choice=engine,
        mode="until_idle" if until_idle else "once",
    )
    _print(outcome, as_json)
    if any(finding.severity == "error" for finding in outcome.findings):
        sys.exit(1)


def _print(outcome: "Outcome", as_json: bool) -> None:
    rows = [_row(batch) for batch in outcome.batches]
    if as_json:
        print_json(
            {
                "registered": outcome.registered,
                "left": outcome.left,
                "batches": rows,
                "findings": outcome.findings,
            }
        )
        return
    print_table(rows, COLUMNS, empty="Nothing to ingest.")
    if outcome.left:
        click.echo(f"{outcome.left} batch(es) still need work: run again, or with --until-idle", err=True)
    for finding in outcome.findings:
        click.echo(f"{finding.severity}: {finding.where}: {finding.message}", err=True)


def _row(batch: "Batch") -> dict[str, object]:
    totals = batch.totals
    return {
        "table": batch.table,
        "number": batch.number,
        "state": batch.state,
        "files": len(batch.file_ids),
        "records": totals.records,
        "rows": totals.rows,
        "quarantined": totals.quarantined,
        "control": totals.control,
        "error": batch.error or None,
        "engine": batch.engine,
        "attempts": batch.attempts,
        "batch_id": batch.batch_id,
        "published_at": batch.published_at,
    }


def log(event: str, fields: Mapping[str, object]) -> None:
    """Write an event as one JSON object on stderr."""
    known = {name: value for name, value in fields.items() if value not in (None, "")}
    click.echo(json.dumps({"event": event, **known}), err=True)


SENTENCES = {
    "files.registered": "{files} new raw file(s)",
    "batch.claimed": "{table}: parsing {files} file(s), {engine} engine",
    "batch.published": "{table}: batch {number} published: {rows:,} rows, {quarantined:,} quarantined",
    "batch.failed": "{table}: batch {batch} failed: {error}",
    "batch.split": "{table}: batch {batch} split, so that each of its files stands for itself",
    "batch.lost": "{table}: batch {batch} was taken over by another worker",
    "batch.left": "{table}: batch {batch} stays claimed until its lease runs out",
    "attempt.failed": "{table}: an attempt failed: {error}",
    "run.waiting": "waiting for {batches} batch(es), until {until} at the latest",
}


def tell(event: str, fields: Mapping[str, object]) -> None:
    """Write an event as a line for people on stderr."""
    click.echo(printable(SENTENCES[event].format(**fields)), err=True)
