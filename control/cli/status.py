"""`dm status`: every table at a glance."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from control.cli.output import one_line, print_json, print_table

if TYPE_CHECKING:
    from control.model import Stray
    from control.status import Promise, TableStatus

COLUMNS = [
    "table", "last_batch", "published_at", "files", "records", "rows", "quarantined", "control", "lag",
    "promises",
]  # fmt: skip


@click.command(
    "status",
    epilog="""\b
Examples:
  dm status
  dm status --json
  dm status --recount
""",
)
@click.option("--recount", is_flag=True, help="Read all batches and count what is published again.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON, with control records by kind.")
def command(recount: bool, as_json: bool) -> None:
    """Show every table: last batch, raw files by state, records, rows, quarantine, lag, broken promises.

    Promises are the contract's freshness and completeness: data is late if nothing newer was published, or a
    raw file has been waiting, for longer than promised. Lag is the age of the oldest raw file that is not
    published yet.

    Warnings are about raw files that failed or were overwritten after ingestion; objects under raw/ that
    belong to no table; broken promises; silver and gold tables that were not published because rows break
    their contract; records that silver leaves out; and, for a week, control records that emptied or changed a
    source table.

    With --json, the bronze tables are followed by the tables that were not published (`stopped`), and by the
    folders of raw/ that belong to no table (`stray`).

    Published batches were counted when they were published, so only unfinished and failed work is read here.
    """
    import os
    from collections import Counter
    from dataclasses import asdict, replace

    from control import tally
    from control.ingest import strays
    from control.ingest.files import table_names
    from control.status import every_status
    from control.waivers import in_force, stopped
    from control.wiring import catalog_listing, connect, decode

    parts = connect(os.environ)
    promised = _promises(parts.settings.contracts)
    names = table_names(parts)
    if recount:
        for name in names:
            tally.recount(name, parts)
    tables = every_status(names, parts, promised)
    left_out = Counter(waiver.table for waiver in in_force(parts, decode))
    tables = [replace(one, waived_records=left_out[one.table]) for one in tables]
    known, tables = len(tables), _with_strays(tables, strays.standing(parts))
    unpublished = stopped(catalog_listing(os.environ), parts.settings.schema_prefix)
    tables += [_stopped(name) for name in unpublished]
    if as_json:
        print_json(tables)
        return
    rows = [
        {
            **asdict(table),
            "published_at": table.published_at and f"{table.published_at:%Y-%m-%d %H:%M:%S}",
            "files": ", ".join(f"{count:,} {state}" for state, count in sorted(table.files.items())),
            "lag": f"{table.lag_seconds:,} s" if table.lag_seconds else "-",
            "promises": "broken" if table.broken else "kept" if table.last_batch else "-",
        }
        for table in tables[:known]
    ]
    print_table(rows, COLUMNS, empty="No table has been ingested yet: `dm ingest run` starts.")
    for table in tables:
        if table.waived_records:
            left = f"silver leaves out {table.waived_records:,} of its records (dm quarantine held --waived)"
            click.echo(one_line(f"warning: {table.table}: {left}"), err=True)
        for warning in (*table.warnings, *table.broken):
            click.echo(one_line(f"warning: {table.table}: {warning}"), err=True)


def _stopped(name: str) -> "TableStatus":
    """A table of silver or gold that was not published because of its rows."""
    from dataclasses import replace

    from control.status import NOTHING

    why = "not published: rows break its contract, and readers keep the old ones (dm quarantine held)"
    return replace(NOTHING, table=name, warnings=(why,), stopped=True)


def _with_strays(tables: "list[TableStatus]", standing: "list[Stray]") -> "list[TableStatus]":
    """Each table with the stray objects in its folder, followed by the folders that belong to no table."""
    from dataclasses import replace

    from control.ingest.strays import message, table_of
    from control.status import NOTHING

    by_table: dict[str, tuple[Stray, ...]] = {}
    for stray in standing:
        by_table[table_of(stray)] = (*by_table.get(table_of(stray), ()), stray)
    known = {table.table for table in tables}
    folders = [replace(NOTHING, table=name) for name in sorted(by_table.keys() - known)]
    return [
        replace(one, stray=found, warnings=(*one.warnings, *(message(stray) for stray in found)))
        for one in (*tables, *folders)
        for found in (by_table.get(one.table, ()),)
    ]


def _promises(contracts: Path) -> "dict[str, Promise]":
    """What the bronze contracts promise, by table; omits unreadable contracts, which ingestion reports."""
    from control.contracts import promises
    from control.status import Promise

    return {table: Promise(*kept) for table, kept in promises.of(contracts / "bronze").items()}
