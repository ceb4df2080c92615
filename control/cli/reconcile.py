"""`dm reconcile`: compare gold, or other tables, with a full recompute."""

import signal
import sys
from pathlib import Path

import click

from control.cli.output import print_json, print_table


@click.command(
    "reconcile",
    epilog="""\b
Examples:
  dm reconcile
  dm reconcile review_flat top_drinkers --json
  dbt run --select path:models/gold --vars 'reconcile: true'    (the same, as a dbt operation)
""",
)
@click.argument("select", nargs=-1)
@click.option(
    "--profiles-dir", type=click.Path(path_type=Path), default=Path("profiles"), show_default=True,
    help="Folder of dbt's profiles.yml.",
)  # fmt: skip
@click.option("--target", help="Target of the profile [default: the profile's own].")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(select: tuple[str, ...], profiles_dir: Path, target: str | None, as_json: bool) -> None:
    """Compare tables with their full recompute, row for row, without changing anything.

    SELECT is a selection as in dbt's --select; by default all of gold is compared. A gold table is recomputed
    from the version of its flat table that it last consumed (or from silver as it is now, if it reads no flat
    table), a state table from the batches that it consumed. Then all rows of a table are checked against its
    contract, since builds only check the rows that they write.
    Exit codes: 0 all the same, 1 a table differs or breaks its contract, 2 wrong usage or not built yet,
    3 a statement failed.
    """
    from control.errors import NotFoundError
    from control.reconcile import reconcile

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C, it also ends dbt
    dbt = Path(sys.executable).with_name("dbt")
    found = reconcile(select or ("path:models/gold",), dbt=dbt, profiles=profiles_dir, target=target)
    if select and not found:
        raise NotFoundError(
            f"no table could be compared: dbt selects none for {' '.join(select)}",
            hint="name gold models, or silver state tables such as beers_state; views cannot be compared",
        )
    same = all(one.result == "same" for one in found)
    if as_json:
        print_json({"ok": same, "tables": found})
    else:
        rows = [{"model": one.model, "result": one.result} for one in found]
        print_table(rows, ["model", "result"], empty="There is no model in models/gold.")
        for one in found:
            if one.message:
                click.echo(f"{one.model}: {one.message}", err=True)
    sys.exit(0 if same else 1)
