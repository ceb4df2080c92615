"""Record the cost of runs in the table `ops.cost`, one object per run, which outlives Athena's history."""

from collections.abc import Sequence
from datetime import datetime

from control.cost.runs import Cost, runs
from control.dbt_runs import Run
from control.model import Partition
from control.ports import CatalogColumn, CatalogTable, Warehouse

COLUMNS = (
    CatalogColumn("invocation_id", "string", "dbt's id of the run."),
    CatalogColumn("started_at", "timestamp", "When the run started (UTC)."),
    CatalogColumn("kind", "string", "model, test, unit_test, or operation for hooks and metadata."),
    CatalogColumn("model", "string", "Name of the model or test."),
    CatalogColumn("statements", "bigint", "Statements that it issued."),
    CatalogColumn("failed", "bigint", "How many of them failed or were stopped."),
    CatalogColumn("bytes", "bigint", "Bytes that Athena says they read."),
    CatalogColumn("seconds", "double", "Seconds of Athena's engine."),
    CatalogColumn("dollars", "double", "List price: 5 for a terabyte, at least 10 MB a statement."),
)


def record(warehouse: Warehouse, since: datetime) -> list[tuple[Run, list[Cost]]]:
    """Write the cost of every run that started at or after `since`; return the runs with their costs.

    Safe to repeat, also during a run: its object is overwritten each time.
    """
    prefix = warehouse.settings.schema_prefix
    table = CatalogTable(
        f"{prefix}ops",
        "cost",
        f"s3://{warehouse.settings.bucket}/{prefix}ops-cost/",
        COLUMNS,
        (CatalogColumn("day", "string", "The day (UTC) on which the run started."),),
    )
    found = list(runs(warehouse.statements, since))
    if found:
        warehouse.catalog.ensure_table(table)
    for day in sorted({_day(run) for run, _ in found}):
        place = f"{table.location}day={day}/"
        for run, costs in found:
            if _day(run) == day:
                body = warehouse.encode(COLUMNS, _rows(run, costs))
                warehouse.objects.put(f"{place}{run.invocation_id}.parquet", body)
        warehouse.catalog.add_partition(Partition(table.database, table.name, (day,), place, {}))
    return found


def _day(run: Run) -> str:
    return f"{run.started:%Y-%m-%d}"


def _rows(run: Run, costs: Sequence[Cost]) -> list[tuple[object, ...]]:
    return [
        (
            run.invocation_id,
            run.started,
            one.kind,
            one.model,
            one.statements,
            one.failed,
            one.bytes,
            one.seconds,
            one.dollars,
        )
        for one in costs
    ]
