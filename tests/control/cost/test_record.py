"""The costs of runs are in ops.cost, once per run however often they are recorded."""

import io
import json
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
from memory_warehouse import memory_warehouse

from control.cost.record import COLUMNS, record
from control.ports import Execution

DAY = datetime(2026, 1, 1, 23, tzinfo=UTC)


def statement(run: str, hours: int, node: str, *, succeeded: bool = True) -> Execution:
    started = DAY + timedelta(hours=hours)
    comment = {"app": "dbt", "invocation_id": run, "started": started.isoformat(), "node_id": node}
    sql = f"/* {json.dumps(comment)} */ select 1"
    return Execution(sql, "DML", started, 1 << 20, 500, succeeded)


def test_each_run_even_a_failed_one_is_one_object_of_its_day() -> None:
    history = [
        statement("one", 0, "model.lakehouse.a"),
        statement("two", 2, "model.lakehouse.a"),
        statement("two", 2, "model.lakehouse.b", succeeded=False),
    ]
    warehouse = memory_warehouse("dev_", executions=history)

    def again() -> dict[str, list[dict[str, object]]]:
        record(warehouse, DAY)
        return {
            stored.key: pq.read_table(io.BytesIO(warehouse.objects.get(stored.uri))).to_pylist()
            for stored in warehouse.objects.list("s3://lake/dev_ops-cost/")
        }

    first = again()
    assert list(first) == [
        "dev_ops-cost/day=2026-01-01/one.parquet",
        "dev_ops-cost/day=2026-01-02/two.parquet",
    ]
    (two_b,) = [row for row in first["dev_ops-cost/day=2026-01-02/two.parquet"] if row["model"] == "b"]
    assert two_b["failed"] == 1
    assert two_b["started_at"] == datetime(2026, 1, 2, 1)
    assert set(two_b) == {column.name for column in COLUMNS}
    assert warehouse.catalog.get_partition("dev_ops", "cost", ("2026-01-02",)) is not None

    history.append(statement("two", 2, "model.lakehouse.c"))
    assert again().keys() == first.keys(), "a run that continued is the same object"
