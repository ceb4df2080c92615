"""Maintenance of a warehouse: show what its Iceberg tables need, do it, free the lease of a dead build."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from control.dbt_runs import Run, executions
from control.maintenance import lease
from control.maintenance.tables import DAY_SECONDS, Upkeep, iceberg_tables, maintain, measure, select
from control.ports import Execution, TableEntry, Warehouse


def plan(warehouse: Warehouse, names: Sequence[str], keep_days: float) -> Iterator[Upkeep]:
    """Measure the tables `names`, or all. Raises NotFoundError for a name that is no Iceberg table."""
    entries = iceberg_tables(warehouse.listing, warehouse.settings.schema_prefix)
    return _measured(select(entries, names), entries, warehouse, keep_days)


def run(
    warehouse: Warehouse, names: Sequence[str], keep_days: float, most: timedelta = timedelta.max
) -> Iterator[Upkeep]:
    """Compact the tables `names`, or all, and expire their old versions, while holding the writer lease.

    Starts no statement after `most`. Raises NotFoundError like `plan`, and what `lease.hold` and `maintain`
    raise.
    """
    began, settings = warehouse.clock.now(), warehouse.settings
    entries = iceberg_tables(warehouse.listing, settings.schema_prefix)
    ours = select(entries, names)
    if not ours:
        return
    with lease.hold(warehouse.query, settings.schema_prefix, run=str(uuid4()), who=settings.actor) as renew:
        planned = []
        for one in _measured(ours, entries, warehouse, keep_days):
            renew()
            planned.append(one)
        yield from maintain(planned, warehouse.query, renew, lambda: warehouse.clock.now() - began <= most)


def free(warehouse: Warehouse, build: str) -> Iterator[int]:
    """Free the writer lease of a dead build; see `lease.free`."""

    def issued(invocation: str, since: datetime) -> list[Execution]:
        return [execution for _, execution in executions(Run(invocation, since), warehouse.statements)]

    return lease.free(warehouse.query, warehouse.settings.schema_prefix, build, issued, warehouse.clock)


def _measured(
    ours: Sequence[TableEntry], entries: Sequence[TableEntry], warehouse: Warehouse, keep_days: float
) -> Iterator[Upkeep]:
    models = [entry.name for entry in entries]
    return measure(
        ours, models, warehouse.query, warehouse.settings.schema_prefix, round(keep_days * DAY_SECONDS)
    )
