"""What the small tree of contracts next to this file is rendered to for dbt and Glue."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment

import bronze.contract
from control.contracts import render_bronze, render_dbt
from control.contracts.lint import lint


@pytest.fixture
def files(tree: Path) -> Mapping[str, str]:
    return render_dbt.render(lint([tree]).contracts)


def model(files: Mapping[str, str], path: str) -> dict[str, Any]:
    [only] = yaml.safe_load(files[path])["models"]
    return dict(only)


def column(entry: Mapping[str, Any], name: str) -> dict[str, Any]:
    return next(dict(c) for c in entry["columns"] if c["name"] == name)


def constraints(entry: Mapping[str, Any]) -> list[tuple[object, ...]]:
    """Return each constraint as its type, followed by what distinguishes it."""
    shown = []
    for c in entry.get("constraints", []):
        assert (c["warn_unsupported"], c["warn_unenforced"]) == (False, False)
        shown.append(tuple(c[k] for k in ("type", "name", "expression", "columns") if k in c))
    return [tuple(tuple(v) if isinstance(v, list) else v for v in entry) for entry in shown]


def test_each_model_has_a_file_and_so_have_sources_groups_and_exposures(
    files: Mapping[str, str],
) -> None:
    assert sorted(files) == [
        "exposures.yml",
        "gold/sales_by_day.yml",
        "groups.yml",
        "silver/items.yml",
        "silver/items_state.yml",
        "silver/sales.yml",
        "silver/sales_live.yml",
        "sources.yml",
    ]


def test_a_state_table_has_raw_columns_tokens_and_technical_columns(
    files: Mapping[str, str],
) -> None:
    state = model(files, "silver/items_state.yml")
    assert [(c["name"], c["data_type"]) for c in state["columns"]] == [
        ("item_id", "bigint"),
        ("item_name", "string"),
        ("price", "decimal(10,2)"),
        ("seller_email", "string"),
        ("seller_email_token", "string"),
        ("sold_time", "bigint"),
        ("_seq", "string"),
        ("_rev", "bigint"),
        ("_deleted", "boolean"),
        ("_batch", "bigint"),
    ]


def test_the_microseconds_of_a_timestamp_are_only_in_bronze_and_equally_personal(tree: Path) -> None:
    path = tree / "bronze/item.yaml"
    contract = yaml.safe_load(path.read_text())
    contract["schema"][0]["properties"].append(
        {"name": "born_at", "logicalType": "timestamp", "physicalType": "timestamp", "description": "Birth.",
         "classification": "personal", "tags": ["pii"]}
    )  # fmt: skip
    path.write_text(yaml.safe_dump(contract, sort_keys=False))
    contracts = lint([tree]).contracts
    files = render_dbt.render(contracts)
    [source] = yaml.safe_load(files["sources.yml"])["sources"]
    found = column(source["tables"][0], "born_at_us")
    assert found["data_type"] == "bigint"
    assert found["config"] == {"tags": ["pii"], "meta": {"classification": "personal"}}
    assert column(model(files, "silver/items_state.yml"), "born_at")["data_type"] == "timestamp"
    for path in ("silver/items_state.yml", "silver/items.yml"):
        assert "born_at_us" not in files[path]
    assert "born_at" not in files["silver/items.yml"]
    [rendered] = [json.loads(text) for text in render_bronze.render(contracts).values()]
    names = [one["name"] for one in rendered["columns"]]
    assert names[names.index("born_at") + 1] == "born_at_us"


def test_a_state_table_keeps_the_rules_of_its_live_view(files: Mapping[str, str]) -> None:
    state = model(files, "silver/items_state.yml")
    assert state["config"]["contract"] == {"enforced": True}
    assert constraints(column(state, "item_id")) == [("not_null",), ("primary_key",)]
    assert constraints(column(state, "item_name")) == [
        ("not_null",),
        ("unique",),
        ("check", "item_name_length", "length(item_name) >= 1"),
        ("check", "no_test_items", "item_name in ('it''s', 'chair')"),
    ]
    assert constraints(column(state, "price")) == [("check", "price_range", "price > 0 and price <= 1000.5")]
    assert constraints(column(state, "_seq")) == [("not_null",)]
    assert constraints(state) == [("check", "sold_in_seconds", "sold_time between 0 and 4102444799")]
    assert "data_tests" not in state


def test_a_column_that_silver_requires_is_required_of_the_state_table(tree: Path) -> None:
    path = tree / "silver/items.yaml"
    contract = yaml.safe_load(path.read_text())
    [seller] = [one for one in contract["schema"][0]["properties"] if one["name"] == "seller"]
    seller["required"] = True
    path.write_text(yaml.safe_dump(contract, sort_keys=False))
    state = model(render_dbt.render(lint([tree]).contracts), "silver/items_state.yml")
    assert constraints(column(state, "seller_email_token")) == [("not_null",)]
    assert constraints(column(state, "seller_email")) == []


def test_personal_columns_are_marked_in_the_state_table(files: Mapping[str, str]) -> None:
    state = model(files, "silver/items_state.yml")
    assert column(state, "seller_email")["config"]["meta"] == {"classification": "personal"}
    assert column(state, "seller_email_token")["config"]["meta"] == {"classification": "pseudonym"}


def test_a_view_has_tests_instead_of_constraints(files: Mapping[str, str]) -> None:
    live = model(files, "silver/items.yml")
    assert [c["name"] for c in live["columns"]] == ["item_id", "item_name", "price", "seller", "sold_at"]
    assert live["config"]["contract"] == {"enforced": True}
    assert constraints(live) == []
    assert all(constraints(c) == [] for c in live["columns"])
    assert column(live, "item_id")["data_tests"] == ["not_null", "unique"]
    assert live["data_tests"] == [
        {"fresh_enough": {"arguments": {"hours": 24}, "config": {"severity": "warn"}}}
    ]


def test_technical_columns_are_in_the_table_but_not_in_its_live_view(files: Mapping[str, str]) -> None:
    table, live = model(files, "silver/sales.yml"), model(files, "silver/sales_live.yml")
    assert [c["name"] for c in table["columns"]] == ["item_id", "sold_on", "_deleted"]
    assert [c["name"] for c in live["columns"]] == ["item_id", "sold_on"]
    assert constraints(column(table, "sold_on")) == [
        ("check", "sold_on_range", "sold_on >= date '2001-01-01'"),
    ]


def test_a_reference_becomes_a_test_with_severity_warn(files: Mapping[str, str]) -> None:
    live = model(files, "silver/sales_live.yml")
    assert column(live, "item_id")["data_tests"][-1] == {
        "relationships": {
            "arguments": {"to": "ref('items')", "field": "item_id"},
            "config": {"severity": "warn"},
        }
    }


def test_a_composite_key_is_a_table_constraint_in_the_order_of_the_key(
    files: Mapping[str, str],
) -> None:
    gold = model(files, "gold/sales_by_day.yml")
    assert constraints(gold) == [
        ("primary_key", ("sold_on", "item_id")),
        ("unique", ("sold_on", "day_rank")),
    ]
    assert constraints(column(gold, "item_id")) == [("not_null",)]
    assert column(gold, "day_rank")["data_tests"] == ["not_null"]


def test_owner_version_and_consumers_are_in_meta(files: Mapping[str, str]) -> None:
    assert model(files, "gold/sales_by_day.yml")["config"] == {
        "contract": {"enforced": True},
        "group": "shop",
        "access": "public",
        "tags": ["gold"],
        "meta": {
            "owner": "shop",
            "contact": "shop@example.org",
            "contract": "contracts/gold/sales_by_day.yaml",
            "contract_version": "1.2.3",
            "consumers": ["shop"],
        },
    }


def test_each_file_names_its_source_and_the_place_for_handwritten_tests(files: Mapping[str, str]) -> None:
    first, second, third, *_ = files["silver/items_state.yml"].splitlines()
    assert first.startswith("# Rendered by `dm contract sync` from contracts/silver/items.yaml")
    assert "models/silver/items_state_tests.yml" in second
    assert "engine: dbt" in third


def test_sources_have_each_bronze_table_and_its_events_with_partition_keys(files: Mapping[str, str]) -> None:
    [source] = yaml.safe_load(files["sources.yml"])["sources"]
    prefix = 'env_var("DM_BRONZE_PREFIX", env_var("DM_SCHEMA_PREFIX", ""))'
    assert source["schema"] == f"{{{{ {prefix} }}}}bronze"
    tables = {t["name"]: [c["name"] for c in t["columns"]] for t in source["tables"]}
    assert list(tables) == ["item", "item_events"]
    assert tables["item"][:2] == ["item_id", "item_name"]
    assert tables["item"][-3:] == ["_record", "ingest_date", "batch"]
    assert tables["item_events"][:2] == ["event", "detail"]
    assert tables["item_events"][-2:] == ["ingest_date", "batch"]


def test_the_order_of_the_contracts_does_not_matter(tree: Path, files: Mapping[str, str]) -> None:
    assert render_dbt.render(lint([tree]).contracts[::-1]) == files


NESTED = {
    "photo": ("string", "binary"),
    "tags": ("array", "array<string>"),
    "sizes": ("object", "map<string,decimal(5,2)>"),
    "address": ("object", "struct<city:string,lines:array<string>>"),
}


def test_nested_and_binary_columns_lint_and_keep_their_type(tree: Path) -> None:
    path = tree / "bronze/item.yaml"
    columns = "".join(
        f"      - {{name: {name}, logicalType: {logical}, physicalType: '{kind}', description: It,"
        " classification: public}\n"
        for name, (logical, kind) in NESTED.items()
    )
    path.write_text(path.read_text().replace("customProperties:\n  -", f"{columns}customProperties:\n  -"))
    report = lint([path])
    assert report.findings == ()
    table = json.loads(render_bronze.render(report.contracts)["bronze/item.json"])
    types = {column["name"]: column["type"] for column in table["columns"]}
    assert {name: types[name] for name in NESTED} == {name: kind for name, (_, kind) in NESTED.items()}


@pytest.mark.parametrize("unknown_keys", ["freeze", "evolve"])
def test_glue_has_the_columns_that_the_parser_writes(tree: Path, unknown_keys: str) -> None:
    path = tree / "bronze/item.yaml"
    policy = f"      - property: unknownKeys\n        value: {unknown_keys}\n"
    path.write_text(path.read_text().replace("      - property: maxBad", f"{policy}      - property: maxBad"))
    table = json.loads(render_bronze.render(lint([tree]).contracts)["bronze/item.json"])
    columns = [(c["name"], c["type"]) for c in table["columns"]]
    assert columns == list(bronze.contract.load(path).hive_columns)
    assert (("_rescued", "string") in columns) == (unknown_keys == "evolve")
    assert ("seller_email_token", "string") in columns
    assert all(c["comment"] for c in table["columns"] + table["events"]["columns"])
    assert table["partition_keys"] == [
        {"name": "ingest_date", "type": "string"},
        {"name": "batch", "type": "bigint"},
    ]
    assert (table["database"], table["table"]) == ("bronze", "item")
    assert table["events"]["table"] == "item_events"


def test_state_tables_are_private_and_tables_for_readers_public(
    files: Mapping[str, str],
) -> None:
    access = {
        name: model(files, f"{name}.yml")["config"]["access"]
        for name in (
            "silver/items_state",
            "silver/items",
            "silver/sales",
            "silver/sales_live",
            "gold/sales_by_day",
        )
    }
    assert access == {
        "silver/items_state": "private",
        "silver/items": "public",
        "silver/sales": "protected",
        "silver/sales_live": "public",
        "gold/sales_by_day": "public",
    }


def test_every_model_is_in_the_group_of_its_owner(files: Mapping[str, str]) -> None:
    groups = {group["name"]: group["owner"] for group in yaml.safe_load(files["groups.yml"])["groups"]}
    for path in [path for path in files if "/" in path]:
        config = model(files, path)["config"]
        assert groups[config["group"]]["email"] == config["meta"]["contact"]


def test_an_outside_consumer_is_an_exposure_with_everything_it_reads(files: Mapping[str, str]) -> None:
    found = yaml.safe_load(files["exposures.yml"])["exposures"]
    assert found
    for exposure in found:
        assert exposure["owner"]["email"]
        for table in exposure["depends_on"]:
            assert any(path.endswith(f"/{table[5:-2]}.yml") for path in files)


@pytest.mark.parametrize("braces", ["{{ it }}", "{% it %}", "{# it #}", "{{2}} of {{"])
def test_braces_in_a_contract_are_escaped_for_dbt(tree: Path, braces: str) -> None:
    path = tree / "silver/items.yaml"
    path.write_text(path.read_text().replace("chair", f'"{braces}"'))
    state = model(render_dbt.render(lint([tree]).contracts), "silver/items_state.yml")
    [values] = [c[2] for c in constraints(column(state, "item_name")) if c[1:2] == ("no_test_items",)]
    assert Environment().from_string(values).render() == f"item_name in ('it''s', '{braces}')"
