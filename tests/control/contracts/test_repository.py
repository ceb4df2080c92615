"""The repository's own contracts are free of findings, rendered, complete, and hold for the sample data."""

import re
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import yaml

from control.contracts import load
from control.contracts.lint import Report, lint
from control.contracts.model import Contract
from control.contracts.sync import plan
from control.errors import ContractError

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def report() -> Report:
    return lint([ROOT / "contracts"])


@pytest.fixture
def contracts(report: Report) -> dict[str, Contract]:
    return {f"{c.layer}.{c.table}": c for c in report.contracts}


def test_the_contracts_have_no_findings(report: Report) -> None:
    assert report.findings == ()


def test_every_rendered_file_is_current(report: Report) -> None:
    changes = plan(report.contracts, contracts_dir=ROOT / "contracts", models_dir=ROOT / "models")
    assert [(c.file, c.diff) for c in changes] == []


def test_there_is_one_contract_for_each_table(contracts: dict[str, Contract]) -> None:
    assert sorted(contracts) == [
        "bronze.beer", "bronze.brewery", "bronze.profile", "bronze.review",
        "gold.state_by_review_volume", "gold.top_beers_by_rating", "gold.top_breweries_by_rating",
        "gold.top_drinkers", "gold.top_styles_by_popularity",
        "silver.beers", "silver.breweries", "silver.profiles", "silver.review_flat", "silver.reviews",
    ]  # fmt: skip


def test_every_bronze_contract_has_a_silver_model(contracts: dict[str, Contract]) -> None:
    silver = {c.properties.get("bronze"): c for c in contracts.values() if c.layer == "silver"}
    for name in [name for name, c in contracts.items() if c.layer == "bronze"]:
        for model in silver[name].models:
            assert (ROOT / f"models/silver/{model}.sql").is_file()


def test_every_model_of_a_contract_exists(contracts: dict[str, Contract]) -> None:
    for contract in contracts.values():
        for model in contract.models:
            assert (ROOT / f"models/{contract.layer}/{model}.sql").is_file()


# Consumers depend on these names and types of gold.
GOLD = {
    "top_beers_by_rating": "beer_id bigint, beer_name string, beer_style string, brewery_id bigint, "
    "brewery_name string, review_count bigint, avg_rating decimal(6,4), rating_rank bigint",
    "top_breweries_by_rating": "brewery_id bigint, brewery_name string, review_count bigint, "
    "avg_rating decimal(6,4), rating_rank bigint",
    "top_styles_by_popularity": "beer_style string, review_count bigint, avg_rating decimal(6,4), "
    "popularity_rank bigint",
    "state_by_review_volume": "state string, review_count bigint, reviewer_count bigint, "
    "avg_rating decimal(6,4), volume_rank bigint",
    "top_drinkers": "profile_id bigint, profile_name string, state string, review_count bigint, "
    "avg_rating decimal(6,4), drinker_rank bigint",
}


@pytest.mark.parametrize("table", GOLD)
def test_gold_keeps_its_names_and_types(contracts: dict[str, Contract], table: str) -> None:
    columns = contracts[f"gold.{table}"].columns
    shown = ", ".join(f"{c.name} {c.type}" for c in columns)
    assert shown == f"review_year int, review_month int, {GOLD[table]}"


def test_every_reader_of_a_table_is_among_its_consumers(contracts: dict[str, Contract]) -> None:
    owners = {model: c for c in contracts.values() for model in c.models}
    for name, contract in contracts.items():
        for model in contract.models:
            sql = (ROOT / f"models/{contract.layer}/{model}.sql").read_text()
            for ref in set(re.findall(r"ref\('([a-z_]+)'\)", sql)) & owners.keys():
                read = owners[ref]
                assert read is contract or name in {c.name for c in read.consumers}, f"{name} reads {ref}"


@pytest.mark.parametrize(
    ("raw", "silver"), [("brewery", "breweries"), ("beer", "beers"), ("profile", "profiles")]
)
def test_the_rules_hold_for_the_sample_data(contracts: dict[str, Contract], raw: str, silver: str) -> None:
    columns = {c.name: {"bigint": "BIGINT", "double": "DOUBLE"}.get(c.type, "VARCHAR")
               for c in contracts[f"bronze.{raw}"].columns}  # fmt: skip
    [model] = yaml.safe_load((ROOT / f"models/silver/{silver}_state.yml").read_text())["models"]
    rules = [c for entry in [model, *model["columns"]] for c in entry.get("constraints", [])]
    checks = [rule["expression"] for rule in rules if rule["type"] == "check"]
    required = [c["name"] for c in model["columns"] if c["name"] in columns
                and any(rule["type"] == "not_null" for rule in c.get("constraints", []))]  # fmt: skip
    assert len(checks) > 1
    broken = [f"not ({check})" for check in checks] + [f"{name} is null" for name in required]
    data = duckdb.read_csv(str(ROOT / f"sample/beer/{raw}.csv.gz"), header=True, columns=columns)
    found = data.aggregate(", ".join(f"count_if({condition})" for condition in broken)).fetchone()
    assert found == (0,) * len(broken)


def test_loading_without_checks_gives_what_lint_reads() -> None:
    loaded = {f"{c.layer}.{c.table}": replace(c, file="") for c in load.folder(ROOT / "contracts")}
    checked = {f"{c.layer}.{c.table}": replace(c, file="") for c in lint([ROOT / "contracts"]).contracts}
    assert loaded == checked


def test_a_broken_contract_in_a_folder_is_reported_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "gold").mkdir()
    for text in ("a: [1", "[]"):
        (tmp_path / "gold" / "broken.yaml").write_text(text)
        with pytest.raises(ContractError, match=r"broken\.yaml") as caught:
            load.folder(tmp_path)
        assert "dm contract lint" in caught.value.hint
