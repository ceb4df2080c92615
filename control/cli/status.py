"""`dm status`: every table at a glance."""

import click

from control.cli.output import print_json, print_table

COLUMNS = ["table", "last_batch", "published_at", "files", "records", "rows", "quarantined", "control", "lag"]


@click.command(
    "status",
    epilog="""\b
Examples:
  dm status
  dm status --json
""",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON, with control records by kind.")
def command(as_json: bool) -> None:
    """Show every table: last batch, raw files by state, records, rows, quarantine, lag.

    Lag is the age of the oldest raw file that is not published yet. Warns of control records that empty or
    change a source table, and of raw files that failed.
    """
    import os
    from dataclasses import asdict

    from control.ingest.files import table_names
    from control.status import table_status
    from control.wiring import connect

    parts = connect(os.environ)
    tables = [table_status(name, parts) for name in table_names(parts)]
    if as_json:
        print_json(tables)
        return
    rows = [
        {
            **asdict(table),
            "published_at": table.published_at and f"{table.published_at:%Y-%m-%d %H:%M:%S}",
            "files": ", ".join(f"{count:,} {state}" for state, count in sorted(table.files.items())),
            "lag": f"{table.lag_seconds:,} s" if table.lag_seconds else "-",
        }
        for table in tables
    ]
    print_table(rows, COLUMNS, empty="No table has been ingested yet: `dm ingest run` starts.")
    for table in tables:
        for warning in table.warnings:
            click.echo(f"warning: {table.table}: {warning}", err=True)
