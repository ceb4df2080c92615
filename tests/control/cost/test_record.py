"""What runs cost is in ops.cost, once for each run however often it is recorded."""

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq

from control.adapters.memory import MemoryCatalog, MemoryObjects
from control.adapters.parquet import encode
from control.cost.record import COLUMNS, record
from control.ports import Execution

DAY = datetime(2026, 1, 1, 23, tzinfo=UTC)


@dataclass
class Remembered:
    """Athena with these statements in its memory."""

    executions: list[Execution] = field(default_factory=list)

    def since(self, moment: datetime) -> Iterable[Execution]:
        return [one for one in self.executions if one.submitted >= moment]

    def add(self, run: str, hours: int, node: str, *, succeeded: bool = True) -> None:
        started = DAY + timedelta(hours=hours)
        comment = {"app": "dbt", "invocation_id": run, "started": started.isoformat(), "node_id": node}
        sql = f"/* {json.dumps(comment)} */ select 1"
        self.executions.append(Execution(sql, "DML", started, 1 << 20, 500, succeeded))


def test_each_run_is_one_object_of_its_day_also_one_that_failed() -> None:
    athena, objects, catalog = Remembered(), MemoryObjects(), MemoryCatalog()
    athena.add("one", 0, "model.lakehouse.a")
    athena.add("two", 2, "model.lakehouse.a")
    athena.add("two", 2, "model.lakehouse.b", succeeded=False)

    def again() -> dict[str, list[dict[str, object]]]:
        record(athena, DAY, objects=objects, catalog=catalog, encode=encode, lake="lake", prefix="dev_")
        return {
            stored.key: pq.read_table(io.BytesIO(objects.get(stored.uri))).to_pylist()
            for stored in objects.list("s3://lake/dev_ops-cost/")
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
    assert catalog.get_partition("dev_ops", "cost", ("2026-01-02",)) is not None

    athena.add("two", 2, "model.lakehouse.c")
    assert again().keys() == first.keys(), "a run that went on is the same object"
