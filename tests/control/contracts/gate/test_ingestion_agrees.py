"""The gate compared with ingestion, for each change of a bronze contract in `matrix/`.

The gate's verdict for producers is compared with what happens to the same deliveries before and after the
change: a file of change records and an extract, with every column of the contract before the change.
"""

import gzip
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from mutations import cases, trees
from test_matrix import gate

from bronze.schema import arrow_type
from control.adapters.light import LightEngine
from control.adapters.memory import MemoryCatalog, MemoryClock, MemoryObjects, MemoryStore
from control.adapters.parquet import event_kinds, hive_columns
from control.config import Settings
from control.contracts import load, render_bronze
from control.ingest import tables
from control.ingest.rules import Rules
from control.ingest.run import Outcome, run
from control.model import Batch
from control.ports import Parts, every

CASES = [case for case in cases() if case["file"] == "bronze/order.yaml" and not case.get("delete")]
# Types that Athena reads as another, by AWS's user guide ("Change a column data type") and by Trino, even
# with conditions on the column: `tests/trino/test_older_partitions.py`.
READ_AS = {("int", "bigint")}
# Changes that break promises unknown to ingestion: to the people in the data, or to silver's state.
UNSEEN = {
    "classification-changed", "pii-tag-removed", "key-changed", "partitioning-changed", "version-lowered",
}  # fmt: skip
STOPS = "Ingestion stops"
VALUES = {
    "int": 7, "bigint": 8, "decimal": 1.5, "float": 0.5, "double": 0.25, "string": "text",
    "date": "2026-01-02", "timestamp": "2026-01-02T03:04:05.678901Z", "array": [1], "map": {"k": 1},
    "struct": {"a": 1, "b": "text"},
}  # fmt: skip

KEY = b"a key for tests, as long as one has to be"


@dataclass(frozen=True, slots=True)
class Table:
    """A bronze table `order` in memory, whose raw files the real parser reads."""

    parts: Parts
    folder: Path

    def ingest(self, contract: dict[str, Any], deliveries: dict[str, str]) -> Outcome:
        """Land the deliveries and run ingestion under the contract."""
        for name, text in deliveries.items():
            self.parts.objects.put(f"s3://lake/raw/order/{name}.gz", gzip.compress(text.encode(), mtime=0))
        path = self.folder / "bronze/order.yaml"
        path.write_text(yaml.safe_dump(contract, sort_keys=False))
        for name, text in render_bronze.render([load.one(path)]).items():
            (self.folder / "rendered" / name).write_text(text)
        return run(tables.load(self.parts.settings), self.parts, Rules(), mode="until_idle")

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every visible row with its batch. Each existing column is read as the catalog's type."""
        catalog = self.parts.catalog
        seen = catalog.get_table("bronze", "order")
        assert seen is not None
        for batch in every(self.parts.store, Batch, "order"):
            found = catalog.get_partition("bronze", "order", (batch.ingest_date, str(batch.number)))
            for stored in self.parts.objects.list(found.location) if found else ():
                body = self.parts.objects.get(stored.uri)
                written = dict(hive_columns(body))
                for column in seen.columns:
                    kind = written.get(column.name, column.type)
                    assert kind == column.type or (kind, column.type) in READ_AS, (column, kind)
                file = pq.read_table(io.BytesIO(body))
                read = {c.name: file[c.name].cast(arrow_type(c.type)).to_pylist()
                        for c in seen.columns if c.name in written}  # fmt: skip
                yield from ({**row, "batch": batch.number} for row in _transposed(read, file.num_rows))


def _transposed(columns: dict[str, list[Any]], count: int) -> Iterator[dict[str, Any]]:
    yield from ({name: values[at] for name, values in columns.items()} for at in range(count))


