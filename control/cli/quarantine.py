"""`dm quarantine`: what was refused, and why."""

from itertools import islice

import click

from control.cli.output import print_json, print_table

COLUMNS = ["table", "batch", "key", "line", "reason", "raw"]
SHOWN = 60


@click.group("quarantine")
def command() -> None:
    """Look at the records that were refused."""


@command.command(
    "list",
    epilog="""\b
Examples:
  dm quarantine list
  dm quarantine list --table review --raw
  dm quarantine list --json --limit 0
""",
)
@click.option("--table", metavar="NAME", help="This table only.")
@click.option("--raw", is_flag=True, help="Show refused lines also of tables with personal columns.")
@click.option(
    "--limit", type=click.IntRange(0), help="At most so many; 0 is all.  [default: 100, all with --json]"
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_refused(table: str | None, raw: bool, limit: int | None, as_json: bool) -> None:
    """List every record that was refused, with its file, line and reason.

    Line 0 stands for a file that was refused as a whole. Lines of a table with personal columns are masked
    unless --raw is given.
    """
    import os
    from dataclasses import asdict

    from control.ingest.quarantine import refused
    from control.wiring import connect

    most = (0 if as_json else 100) if limit is None else limit
    found = refused(connect(os.environ), table, raw=raw)
    entries = list(islice(found, most + 1 if most else None))
    if as_json:
        print_json(entries[: most or None])
        return
    rows = [
        {
            **asdict(entry),
            "raw": "(masked)" if entry.masked else _shown(entry.raw, entry.raw_base64, entry.detail),
        }
        for entry in entries[: most or None]
    ]
    print_table(rows, COLUMNS, empty="Nothing is in quarantine.")
    if most and len(entries) > most:
        click.echo(f"There are more than these {most}: --limit 0 shows all.", err=True)


def _shown(raw: str | None, raw_base64: str | None, detail: str) -> str:
    text = raw or detail or (f"base64 {raw_base64}" if raw_base64 else "")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
