"""`dm cost`: what dbt runs read and cost, and whether the last one stayed within its budgets."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from control.cli import options
from control.cli.durations import Duration
from control.cli.output import counted, print_findings, print_json, print_table

if TYPE_CHECKING:
    from control.cost.runs import Cost
    from control.dbt_runs import Run

COLUMNS = ["model", "statements", "failed", "bytes", "seconds", "dollars"]
_TARGET = click.option(
    "--target", type=click.Path(path_type=Path), default=Path("target"), show_default=True,
    help="Folder with the artefacts of the dbt run.",
)  # fmt: skip
_JSON = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


@click.group("cost")
def command() -> None:
    """Bytes, seconds, statements and dollars of dbt runs, by model and test.

    Athena keeps a history of every statement for 45 days, so failed and killed runs are counted, too.
    """


@command.command(
    "show",
    epilog="""\b
Examples:
  dm cost show
  dm cost show --target /tmp/my-target --json
""",
)
@_TARGET
@options.workgroup
@_JSON
def show(target: Path, workgroup: str, as_json: bool) -> None:
    """Add up every Athena statement of the last dbt run by the model or test that issued it.

    Seconds are those of Athena's engine. Dollars are list price: 5 per terabyte read, for at least 10 MB per
    statement. Statements outside models and tests are shown as `(run)`.
    Exit codes: 0 fine, 2 no run_results.json, 3 Athena did not answer.
    """
    from control.cost import runs
    from control.dbt_runs import last_run
    from control.wiring import statements

    run = last_run(target)
    found = runs.costs(run, statements(os.environ, workgroup))
    if as_json:
        print_json({"invocation_id": run.invocation_id, "models": found, "total": runs.total(found)})
        return
    rows = _shown([*found, runs.total(found)]) if found else []
    print_table(rows, COLUMNS, empty="Athena's history has no statement of that run.")


@command.command(
    "record",
    epilog="""\b
Examples:
  dm cost record
  dm cost record --days 45          all of Athena's history
""",
)
@click.option(
    "--days", type=Duration(most=45, min_open=True), default=2.0, show_default=True,
    help="Include runs that started in the last N days.",
)  # fmt: skip
@options.workgroup
@_JSON
def record(days: float, workgroup: str, as_json: bool) -> None:
    """Keep the cost of dbt runs in the table ops.cost, so that it outlives Athena's history.

    It reads Athena's history, not dbt's results, so it does not matter how a run ended. Safe to repeat: each
    run is written once.
    Exit codes: 0 fine, 2 wrong usage, 3 the cloud did not answer.
    """
    from control.cost.record import record as keep
    from control.wiring import connect_warehouse

    found = keep(connect_warehouse(os.environ, workgroup), datetime.now(UTC) - timedelta(days=days))
    if as_json:
        print_json([{"run": run, "models": costs} for run, costs in found])
        return
    print_table(
        [_run_row(run, costs) for run, costs in found],
        ["run", "started", *COLUMNS[1:]],
        empty="Athena's history has no dbt run of that time.",
    )


@command.command(
    "check",
    epilog="""\b
Examples:
  dm cost check --last costs.json
  dm cost check --last costs.json --write      (accept what the build read now)
""",
)
@click.option(
    "--last", type=click.Path(path_type=Path), required=True, help="File with the bytes of the last build."
)
@click.option("--write", "writes", is_flag=True, help="Write that file from this build instead.")
@_TARGET
@options.workgroup
@_JSON
def check(last: Path, writes: bool, target: Path, workgroup: str, as_json: bool) -> None:
    """Compare the bytes that each model read in the last dbt run with an earlier build, by its budget.

    A contract allows `budget: {scan: 1.5}` times the earlier bytes (a custom property, 1.5 by default). Meant
    for builds of the same sample data. With --write, models that were not built keep their figures.
    Exit codes: 0 within budget, 1 a model is over, 2 a file is missing, 3 Athena did not answer.
    """
    from control.cost import budget, runs
    from control.dbt_runs import last_run
    from control.doctor.manifest import read
    from control.wiring import statements

    found = runs.costs(last_run(target), statements(os.environ, workgroup))
    allowed = budget.budgets(read(target))
    if writes:
        count = budget.write(last, found, allowed)
        if as_json:
            print_json({"file": str(last), "models": count})
        else:
            click.echo(f"{last}: the next build is compared with what {counted(count, 'model')} read now")
        return
    findings = budget.check(found, budget.last_build(last), allowed)
    sys.exit(0 if print_findings(findings, as_json=as_json) else 1)


def _shown(costs: Sequence["Cost"]) -> list[dict[str, object]]:
    return [
        {
            "model": one.model,
            "statements": one.statements,
            "failed": one.failed,
            "bytes": one.bytes,
            "seconds": f"{one.seconds:.2f}",
            "dollars": f"{one.dollars:.6f}",
        }
        for one in costs
    ]


def _run_row(run: "Run", costs: Sequence["Cost"]) -> dict[str, object]:
    from control.cost.runs import total

    (row,) = _shown([total(costs)])
    return {"run": run.invocation_id, "started": f"{run.started:%Y-%m-%d %H:%M:%S}", **row}