@pytest.fixture
def table(tmp_path: Path) -> Table:
    for folder in ("bronze", "rendered/bronze"):
        (tmp_path / folder).mkdir(parents=True)
    objects = MemoryObjects()
    engine = LightEngine(objects, KEY)
    parts = Parts(
        settings=Settings(bucket="lake", contracts=tmp_path, token_key=KEY),
        store=MemoryStore(),
        objects=objects,
        catalog=MemoryCatalog(),
        engines={"light": engine, "spark": engine},
        clock=MemoryClock(datetime(2026, 1, 2, tzinfo=UTC)),
        event_kinds=event_kinds,
        say=lambda event, fields: None,
    )
    return Table(parts, tmp_path)


def deliveries(contract: dict[str, Any], part: int) -> dict[str, str]:
    """Return what the shop sends under `contract`: changes with and without optional columns; an extract."""
    columns = contract["schema"][0]["properties"]
    custom = {one["property"]: one["value"] for one in contract["schema"][0]["customProperties"]}
    full = {_called(column): _value(column["physicalType"]) for column in columns}
    bare = {_called(column): full[_called(column)] if column.get("required") else None for column in columns}
    sent = [full, bare]
    if custom["unknownKeys"] != "freeze":
        sent.append(full | {"surprise": 1})
    if custom["absent"] == "null":
        sent.append({name: value for name, value in bare.items() if value is not None})
    changes = [_change(data, 16 * part + at) for at, data in enumerate(sent)]
    lines = (",".join(columns_of(row, custom.get("delimiter", ","))) for row in (full, bare))
    extract = "\n".join([",".join(full), *lines, ""])
    return {f"{part}.json": "\n".join(changes), f"extract={part}/{part}.csv": extract}


def _called(column: dict[str, Any]) -> str:
    """Return the shop's name of a column."""
    stated = [one["value"] for one in column.get("customProperties", []) if one["property"] == "rawName"]
    return str(stated[0]) if stated else str(column["name"])


def columns_of(row: dict[str, Any], delimiter: str) -> list[str]:
    """Return a row as the fields of a CSV line."""
    assert delimiter == ","
    texts = ("" if v is None else v if isinstance(v, str) else json.dumps(v) for v in row.values())
    return ['"' + text.replace('"', '""') + '"' if '"' in text or "," in text else text for text in texts]


def _value(kind: str) -> Any:
    name = re.split("[(<]", kind)[0].lower()
    if name == "struct":
        return {key: VALUES["struct"][key] for key in re.findall(r"(\w+):", kind)}
    return VALUES[name]


def _change(data: dict[str, Any], position: int) -> str:
    place = {"stream-position": f"0/{position:X}", "transaction-record-id": 1}
    metadata = {"operation": "update", "record-type": "data", "timestamp": "2026-01-02T00:00:00Z", **place}
    return json.dumps({"data": data, "metadata": metadata})


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']}: {case['case']}")
def test_the_gate_predicts_what_ingestion_does(case: dict[str, Any], table: Table) -> None:
    base, head = (tree[case["file"]] for tree in trees(case))
    changes = [found.change for found in gate({case["file"]: base}, {case["file"]: head}).findings]
    before = table.ingest(base, deliveries(base, 1))
    accepted = list(table.rows())
    assert not before.findings
    assert len(accepted) >= 4
    after = table.ingest(head, deliveries(base, 2))
    stopped = [found for found in after.findings if found.code == "table.blocked"]
    both = list(table.rows())
    assert bool(stopped) == any(STOPS in change.message for change in changes), after.findings
    batches = {row["batch"] for row in accepted}
    kept = [column["name"] for column in base["schema"][0]["properties"]]
    old, new = (
        sorted(repr([row.get(name) for name in kept]) for row in both if (row["batch"] in batches) == was)
        for was in (True, False)
    )
    assert len(old) == len(accepted), "published rows must still be readable"
    if len(new) < len(old):
        assert {change.producers for change in changes} & {"risky", "breaking"}, after.findings
    else:
        assert new == old
        assert "breaking" not in {change.producers for change in changes if change.code not in UNSEEN}


def test_the_matrix_has_every_kind_of_change_that_ingestion_can_show() -> None:
    kinds = {case["kind"] for case in CASES}
    assert {"columns", "nullability", "type_widening", "bronze_types", "order", "key", "parsing", "privacy",
            "partitioning"} <= kinds  # fmt: skip
