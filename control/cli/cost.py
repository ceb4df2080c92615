"""`dm cost`: what dbt runs read, took and cost, and whether the last one kept to its budgets."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from control.cli import options
from control.cli.output import counted, print_findings, print_json, print_table
from control.cli.spans import Span

if TYPE_CHECKING:
    from control.cost.runs import Cost, Run

COLUMNS = ["model", "statements", "failed", "bytes", "seconds", "dollars"]
_TARGET = click.option(
    "--target", type=click.Path(path_type=Path), default=Path("target"), show_default=True,
    help="Folder with the artefacts of the dbt run.",
)  # fmt: skip
_JSON = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


@click.group("cost")
def command() -> None:
    """Bytes, seconds, statements and dollars of dbt runs, by the model or test that issued them.

    Athena itself remembers every statement for 45 days, so a run that failed or was killed is counted too.
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

    Seconds are those of Athena's engine. Dollars are list price: 5 for a terabyte read, at least 10 MB for
    each statement. What dbt asks outside of a model is `(run)`.
    Exit codes: 0 fine, 2 no run_results.json, 3 Athena did not answer.
    """
    from control.cost import runs
    from control.wiring import statements

    run = runs.last_run(target)
    found = runs.costs(run, statements(os.environ, workgroup))
    if as_json:
        print_json({"invocation_id": run.invocation_id, "models": found, "total": runs.total(found)})
        return
    rows = _shown([*found, runs.total(found)]) if found else []
    print_table(rows, COLUMNS, empty="Athena remembers no statement of that run.")


@command.command(
    "record",
    epilog="""\b
Examples:
  dm cost record
  dm cost record --days 45          all that Athena remembers
""",
)
@click.option(
    "--days", type=Span(most=45, min_open=True), default=2.0, show_default=True,
    help="Runs that started in the last so many days.",
)  # fmt: skip
@options.workgroup
@_JSON
def record(days: float, workgroup: str, as_json: bool) -> None:
    """Keep what dbt runs cost in the table ops.cost, so that it outlives Athena's memory.

    Asks Athena and not dbt, so it makes no difference how a run ended. Safe to repeat: a run is written once.
    Exit codes: 0 fine, 2 wrong usage, 3 the cloud did not answer.
    """
    from control.wiring import record_costs

    found = record_costs(os.environ, workgroup, datetime.now(UTC) - timedelta(days=days))
    if as_json:
        print_json([{"run": run, "models": costs} for run, costs in found])
        return
    print_table(
        [_run_row(run, costs) for run, costs in found],
        ["run", "started", *COLUMNS[1:]],
        empty="Athena remembers no dbt run of that time.",
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
    """Compare what each model of the last dbt run read with the build before, by its contract's budget.

    A contract allows `budget: {scan: 1.5}` times the bytes (custom property; 1.5 where it says nothing).
    Meant for builds of the same sample data. Models that the build left out keep what the file says of them.
    Exit codes: 0 within budget, 1 a model is over, 2 a file is missing, 3 Athena did not answer.
    """
    from control.cost import budget, runs
    from control.doctor.manifest import read
    from control.wiring import statements

    found = runs.costs(runs.last_run(target), statements(os.environ, workgroup))
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
