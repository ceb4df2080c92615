"""`dm cost`: what the models of the last dbt run read, took and cost."""

from pathlib import Path

import click

from control.cli.output import print_json, print_table

COLUMNS = ["model", "statements", "bytes", "seconds", "dollars"]


@click.command(
    "cost",
    epilog="""\b
Examples:
  dm cost
  dm cost --target /tmp/my-target --json
""",
)
@click.option(
    "--target", type=click.Path(path_type=Path), default=Path("target"), show_default=True,
    help="Folder with run_results.json of the dbt run.",
)  # fmt: skip
@click.option("--workgroup", envvar="DM_WORKGROUP", default="primary", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(target: Path, workgroup: str, as_json: bool) -> None:
    """Add up every Athena statement of the last dbt run by the model or test that issued it.

    Seconds are those of Athena's engine. Dollars are list price: 5 for a terabyte read, at least 10 MB for
    each statement. Statements that dbt did not issue are left out.
    Exit codes: 0 fine, 2 no run_results.json, 3 Athena did not answer.
    """
    import os

    from control import cost
    from control.wiring import statements

    run = cost.last_run(target)
    found = cost.costs(run, statements(os.environ, workgroup))
    if as_json:
        print_json({"invocation_id": run.invocation_id, "models": found, "total": cost.total(found)})
        return
    rows = [
        {
            "model": one.model,
            "statements": one.statements,
            "bytes": one.bytes,
            "seconds": f"{one.seconds:.2f}",
            "dollars": f"{one.dollars:.6f}",
        }
        for one in (*found, cost.total(found))
    ]
    print_table(rows if found else [], COLUMNS, empty="Athena remembers no statement of that run.")
