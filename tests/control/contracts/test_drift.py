import copy
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from control.adapters.memory import MemoryCatalog, MemoryClock, MemoryObjects, MemoryStore
from control.adapters.parquet import hive_columns
from control.config import Settings
from control.contracts import render_dbt, technical
from control.contracts.drift import Drift, drift
from control.contracts.lint import lint
from control.contracts.model import Contract
from control.model import Head, Partition, Tally
from control.ports import CatalogColumn, Parts, SeenTable, TableEntry

NOW = datetime(2026, 1, 2, tzinfo=UTC)


class Seen(MemoryCatalog):
    """A catalog that also has views and Iceberg tables."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[tuple[str, str], SeenTable] = {}

    def get_table(self, database: str, table: str) -> SeenTable | None:
        return self.seen.get((database, table))


class Listed:
    """Lists the tables of a catalog."""

    def __init__(self, catalog: Seen) -> None:
        self.catalog = catalog

    def tables(self, database: str) -> list[TableEntry]:
        return [TableEntry(at, name, "", False, {}) for at, name in self.catalog.seen if at == database]


class Lake:
    """A lake that matches the contracts exactly, to be damaged by tests."""

    def __init__(self, contracts: tuple[Contract, ...]) -> None:
        self.contracts = contracts
        self.catalog, self.objects, self.store = Seen(), MemoryObjects(), MemoryStore()
        self.manifest: dict[str, Any] = {"nodes": {}}
        for path, text in render_dbt.render(contracts).items():
            for model in yaml.safe_load(text).get("models", []) if path != "sources.yml" else []:
                self._model(path.partition("/")[0], model)
        for contract in contracts:
            if contract.layer == "bronze":
                columns = tuple(CatalogColumn(c.name, c.type) for c in technical.bronze_columns(contract))
                keys = tuple(CatalogColumn(c.name, c.type) for c in technical.partition_keys())
                self.catalog.seen["bronze", contract.table] = SeenTable(columns, keys)

    def _model(self, layer: str, model: dict[str, Any]) -> None:
        columns = tuple(CatalogColumn(c["name"], c["data_type"]) for c in model["columns"])
        self.catalog.seen[layer, model["name"]] = SeenTable(columns, ())
        self.manifest["nodes"][f"model.lakehouse.{model['name']}"] = {
            "resource_type": "model",
            "name": model["name"],
            "columns": {
                c["name"]: {"name": c["name"], "data_type": c["data_type"]} for c in model["columns"]
            },
            "config": model["config"],
        }

    def retype(self, schema: str, table: str, **types: str | None) -> None:
        """Change the types of columns in the catalog; None removes a column."""
        seen = self.catalog.seen[schema, table]
        changed = {c.name: types.get(c.name, c.type) for c in seen.columns} | types
        columns = tuple(CatalogColumn(name, kind) for name, kind in changed.items() if kind)
        self.catalog.seen[schema, table] = SeenTable(columns, seen.partition_keys, seen.metadata)

    def drift(self, prefix: str = "", bronze: str = "bronze") -> list[Drift]:
        parts = Parts(
            settings=Settings(schema_prefix=prefix), store=self.store, objects=self.objects,
            catalog=self.catalog, engines={},
            clock=MemoryClock(NOW), event_kinds=lambda body: {}, say=lambda event, fields: None,
        )  # fmt: skip
        return list(drift(self.contracts, parts, Listed(self.catalog), bronze, hive_columns, self.manifest))

    def codes(self) -> list[tuple[str, str, str, str]]:
        return [(d.code, d.table, d.where, d.column) for d in self.drift()]


@pytest.fixture
def lake(tree: Path) -> Lake:
    return Lake(lint([tree]).contracts)


def test_a_lake_that_matches_its_contracts_has_no_drift(lake: Lake) -> None:
    assert lake.drift() == []


def test_text_types_are_equal_in_the_catalog(lake: Lake) -> None:
    lake.retype("silver", "items", item_name="varchar(20)")
    assert lake.drift() == []


def test_a_changed_type_a_missing_and_an_unknown_column_are_found(lake: Lake) -> None:
    lake.retype("silver", "items", price="decimal(38,9)", seller=None, more="int")
    found = lake.drift()
    assert [(d.code, d.column, d.expected, d.found) for d in found] == [
        ("type-differs", "price", "decimal(10,2)", "decimal(38,9)"),
        ("column-absent", "seller", "string", ""),
        ("column-unstated", "more", "", "int"),
    ]


def test_an_added_column_of_a_state_table_comes_after_the_technical_ones(lake: Lake) -> None:
    seen = lake.catalog.seen["silver", "items_state"]
    [last] = [column for column in seen.columns if not column.name.startswith("_")][-1:]
    rest = [column for column in seen.columns if column is not last]
    lake.catalog.seen["silver", "items_state"] = SeenTable((*rest, last), ())
    assert lake.drift() == []


def test_another_column_order_and_a_missing_table_are_found(lake: Lake) -> None:
    seen = lake.catalog.seen["gold", "sales_by_day"]
    lake.catalog.seen["gold", "sales_by_day"] = SeenTable(seen.columns[::-1], ())
    del lake.catalog.seen["silver", "sales"]
    assert sorted(lake.codes()) == [
        ("order-differs", "gold.sales_by_day", "catalog", ""),
        ("table-absent", "silver.sales", "catalog", ""),
    ]


def test_a_table_without_a_contract_is_found_only_in_our_layers(lake: Lake) -> None:
    others = [("silver", "orders_state"), ("bronze", "order"), ("gold", "a__dbt_tmp_1"), ("elsewhere", "a")]
    for place in [*others, ("bronze", f"{lake.contracts[0].table}_events")]:
        lake.catalog.seen[place] = SeenTable((), ())
    assert lake.contracts[0].layer == "bronze"
    assert lake.codes() == [
        ("table-unstated", "bronze.order", "catalog", ""),
        ("table-unstated", "silver.orders_state", "catalog", ""),
    ]


def test_a_developer_may_share_bronze_and_have_a_prefix_elsewhere(lake: Lake) -> None:
    lake.catalog.seen = {
        (at if at == "bronze" else f"ann_{at}", name): seen for (at, name), seen in lake.catalog.seen.items()
    }
    lake.catalog.seen["bronze", "of_others"] = SeenTable((), ())
    assert lake.drift("ann_") == []
    assert {d.code for d in lake.drift("ann_", "ann_bronze")} == {"table-absent"}


def test_only_the_current_schema_of_iceberg_counts(lake: Lake) -> None:
    seen = lake.catalog.seen["gold", "sales_by_day"]
    lake.catalog.seen["gold", "sales_by_day"] = SeenTable(seen.columns, (), "s3://lake/m.json")
    assert lake.codes() == [("metadata-absent", "gold.sales_by_day", "iceberg", "")]
    types = {"bigint": "long"}
    now = [{"name": c.name, "type": types.get(c.type, c.type)} for c in seen.columns]
    old = [{"name": "gone", "type": {"type": "list", "element": "int"}}]
    metadata = {
        "current-schema-id": 1,
        "schemas": [{"schema-id": 0, "fields": old}, {"schema-id": 1, "fields": now}],
    }
    lake.objects.put("s3://lake/m.json", json.dumps(metadata).encode())
    assert lake.codes() == []
    metadata["current-schema-id"] = 0
    lake.objects.put("s3://lake/m.json", json.dumps(metadata).encode())
    assert ("column-unstated", "gold.sales_by_day", "iceberg", "gone") in lake.codes()


def test_the_footer_of_the_newest_batch_is_read(lake: Lake) -> None:
    item = next(c for c in lake.contracts if c.layer == "bronze")
    for number, kind in ((1, pa.int32()), (2, pa.int64())):
        lake.store.put(Head("item", number, tally=Tally(number, published_at=NOW)))
        folder = f"s3://lake/bronze/item/b{number}-e1/"
        partition = Partition("bronze", "item", ("2026-01-02", str(number)), folder, {})
        lake.catalog.partitions["bronze", "item", partition.values] = partition
        types = {"bigint": kind, "int": pa.int32(), "timestamp": pa.timestamp("us"), "string": pa.string()}
        fields = [(c.name, types.get(c.type, pa.decimal128(10, 2))) for c in technical.bronze_columns(item)]
        sink = io.BytesIO()
        pq.write_table(pa.schema(fields).empty_table(), sink)
        lake.objects.put(f"{folder}f.parquet", sink.getvalue())
        narrow = [d for d in lake.drift() if d.where == "parquet"]
        assert bool(narrow) == (number == 1)
    del lake.catalog.partitions["bronze", "item", ("2026-01-02", "2")]
    assert lake.drift() == [], "retention has released it since"


def test_a_manifest_that_does_not_match_the_contracts_is_found(lake: Lake) -> None:
    node = lake.manifest["nodes"]["model.lakehouse.items"]
    node["config"] = copy.deepcopy(node["config"])
    node["config"]["contract"]["enforced"] = False
    node["config"]["meta"]["contract_version"] = "1.0.0"
    del lake.manifest["nodes"]["model.lakehouse.sales"]
    assert sorted(code for code, *_ in lake.codes()) == ["model-absent", "not-enforced", "version-differs"]


def test_a_partition_without_objects_is_no_drift(lake: Lake) -> None:
    lake.catalog.partitions["bronze", "item", ("2026-01-02", "1")] = Partition(
        "bronze", "item", ("1",), "s3://l/", {}
    )
    assert lake.drift() == []
