"""`dm maintain`: compact the Iceberg tables that dbt writes, and expire old versions."""

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from control.cli import options
from control.cli.durations import Duration
from control.cli.output import print_json, print_table

if TYPE_CHECKING:
    from control.maintenance.tables import Upkeep

COLUMNS = ["table", "files", "delete_files", "bytes", "versions", "kept_days"]


@click.group("maintain")
def command() -> None:
    """Compact small files of silver and gold tables, and expire old versions.

    Each build adds files and a version to the tables that it changes. Rows stay as they are, and versions
    that a model still has to compare with are kept. Holds the writer lease, so that no build runs meanwhile.
    """


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print as JSON."),
        options.workgroup,
        click.option(
            "--keep-days", envvar="DM_TABLE_VERSION_DAYS", type=Duration(), default=5,
            show_default=True, help="Keep versions of the last N days.",
        ),
        click.argument("tables", metavar="[SCHEMA.TABLE]...", nargs=-1),
    ):  # fmt: skip
        function = option(function)
    return function


@command.command(
    "plan",
    epilog="""\b
Examples:
  dm maintain plan
  dm maintain plan silver.reviews_state --json
""",
)
@_options
def plan(tables: tuple[str, ...], keep_days: float, workgroup: str, as_json: bool) -> None:
    """Show the files and versions of the tables, and how long versions are kept; change nothing.

    Exit codes: 0 fine, 2 wrong usage, 3 the cloud did not answer.
    """
    from control.maintenance import run
    from control.wiring import connect_warehouse

    _print(list(run.plan(connect_warehouse(os.environ, workgroup), tables, keep_days)), as_json=as_json)


@command.command(
    "run",
    epilog="""\b
Examples:
  dm maintain run
  dm maintain run silver.reviews_state --keep-days 2
  dm maintain run --minutes 20 --unless-busy
""",
)
@click.option("--minutes", type=Duration(), help="Start nothing after N minutes; the next run continues.")
@click.option("--unless-busy", is_flag=True, help="If a build is running, say so and exit with 0.")
@_options
def run(
    tables: tuple[str, ...],
    keep_days: float,
    workgroup: str,
    as_json: bool,
    minutes: float | None,
    unless_busy: bool,
) -> None:
    """Compact the tables and expire old versions, those with the most surplus files first.

    Safe to interrupt and to repeat. For a schedule, use --minutes and --unless-busy; an Athena statement that
    is running at that time may take up to 30 minutes more.

    Exit codes: 0 fine, 2 wrong usage, 3 a build is running, or the cloud did not answer.
    """
    from control.errors import BusyError
    from control.maintenance import run as maintenance
    from control.wiring import connect_warehouse

    most = timedelta.max if minutes is None else timedelta(minutes=minutes)
    # SIGTERM acts like Ctrl-C: it stops the running statement and releases the lease.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    done = []
    try:
        for one in maintenance.run(connect_warehouse(os.environ, workgroup), tables, keep_days, most):
            done.append(one)
            state = "is left for the next run" if one.after is None else "is in order"
            click.echo(f"{one.table} {state}.", err=True)
    except BusyError as error:
        if not unless_busy:
            raise
        click.echo(f"skipped: {error.message}", err=True)
        if not as_json:
            return
    _print(done, as_json=as_json)


@command.command(
    "free",
    epilog="""\b
Examples:
  dm maintain free 5f1c6a0e-0d3b-4f0e-9a55-0e6c1f8f3a11
""",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@options.workgroup
@click.argument("build")
def free(build: str, workgroup: str, as_json: bool) -> None:
    """Free the writer lease of BUILD, which was killed, without waiting for the lease to expire.

    Waits for the statements that the build had started, so that none of them interferes with the next build.
    If the build is still alive, it can publish nothing more. Safe to interrupt and to repeat.

    Exit codes: 0 fine, 2 wrong usage, such as another build that has the lease, 3 the cloud did not answer.
    """
    from control.maintenance import run
    from control.wiring import connect_warehouse

    waited = 0
    for count in run.free(connect_warehouse(os.environ, workgroup), build):
        if waited != count:
            click.echo(f"waiting for {count} statements of build {build}.", err=True)
        waited = count
    if as_json:
        print_json({"build": build, "freed": True})
    else:
        click.echo(f"The lease of build {build} is free.")


def _print(found: "list[Upkeep]", *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_table([_row(one) for one in found], COLUMNS, empty="Nothing was built yet.")


def _row(one: "Upkeep") -> dict[str, Any]:
    def shown(name: str) -> str:
        before = f"{getattr(one.before, name):,}"
        return before if one.after is None else f"{before} -> {getattr(one.after, name):,}"

    return {
        "table": one.table,
        "files": shown("files"),
        "delete_files": shown("delete_files"),
        "bytes": shown("size_bytes"),
        "versions": shown("versions"),
        "kept_days": f"{one.keep_seconds / 86_400:.1f}",
    }
