"""`dm ingest`: raw files to bronze."""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import click

from control.cli.durations import Duration
from control.cli.output import one_line, print_json, print_table, say_next
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
@click.option("--until-idle", is_flag=True, help="Continue until nothing waits and no other worker is busy.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "light", "spark"]),
    default="auto",
    show_default=True,
    help="Which engine parses; auto decides by the size of the backlog.",
)
@click.option("--table", metavar="NAME", help="This table only.")
@click.option("--list", "list_now", is_flag=True, help="List the bucket now, even if DM_RAW_QUEUE is set.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def run(
    until_idle: bool,
    engine: Literal["auto", "light", "spark"],
    table: str | None,
    list_now: bool,
    as_json: bool,
) -> None:
    """Register, plan, claim, parse and publish.

    First completes what an interrupted run left unfinished. Safe to interrupt, to repeat and to run in
    several places at once. Ends with 1 when a batch failed, a table is blocked, a raw file was overwritten
    since the last run, or there are new objects under raw/ that belong to no table (later runs only warn of
    the last two). Each such incident is sent once to the SNS topic DM_ALERT_TOPIC, if that is set.

    New files are found by listing the bucket. If DM_RAW_QUEUE is set, the URL of an SQS queue that receives
    the S3 notifications, they are found there, and the bucket is listed only once an hour, in case a
    notification was lost.
    """
    import os

    from control.config import from_environment
    from control.ingest import alerts, tables
    from control.ingest.rules import Rules
    from control.ingest.run import run as ingest
    from control.wiring import alert_topic, connect, raw_queue

    settings = from_environment(os.environ)
    contracts = tables.load(settings, table)
    parts = connect(os.environ, tell if sys.stderr.isatty() else log)
    queue = raw_queue(os.environ)
    outcome = ingest(
        contracts,
        parts,
        Rules(lease_seconds=settings.lease_seconds),
        choice=engine,
        mode="until_idle" if until_idle else "once",
        queue=queue,
        listing="always" if list_now or queue is None else "when_due",
        others=set(tables.names(settings)) - set(contracts),
    )
    _print(outcome, as_json)
    alerts.note(outcome.findings, parts)
    if topic := alert_topic(os.environ):
        alerts.deliver(topic, parts)
    if any(finding.severity == "error" for finding in outcome.findings):
        sys.exit(1)


