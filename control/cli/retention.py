"""`dm retention`: show which raw files and bronze data are no longer needed, and let them go."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from control.cli import options
from control.cli.durations import Duration
from control.cli.output import print_json, print_table

if TYPE_CHECKING:
    from control.ports import Parts
    from control.retention.judge import Verdict
    from control.retention.let_go import Work
    from control.retention.table import Judged, Objects

COLUMNS = ["table", "kind", "state", "of", "objects", "bytes", "why"]


@click.group("retention")
def command() -> None:
    """Let old raw files, bronze rows and quarantine go, once nothing needs them any more.

    Age alone is not enough: all models must have consumed the batch, its reload must be complete, no replay
    of it may be pending, and all its refused records must be replayed or waived. Control records stay.
    """


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print as JSON."),
        options.workgroup,
        click.option(
            "--quarantine-days", envvar="DM_QUARANTINE_DAYS", type=Duration(), default=180, show_default=True,
            help="Minimum days to keep quarantine, from publication.",
        ),
        click.option(
            "--bronze-days", envvar="DM_BRONZE_DAYS", type=Duration(), default=180, show_default=True,
            help="Minimum days to keep bronze rows, from publication. A longer `retention` in the contract "
            "wins, unless this option is given on the command line.",
        ),
        click.option(
            "--raw-days", envvar="DM_RAW_DAYS", type=Duration(), default=90, show_default=True,
            help="Minimum days to keep raw files, from publication.",
        ),
        click.option("--table", metavar="NAME", help="This table only."),
    ):  # fmt: skip
        function = option(function)
    return function


@command.command(
    "plan",
    epilog="""\b
Examples:
  dm retention plan
  dm retention plan --table review --raw-days 30 --json
""",
)
@_options
def plan(as_json: bool, **options: Any) -> None:
    """Show what may go and why the rest stays; change nothing.

    With --json, prints one object per raw file, and two per batch (rows and quarantine), for what still
    exists. Exit codes: 0 fine, 2 wrong usage, 3 the cloud did not answer.
    """
    from control.retention import table
    from control.wiring import connect

    parts = connect(os.environ)
    verdicts: list[Verdict] = []
    measured: list[Objects] = []
    for judged in _judged(parts, **options):
        verdicts += judged.verdicts
        measured += [table.measure(one, judged.there, parts) for one in judged.verdicts]
    if as_json:
        print_json([_as_json(one, size) for one, size in zip(verdicts, measured, strict=True)])
        return
    count: Counter[tuple[str, str, str]] = Counter()
    objects: Counter[tuple[str, str, str]] = Counter()
    sizes: Counter[tuple[str, str, str]] = Counter()
    for one, size in zip(verdicts, measured, strict=True):
        key = one.table, one.kind, one.why[0] if one.why else ""
        count[key] += 1
        objects[key] += size.count
        sizes[key] += size.size_bytes
    rows: list[dict[str, object]] = [
        {
            "table": name,
            "kind": kind,
            "state": "stays" if why else "may go",
            "of": count[name, kind, why],
            "objects": objects[name, kind, why],
            "bytes": sizes[name, kind, why],
            "why": why or "-",
        }
        for name, kind, why in sorted(count)
    ]
    print_table(rows, COLUMNS, empty="No table has been ingested yet.")


@command.command(
    "run",
    epilog="""\b
Examples:
  dm retention run
  dm retention run --table review --json
""",
)
@_options
def run(as_json: bool, **options: Any) -> None:
    """Let go of what `dm retention plan` says may go, and take back what is needed again.

    This deletes nothing. Rows leave the catalog first; then their objects get the tag dm-retention=eligible,
    and the bucket's lifecycle rules delete objects that have this tag and are old enough. If something that
    was let go is needed again (a replay, a new model), its objects are tagged dm-retention=kept, and its rows
    return to the catalog if all objects of the batch still exist. The audit trail has both, with the reason.
    Safe to repeat after any interruption.
    Exit codes: 0 fine, 1 a batch that is needed again has lost objects, 2 wrong usage, 3 the cloud did not
    answer.
    """
    from control.retention.let_go import check_lost, let_go
    from control.wiring import connect

    parts = connect(os.environ)
    done = [work for table in _judged(parts, **options) for work in let_go(table, parts)]
    if as_json:
        print_json([_as_json(one, size) for one, size in done])
    else:
        _say(done)
    check_lost(done)


def _say(done: "Sequence[Work]") -> None:
    going = [size for one, size in done if one.may_go]
    tagged, back = sum(size.tagged for size in going), sum(size.taken_back for _, size in done)
    click.echo(f"{len(going):,} raw files and batches may go; {tagged:,} objects were tagged just now")
    if back:
        click.echo(f"{back:,} objects that had been let go are needed again, and were taken back")
    returned = sum(size.returned for _, size in done)
    if returned:
        click.echo(f"{returned:,} batches are back in the catalog: readers see their rows again")


def _judged(
    parts: "Parts",
    table: str | None,
    raw_days: float,
    bronze_days: float,
    quarantine_days: float,
    workgroup: str,
) -> "Iterator[Judged]":
    from control.contracts import promises
    from control.contracts.load import readers
    from control.ingest.files import table_names
    from control.retention.judge import Keep
    from control.retention.table import judge_tables
    from control.wiring import query

    keep = Keep(timedelta(days=raw_days), timedelta(days=bronze_days), timedelta(days=quarantine_days))
    contracts = parts.settings.contracts
    # An option on the command line overrides contracts; an environment variable applies to all tables, so the
    # contract of a table, which is more specific, may extend it.
    typed = click.get_current_context().get_parameter_source("bronze_days") is ParameterSource.COMMANDLINE
    promised = {} if typed else promises.kept(contracts / "bronze")
    asked = query(os.environ, workgroup)
    return judge_tables(table_names(parts, table), readers(contracts), asked, keep, parts, promised)


def _as_json(one: "Verdict", size: object) -> dict[str, object]:
    return {
        "table": one.table,
        "kind": one.kind,
        "batch": one.batch.number if one.batch else None,
        "key": one.file.key if one.file else None,
        "may_go": one.may_go,
        "why": one.why,
        "objects": size,
    }
