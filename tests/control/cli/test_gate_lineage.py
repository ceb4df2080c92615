"""The gate names who uses a changed column through other tables, and says so if it has no lineage."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from control.cli.main import dm
from control.errors import UsageError

BASE = Path(__file__).parents[1] / "contracts/gate/base"
BRONZE, ORDERS = "head/contracts/bronze/order.yaml", "head/contracts/silver/orders.yaml"
EDGES = [
    ("bronze.order.weight", "silver.orders_state.weight", "direct"),
    ("bronze.order.status", "silver.orders_state.status", "direct"),
    ("silver.orders_state.weight", "silver.orders.weight", "direct"),
    ("silver.orders_state.status", "silver.orders.status", "direct"),
    ("silver.orders.weight", "gold.sales_by_month.mean_weight", "direct"),
    ("silver.orders.status", "gold.sales_by_month.mean_weight", "indirect"),
    ("silver.orders.status", "gold.sales_by_month.revenue", "indirect"),
    ("gold.sales_by_month.revenue", "gold.ranking.place", "indirect"),
]


@pytest.fixture(autouse=True)
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(BASE, tmp_path / "base")
    shutil.copytree(BASE, tmp_path / "head/contracts")
    (tmp_path / "lineage.json").write_text(
        json.dumps(
            {
                "version": 1,
                "edges": [{"from": a, "to": b, "kind": kind, "expression": ""} for a, b, kind in EDGES],
                "unresolved": [],
            }
        )
    )
    monkeypatch.chdir(tmp_path)


def gate(*options: str) -> Result:
    arguments = ["contract", "gate", "--base", "base", "--head", "head", "--today", "2026-06-01", *options]
    return CliRunner().invoke(dm, arguments)


def change(file: str, old: str, new: str) -> None:
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new, 1))


def drop(file: str, column: str) -> None:
    before, _, rest = Path(file).read_text().partition(f"      - name: {column}\n")
    end = min(rest.index(mark) for mark in ("      - name: ", "customProperties:\n  - ") if mark in rest)
    Path(file).write_text(before + rest[end:])


def consumers(code: str) -> list[str]:
    found = json.loads(gate("--json", "--lineage", "lineage.json").stdout)["findings"]
    [finding] = [f for f in found if f["code"] == code]
    names: list[str] = finding["consumers"]
    return names


def test_consumers_that_read_the_value_through_other_tables_are_named() -> None:
    change(BRONZE, "physicalType: float", "physicalType: string")
    assert consumers("type-changed") == [
        "silver.orders", "silver.orders_state", "gold.sales_by_month", "board"
    ], "finance declares that it does not read mean_weight"  # fmt: skip


def test_a_table_that_only_filters_by_the_column_is_named_but_not_its_readers() -> None:
    drop(BRONZE, "status")
    named = consumers("column-dropped")
    assert "gold.sales_by_month" in named
    assert not {"board", "finance", "gold.ranking"} & set(named)


def test_a_change_of_the_whole_table_affects_every_column() -> None:
    Path(ORDERS).unlink()
    assert consumers("table-removed") == ["silver.order_flat", "crm", "gold.sales_by_month", "board"]


def test_exposures_of_downstream_tables_are_named() -> None:
    change(BRONZE, "physicalType: float", "physicalType: string")
    Path("head/models").mkdir()
    Path("head/models/exposures.yml").write_text(
        "exposures:\n"
        "  - {name: scales, type: dashboard, depends_on: [ref('sales_by_month')],\n"
        "     config: {meta: {columns: [sales_by_month.mean_weight]}}}\n"
        "  - {name: money, type: dashboard, depends_on: [ref('sales_by_month')],\n"
        "     config: {meta: {columns: [sales_by_month.revenue]}}}\n"
    )
    assert "scales" in consumers("type-changed")
    assert "money" not in consumers("type-changed")


def test_the_column_through_which_each_consumer_uses_it_is_shown() -> None:
    change(BRONZE, "physicalType: float", "physicalType: string")
    result = gate("--lineage", "lineage.json")
    assert "  read by silver.orders\n" in result.stdout
    assert (
        "gold.sales_by_month (silver.orders.weight), board (gold.sales_by_month.mean_weight)" in result.stdout
    )
    finding = json.loads(gate("--json", "--lineage", "lineage.json").stdout)["findings"][0]
    assert {"consumer": "board", "by": "gold.sales_by_month.mean_weight"} in finding["through_lineage"]


def test_a_change_that_affects_no_reader_names_none() -> None:
    change(BRONZE, "description: Weight in kilograms.", "description: Kilograms.")
    assert consumers("words-changed") == []


def test_without_lineage_only_declared_readers_are_named_and_the_gap_is_reported() -> None:
    change(BRONZE, "physicalType: float", "physicalType: string")
    result = gate("--json")
    assert json.loads(result.stdout)["findings"][0]["consumers"] == ["silver.orders"]
    assert "no column lineage" in result.stderr
    Path("head/target").mkdir()
    shutil.move("lineage.json", "head/target/lineage.json")
    result = gate("--json")
    assert "gold.sales_by_month" in json.loads(result.stdout)["findings"][0]["consumers"]
    assert result.stderr == ""


def test_a_file_that_is_not_a_lineage_is_a_usage_error() -> None:
    Path("lineage.json").write_text("{}")
    error = gate("--lineage", "lineage.json").exception
    assert isinstance(error, UsageError)
    assert "is not a lineage" in error.message