@command.command(
    epilog="""\b
Examples:
  dm ingest replay --table review --from 12 --to 15 --dry-run
  dm ingest replay --table review --from 2026-01-02 --to 2026-01-03 --reason "parser 1.4 reads offsets"
"""
)
@click.option("--table", required=True, metavar="NAME", help="Table whose batches are ingested again.")
@click.option("--from", "first", required=True, metavar="N|DATE", help="First batch, by number or date.")
@click.option("--to", "last", required=True, metavar="N|DATE", help="Last batch, by number or date.")
@click.option("--reason", default="", help="Why; kept in the audit trail. Needed unless --dry-run.")
@click.option("--dry-run", is_flag=True, help="Only show which batches it would be.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def replay(table: str, first: str, last: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Ingest published batches again with today's parser and contract; `dm ingest run` does the work.

    The files go to new batches with new numbers. Their records keep their identity, and the old batches stay,
    so nothing is duplicated downstream. Files that were replayed before are taken from their latest batch
    only. Ends with 1 when there is nothing to replay.
    """
    import os

    from control.ingest.files import table_names
    from control.ingest.replay import batches
    from control.ingest.replay import replay as ingest_again
    from control.model import Head
    from control.wiring import connect

    parts = connect(os.environ)
    table_names(parts, table)
    found = batches(table, first, last, parts)
    done = found if dry_run else tuple(ingest_again(one, reason, parts) for one in found)
    rows = [
        {
            "table": table,
            "number": one.published.number,
            "ingest_date": one.published.ingest_date,
            "files": len(one.files),
            "records": one.published.totals.records,
            "batch_id": one.batch.batch_id if one.batch else None,
        }
        for one in done
    ]
    if as_json:
        print_json(rows)
    else:
        columns = ["table", "number", "ingest_date", "files", "records", "batch_id"]
        head = parts.store.get(Head, table, table) or Head(table)
        nothing = f"There is nothing to replay: the last batch of {table} is {head.number}."
        print_table(rows, columns, empty=nothing)
        if not dry_run:
            say_next(rows)
    if not rows:
        sys.exit(1)


@command.command(
    epilog="""\b
Example:
  dm ingest rekey --table profile --reason "the old one was in a log, ticket 4712"
"""
)
@click.option("--table", required=True, metavar="NAME", help="Table whose tokens get a new key.")
@click.option("--reason", required=True, help="Why; kept in the audit trail.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def rekey(table: str, reason: str, as_json: bool) -> None:
    """Make the tokens of a table with the present value of DM_TOKEN_KEY instead of the previous key.

    Processes that still have the previous key can no longer publish this table. Published data keeps its
    tokens until it is ingested again, by a replay or a reload. Safe to repeat.
    """
    import os

    from bronze.contract import PARSER_REVISION
    from control.config import from_environment
    from control.ingest import keys, tables
    from control.wiring import connect

    parts = connect(os.environ)
    head = keys.rekey(tables.load(from_environment(os.environ), table)[table], reason, parts)
    # Records parsed with the new key have at least this revision, older ones a lower one.
    least = (PARSER_REVISION + (head.rekeyed or 0)) * 10**9
    if as_json:
        print_json(
            {"table": table, "published": head.number, "rekeyed": head.rekeyed or 0, "least_rev": least}
        )
        return
    click.echo(f"The tokens of {table} are made with this key from batch {head.number + 1} on.")
    if head.number:
        click.echo(
            "Batches published before have tokens of the old key until they are ingested again:\n"
            f'  dm ingest replay --table {table} --from 1 --to {head.number} --reason "another key"\n'
            "  dm ingest run --until-idle\n"
            "or, where raw files are gone, until the source has sent the whole table again. After the next\n"
            f"build, rows of silver's state table have old tokens where: not _deleted and _rev < {least}"
        )


@command.command(
    epilog="""\b
Examples:
  dm ingest sweep --dry-run
  dm ingest sweep --older-than 48
  dm ingest sweep --all --json
"""
)
@click.option("--table", metavar="NAME", help="This table only.")
@click.option(
    "--older-than",
    type=Duration(),
    default=24.0,
    show_default=True,
    metavar="HOURS",
    help="Keep what was written in the last N hours.",
)
@click.option("--all", "everywhere", is_flag=True, help="Look at all attempts ever made.")
@click.option("--dry-run", is_flag=True, help="Only show what it would remove.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def sweep(table: str | None, older_than: float, everywhere: bool, dry_run: bool, as_json: bool) -> None:
    """Remove the files of attempts that crashed or were overtaken and can never be published.

    Files of published, pending and failed batches are never touched. Only looks at batches with several
    attempts since the last sweep; --all also finds files that a worker wrote after it was presumed dead.
    """
    import os
    from datetime import timedelta

    from control.ingest import sweep as sweeper
    from control.ingest.files import table_names
    from control.wiring import connect

    parts = connect(os.environ)
    look = sweeper.all_leftovers if everywhere else sweeper.leftovers
    rows = [
        {
            "table": name,
            "attempt": left.attempt,
            "objects": len(left.objects),
            "size_bytes": left.size_bytes,
            "newest": f"{left.newest:%Y-%m-%d %H:%M:%S}",
        }
        for name in table_names(parts, table)
        for found in look(name, timedelta(hours=older_than), parts)
        for left in (found.attempts if dry_run else sweeper.tidy(found, parts))
    ]
    if as_json:
        print_json(rows)
        return
    columns = ["table", "attempt", "objects", "size_bytes", "newest"]
    print_table(rows, columns, empty="No attempt was left behind.")


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
        click.echo(one_line(f"{finding.severity}: {finding.where}: {finding.message}"), err=True)


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
    "batch.split": "{table}: batch {batch} was split, one batch per file",
    "batch.lost": "{table}: batch {batch} was taken over by another worker",
    "batch.rekeyed": "{table}: batch {batch} has tokens of another key and is parsed again",
    "batch.left": "{table}: batch {batch} stays claimed until its lease expires",
    "attempt.failed": "{table}: an attempt failed: {error}",
    "alert.left": "{table}: the alert about {kind} could not be sent, the next run tries again: {error}",
    "file.overwritten": "{table}: {key} was overwritten before it was ingested; its present content is used",
    "file.refused": "{table}: {key} cannot be ingested: {error}",
    "message.refused": "{queue}: message {id} is not an S3 notification and goes to the dead-letter queue",
    "run.waiting": "waiting for {batches} batch(es), until {until} at the latest",
}


def tell(event: str, fields: Mapping[str, object]) -> None:
    """Write an event as a line for people on stderr."""
    click.echo(printable(SENTENCES[event].format(**fields)), err=True)
