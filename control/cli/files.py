"""`dm files`: raw files and what became of them."""

import sys
from typing import get_args

import click

from control.cli.output import print_json, print_json_list, print_pages, print_table, say_next
from control.model import FileState

COLUMNS = ["table", "key", "state", "batch", "records", "rows", "quarantined", "control", "size_bytes", "id"]


@click.group("files")
def command() -> None:
    """Look at raw files and their state."""


@command.command(
    "list",
    epilog="""\b
Examples:
  dm files list
  dm files list --table review --state failed
  dm files list --state published --limit 20
  dm files list --overwritten
  dm files list --json | jq '.[] | select(.quarantined > 0)'
""",
)
@click.option("--table", metavar="NAME", help="This table only.")
@click.option("--state", type=click.Choice(get_args(FileState)), help="Files in this state only.")
@click.option("--overwritten", is_flag=True, help="Only those overwritten after they were ingested.")
@click.option("--limit", type=click.IntRange(1, 10**9), help="Maximum number of files.")
@click.option("--json", "as_json", is_flag=True, help="Print all that is known of each file as JSON.")
def list_files(
    table: str | None, state: str | None, overwritten: bool, limit: int | None, as_json: bool
) -> None:
    """List raw files, their state and what became of their records.

    A file's records are always its bronze rows, quarantined records and control records together. Files are
    ordered by table and key; if a table has thousands, each few thousand are ordered and printed as read.
    """
    import os
    from dataclasses import asdict
    from itertools import islice

    from control.ingest.files import SHOWN_ID, file_lines
    from control.wiring import connect

    lines = islice(file_lines(connect(os.environ), table, state, overwritten=overwritten), limit)
    if as_json:
        print_json_list(lines)
        return
    rows = (
        {
            **asdict(line),
            "id": line.file_id[:SHOWN_ID],
            "state": f"{line.state}, waived" if line.waived and line.state != "published" else line.state,
            "error": line.error or None,
        }
        for line in lines
    )
    columns = COLUMNS if state in (None, "registered", "published") else [*COLUMNS, "error"]
    print_pages(rows, columns, empty="There is no such raw file: `dm ingest run` registers what has landed.")


@command.command(
    epilog="""\b
Examples:
  dm files show 3f2a9c10
  dm files show 3f2a9c10 --json
"""
)
@click.argument("file_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def show(file_id: str, as_json: bool) -> None:
    """Show one raw file, its batch, and what the parser reported; ID may be the start of the id."""
    import os
    from dataclasses import asdict

    from control.ingest import files
    from control.wiring import connect

    line, batch, report = files.show(connect(os.environ), file_id)
    if as_json:
        print_json({"file": line, "batch": batch, "report": report})
        return
    facts: dict[str, object] = {**asdict(line), "batch_id": line.batch_id}
    if batch is not None:
        facts |= {"attempts": batch.attempts, "engine": batch.engine, "published_at": batch.published_at}
    if report is not None:
        facts |= {"lines": report.lines, "blank": report.blank, "sha256": report.sha256}
        facts |= {f"refused for {reason}": count for reason, count in sorted(report.reasons.items())}
        facts |= {f"object {number}": o.uri for number, o in enumerate(report.objects, start=1)}
    rows = [{"what": name, "value": value} for name, value in facts.items() if value not in (None, "")]
    print_table(rows, ["what", "value"], empty="")


@command.command(
    epilog="""\b
Examples:
  dm files redrive 3f2a9c10 --reason "the bucket is readable again"
  dm files redrive --table review --reason "parser 1.4 is deployed" && dm ingest run --until-idle
"""
)
@click.argument("file_ids", metavar="[ID]...", nargs=-1)
@click.option("--table", metavar="NAME", help="All failed files of this table that were not waived.")
@click.option("--reason", required=True, help="Why; kept in the audit trail.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def redrive(file_ids: tuple[str, ...], table: str | None, reason: str, as_json: bool) -> None:
    """Give failed files another round of attempts; `dm ingest run` makes them.

    ID may be the start of an id. Waived files are only included if named, and are then no longer waived. Ends
    with 2 when a file has not failed, and with 1 when no file of the table has.
    """
    import os

    from control.errors import UsageError
    from control.ingest import files
    from control.ingest.redrive import redrive as drive
    from control.wiring import connect

    if bool(file_ids) == bool(table):
        raise UsageError("name either files or a table")
    parts = connect(os.environ)
    if table:
        (name,) = files.table_names(parts, table)
        batches = files.failed_batches(name, parts)
    else:
        batches = [files.required_batch(files.find(parts, file_id), parts) for file_id in file_ids]
    unique = {batch.batch_id: batch for batch in batches}
    redriven = [drive(batch, reason, parts) for batch in unique.values()]
    rows = [
        {"table": b.table, "batch_id": b.batch_id, "state": b.state, "files": b.file_ids} for b in redriven
    ]
    if as_json:
        print_json(rows)
    else:
        counted = [{**row, "files": len(batch.file_ids)} for row, batch in zip(rows, redriven, strict=True)]
        print_table(counted, ["table", "batch_id", "state", "files"], empty="No file has failed.")
        say_next(rows)
    if not redriven:
        sys.exit(1)
