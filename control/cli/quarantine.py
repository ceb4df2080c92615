"""`dm quarantine`: refused records, why they were refused, and what can be done about them."""

import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import click

from control.cli import options
from control.cli.output import print_json, print_table, say_next

if TYPE_CHECKING:
    from control.ingest.quarantine import Refused

COLUMNS = ["table", "batch", "key", "line", "reason", "raw"]
SHOWN = 60
NOTHING = "It has no refused records that were not waived."


@click.group("quarantine")
def command() -> None:
    """Look at refused records; ingest them again, or waive them."""


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
@click.option("--raw", is_flag=True, help="Also show refused lines of tables with personal columns.")
@click.option("--waived", is_flag=True, help="Also show those that were waived.")
@click.option(
    "--limit",
    type=click.IntRange(0, 10**9),
    help="Maximum number of records; 0 for all.  [default: 100, all with --json]",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_refused(table: str | None, raw: bool, waived: bool, limit: int | None, as_json: bool) -> None:
    """List every record that was refused, with its file, line and reason.

    Line 0 stands for a file that was refused as a whole; these come first in each table. Lines of a table
    with personal columns are masked unless --raw is given.
    """
    from control.ingest.quarantine import refused
    from control.wiring import connect

    most = (0 if as_json else 100) if limit is None else limit
    found = refused(connect(os.environ), table, raw=raw, waived=waived)
    entries = list(islice(found, most + 1 if most else None))
    if as_json:
        print_json(entries[: most or None])
        return
    print_table(_rows(entries[: most or None]), COLUMNS, empty="Nothing is in quarantine.")
    if most and len(entries) > most:
        click.echo(f"There are more than these {most}: --limit 0 shows all.", err=True)


@command.command(
    epilog="""\b
Examples:
  dm quarantine show 3f2a9c10
  dm quarantine show 3f2a9c10 --raw --json
"""
)
@click.argument("file_id", metavar="ID")
@click.option("--raw", is_flag=True, help="Also show refused lines of a table with personal columns.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def show(file_id: str, raw: bool, as_json: bool) -> None:
    """Show what was refused of one raw file, and what people did about it; ID may be the start of the id."""
    from control import audit
    from control.ingest.files import find
    from control.ingest.quarantine import refused
    from control.wiring import connect

    parts = connect(os.environ)
    file = find(parts, file_id)
    entries = list(refused(parts, file=file, raw=raw))
    trail = list(audit.trail(file.table, parts, file.file_id, since=file.registered_at))
    if as_json:
        print_json({"file_id": file.file_id, "key": file.key, "refused": entries, "trail": trail})
        return
    rows = [{**row, "waived": entry.waived} for row, entry in zip(_rows(entries), entries, strict=True)]
    print_table(rows, [*COLUMNS, "waived"], empty="Nothing of this file is in quarantine.")
    if trail:
        click.echo("")
        actions = [{**asdict(entry), "at": f"{entry.at:%Y-%m-%d %H:%M:%S}"} for entry in trail]
        print_table(actions, ["at", "action", "by", "reason"], empty="")


@command.command(
    epilog="""\b
Examples:
  dm quarantine replay --table review --dry-run
  dm quarantine replay --table review --reason "contract 1.3 accepts them"
  dm quarantine replay 3f2a9c10 --reason "parser fixed" && dm ingest run --until-idle
"""
)
@click.argument("file_ids", metavar="[ID]...", nargs=-1)
@click.option("--table", metavar="NAME", help="All files of this table with refused records.")
@click.option("--reason", default="", help="Why; kept in the audit trail. Needed unless --dry-run.")
@click.option("--dry-run", is_flag=True, help="Only show which files it would be.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def replay(file_ids: tuple[str, ...], table: str | None, reason: str, dry_run: bool, as_json: bool) -> None:
    """Ingest whole files with refused records again, with today's parser and contract.

    `dm ingest run` does the work. Records keep their identity, so what was accepted the first time is not
    duplicated downstream. Records that are refused again go to quarantine again. Waived files are only
    included if named. Ends with 1 when there is no such file.
    """
    from control.errors import UsageError
    from control.ingest.files import find, table_names
    from control.ingest.quarantine import file_with_refused, ingest_again, open_files
    from control.wiring import connect

    if bool(file_ids) == bool(table):
        raise UsageError("name either files or a table")
    parts = connect(os.environ)
    if table:
        found = [pair for name in table_names(parts, table) for pair in open_files(name, parts)]
    else:
        named = {file.file_id: file for file in (find(parts, file_id) for file_id in file_ids)}
        found = [pair for file in named.values() if (pair := file_with_refused(file, parts))]
    rows = []
    for file, batch in found:
        again = None if dry_run else ingest_again(file, batch, reason, parts)
        rows.append(
            {
                "table": file.table,
                "key": file.key,
                "file_id": file.file_id,
                "batch": batch.number,
                "batch_id": again.batch_id if again else None,
            }
        )
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ["table", "batch", "key", "batch_id"], empty=NOTHING)
        if not dry_run:
            say_next(rows)
    if not rows:
        sys.exit(1)


@command.command(
    epilog="""\b
Examples:
  dm quarantine held
  dm quarantine held --waived --json
"""
)
@click.option("--table", metavar="NAME", help="This bronze table only.")
@click.option("--waived", is_flag=True, help="Show the waived records instead.")
@options.workgroup
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def held(table: str | None, waived: bool, workgroup: str, as_json: bool) -> None:
    """List the records that bronze accepted but that keep silver from being built.

    A record that breaks a rule of silver's contract stops its table until a better record for its key
    arrives. If none will, `dm quarantine waive FILE:LINE` leaves it out; then only --waived lists it.
    """
    from control import waivers
    from control.contracts.load import state_tables
    from control.ingest.files import SHOWN_ID, table_names
    from control.wiring import connect, connect_warehouse, decode

    parts = connect(os.environ)
    if table:
        table_names(parts, table)  # raises for an unknown table, which would otherwise just list nothing
    if waived:
        found = [one for one in waivers.in_force(parts, decode) if table in (None, one.table)]
        rows = [{**asdict(one), "expiry": one.expiry.isoformat()} for one in found]
        columns = ["table", "file", "line", "record", "expiry", "owner", "reason"]
        empty = "Nothing is left out."
    else:
        states = state_tables(parts.settings.contracts)
        behind = waivers.held(states, connect_warehouse(os.environ, workgroup))
        stopping = [one for one in behind if table in (None, one.table)]
        refused = waivers.without_waived(stopping, waivers.in_force(parts, decode))
        digits = None if as_json else SHOWN_ID
        rows = [
            {**asdict(one), "place": str(replace(one.place, file_id=one.place.file_id[:digits]))}
            for one in refused
        ]
        columns = ["table", "state_table", "key", "batch", "place"]
        empty = (
            "Build again: all records that stopped the last build are waived (--waived)."
            if stopping
            else "No record keeps silver from being built."
        )
    if as_json:
        print_json(rows)
    else:
        print_table(rows, columns, empty=empty)


@command.command(
    epilog="""\b
Examples:
  dm quarantine waive 3f2a9c10 --reason "test rows of the producer, ticket 4711"
  dm quarantine waive 3f2a9c10:17 --until 2027-06-30 --reason "a score of 9, ticket 4712"
"""
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; kept in the audit trail.")
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day on which records FILE:LINE are left out."
)
@options.workgroup
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def waive(ids: tuple[str, ...], reason: str, until: datetime | None, workgroup: str, as_json: bool) -> None:
    """Accept that raw files lose refused records, or leave records out of silver until a given day.

    If ID is a raw file, its refused records stay in quarantine, and there are no more warnings about them. It
    may also be a file that cannot be read and will not be sent again, or a file of a reload that will never
    be complete or is complete without it.

    If ID is FILE:LINE, it is a record that bronze accepted and silver's contract refuses (`dm quarantine
    held`). The next build continues without it, and so does every rebuild until that day. If a record has
    several waivers, the newest counts; one with a past day takes the record in again.
    """
    from control import waivers
    from control.errors import UsageError
    from control.ingest import quarantine
    from control.ingest.files import find
    from control.wiring import connect, connect_warehouse

    places = [waivers.place(one) for one in ids if ":" in one]
    if bool(places) is (until is None):
        if places:
            raise UsageError(
                "a record (FILE:LINE) is left out until a given day",
                hint="add for example --until 2027-06-30",
            )
        raise UsageError(
            "--until is for records, and no ID is one", hint="name records as FILE:LINE, or omit --until"
        )
    parts = connect(os.environ)
    rows: list[dict[str, object]] = []
    for file in [find(parts, one) for one in ids if ":" not in one]:
        quarantine.waive(file, reason, parts)
        rows.append({"table": file.table, "key": file.key, "file_id": file.file_id})
    if until:
        warehouse = connect_warehouse(os.environ, workgroup)
        for where in places:
            file = find(parts, where.file_id)
            waivers.waive(file, where, reason, until.date(), parts=parts, warehouse=warehouse)
            rows.append({"table": file.table, "key": file.key, "file_id": file.file_id, "place": str(where)})
        if until.date() < datetime.now(UTC).date():
            click.echo(
                f"{until:%Y-%m-%d} has passed: from now on these records are taken in again.", err=True
            )
    if as_json:
        print_json(rows)
        return
    print_table(rows, ["table", "key"] + ["place"] * bool(places), empty="")


def _rows(entries: Iterable["Refused"]) -> list[dict[str, object]]:
    return [
        {
            **asdict(entry),
            "raw": _shown(entry.raw, entry.raw_base64, entry.detail) or ("(masked)" if entry.masked else ""),
        }
        for entry in entries
    ]


def _shown(raw: str | None, raw_base64: str | None, detail: str) -> str:
    text = raw or detail or (f"base64 {raw_base64}" if raw_base64 else "")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
