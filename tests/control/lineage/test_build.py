"""`dm lineage` on the artefacts of a dbt project: what it writes, refuses and answers."""

import json
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from control.cli.lineage import command
from control.contracts.lint import lint
from control.contracts.model import Column
from control.errors import BusyError, ControlError, NotFoundError, UsageError
from control.lineage import before_dbt, cache
from control.lineage import build as building
from control.lineage.project import read

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs" / "lineage.schema.json").read_text())
COLUMNS = {
    "source.shop.bronze.review": ["review_id", "beer_id", "score"],
    "model.shop.scores": ["beer_id", "mean_score"],
    "model.shop.best": ["beer_id", "place"],
    "seed.shop.styles": ["style"],
}
SQL = {
    "scores": 'select beer_id, avg(score) as mean_score from "awsdatacatalog".bronze.review group by 1',
    "best": "select beer_id, row_number() over (order by mean_score desc) as place from gold.scores",
}


def node(kind: str, name: str, schema: str, parents: list[str], **more: object) -> dict[str, Any]:
    return {
        "resource_type": kind,
        "name": name,
        "schema": schema,
        "alias": name,
        "original_file_path": f"models/{name}.sql",
        "compiled_code": SQL.get(name),
        "columns": {},
        "config": {"materialized": "incremental"},
        "depends_on": {"nodes": parents, "macros": []},
        **more,
    }


def write_project(target: Path, **changes: Any) -> Path:
    """Write a project of two models over one source; `changes` replaces or adds nodes."""
    target.mkdir(exist_ok=True)
    nodes = {
        "model.shop.scores": node("model", "scores", "gold", ["source.shop.bronze.review"]),
        "model.shop.best": node("model", "best", "gold", ["model.shop.scores"]),
        "seed.shop.styles": node("seed", "styles", "gold", []),
        "test.shop.any": node("test", "any", "gold", ["model.shop.best"]),
        **changes,
    }
    review = {"resource_type": "source", "name": "review", "identifier": "review", "schema": "bronze"}
    (target / "manifest.json").write_text(
        json.dumps({"metadata": {}, "nodes": nodes, "sources": {"source.shop.bronze.review": review}})
    )
    found = {
        key: {
            "columns": {
                c.upper(): {"name": c.upper(), "index": i, "type": "bigint"} for i, c in enumerate(names)
            }
        }
        for key, names in COLUMNS.items()
    }
    sources = {key: table for key, table in found.items() if key.startswith("source")}
    models = {key: table for key, table in found.items() if key not in sources}
    (target / "catalog.json").write_text(json.dumps({"metadata": {}, "nodes": models, "sources": sources}))
    return target


def dm(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def build(target: Path, *more: str) -> Result:
    return dm("build", "--target", str(target), "--contracts", str(ROOT / "contracts"), *more)


def edges(target: Path) -> list[tuple[str, str, str]]:
    found = json.loads((target / "lineage.json").read_text())
    jsonschema.validate(found, SCHEMA)
    return [(e["from"], e["to"], e["kind"]) for e in found["edges"]]


def test_the_lineage_is_written_in_order_and_valid_under_its_schema(tmp_path: Path) -> None:
    result = build(write_project(tmp_path))
    assert result.exit_code == 0, result.output
    gold = [e for e in edges(tmp_path) if e[1].startswith("gold.")]
    assert gold == [
        ("gold.scores.beer_id", "gold.best.beer_id", "direct"),
        ("gold.scores.mean_score", "gold.best.place", "indirect"),
        ("bronze.review.beer_id", "gold.scores.beer_id", "direct"),
        ("bronze.review.beer_id", "gold.scores.beer_id", "indirect"),
        ("bronze.review.beer_id", "gold.scores.mean_score", "indirect"),
        ("bronze.review.score", "gold.scores.mean_score", "direct"),
    ]


def test_the_edges_before_dbt_come_from_the_contracts(tmp_path: Path) -> None:
    build(write_project(tmp_path))
    found = set(edges(tmp_path))
    for contract in lint([ROOT / "contracts"]).contracts:
        for column in contract.columns if contract.layer == "bronze" else ():
            name = f"{contract.table}.{column.name}"
            assert (f"source.public.{name}", f"raw.{name}", "direct") in found
            assert (f"raw.{name}", f"bronze.{name}", "direct") in found
    assert ("raw.profile.email", "bronze.profile.email_token", "direct") in found


def test_a_timestamp_and_its_microseconds_come_from_one_raw_field() -> None:
    column = Column("seen_at", "timestamp", "timestamp", "", raw_name="Seen")
    [beer] = [
        contract for contract in lint([ROOT / "contracts"]).contracts
        if (contract.layer, contract.table) == ("bronze", "beer")
    ]  # fmt: skip
    found = before_dbt.edges([replace(beer, columns=(column,))])
    targets = [str(edge.target) for edge in found if str(edge.source) == "raw.beer.Seen"]
    assert targets == ["bronze.beer.seen_at", "bronze.beer.seen_at_us"]


@pytest.mark.parametrize(
    ("records", "fields"),
    [
        ("change", {"metadata.stream-position", "metadata.transaction-record-id", "before-image.beer_id",
                    "metadata.operation", "metadata.commit-timestamp"}),
        ("debezium", {"source.sequence", "op", "source.ts_us", "before.beer_id"}),
        ("plain", set()),
    ],
)  # fmt: skip
def test_metadata_fields_are_named_as_the_kind_of_record_has_them(records: str, fields: set[str]) -> None:
    [beer] = [
        contract for contract in lint([ROOT / "contracts"]).contracts
        if (contract.layer, contract.table) == ("bronze", "beer")
    ]  # fmt: skip
    contract = replace(beer, properties={**beer.properties, "records": records})
    found = {edge.source.name for edge in before_dbt.edges([contract]) if edge.source.relation == "raw.beer"}
    assert found - {column.name for column in beer.columns} == fields


def test_the_same_project_gives_the_same_bytes(tmp_path: Path) -> None:
    build(write_project(tmp_path))
    first = (tmp_path / "lineage.json").read_bytes()
    (tmp_path / "lineage-cache.sqlite").unlink()
    build(tmp_path)
    assert (tmp_path / "lineage.json").read_bytes() == first


def test_only_changed_models_and_those_with_changed_inputs_are_traced_again(tmp_path: Path) -> None:
    def traced(**changes: Any) -> int:
        result = build(write_project(tmp_path, **changes), "--json")
        return int(json.loads(result.stdout)["traced"])

    assert traced() == 3
    assert traced() == 0
    best = node(
        "model", "best", "gold", ["model.shop.scores"], compiled_code="select beer_id from gold.scores"
    )
    assert traced(**{"model.shop.best": best}) == 1
    assert [e for e in edges(tmp_path) if e[1] == "gold.best.place"] == []


def test_concurrent_builds_each_write_a_whole_file(tmp_path: Path) -> None:
    write_project(tmp_path)
    project, output = read(tmp_path), tmp_path / "out" / "lineage.json"

    def traced(number: int) -> None:
        building.build(project, [], output, tmp_path / f"{number}.sqlite", lambda _, __: None)
        json.loads(output.read_text())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(traced, range(40)))
    assert list(output.parent.iterdir()) == [output]


def test_a_locked_cache_is_an_error_and_stays_intact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert build(write_project(tmp_path)).exit_code == 0
    file = tmp_path / "lineage-cache.sqlite"
    before = file.read_bytes()
    monkeypatch.setattr(cache, "_WAIT_SECONDS", 0.05)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin exclusive")
        assert isinstance(build(tmp_path).exception, BusyError)
    assert file.read_bytes() == before


def test_results_of_older_rules_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = read(write_project(tmp_path)).models[0]
    before = cache.key(model, {})
    monkeypatch.setattr(cache, "_rules", lambda: "other rules")
    assert cache.key(model, {}) != before


def test_a_broken_cache_is_rebuilt(tmp_path: Path) -> None:
    cached = tmp_path / "lineage-cache.sqlite"
    cached.write_bytes(b"not a database at all" * 100)
    assert build(write_project(tmp_path)).exit_code == 0
    whole, found = cached.read_bytes(), edges(tmp_path)
    assert len(found) > 0
    page = int.from_bytes(whole[16:18])
    for damaged in (
        whole[:page],
        whole[:page] + b"\xff" * page + whole[2 * page :],
        other_database(tmp_path),
    ):
        cached.write_bytes(damaged)
        assert build(tmp_path).exit_code == 0
        assert edges(tmp_path) == found
        assert cached.read_bytes() == whole


def other_database(folder: Path) -> bytes:
    with closing(sqlite3.connect(folder / "other.sqlite")) as connection:
        connection.execute("create table traced (something text)")
    return (folder / "other.sqlite").read_bytes()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"compiled_code": "select * from gold.scores match_recognize (pattern (a) define a as true)"},
         "MATCH_RECOGNIZE"),
        ({"compiled_code": "select nothing from gold.scores"}, "nothing"),
        ({"compiled_code": "select style from gold.styles"}, "reads gold.styles without ref"),
        ({"compiled_code": None}, "not compiled"),
        ({"compiled_code": None, "language": "python"}, "python model"),
    ],
    ids=["no rule", "no such column", "past dbt", "not compiled", "python"],
)  # fmt: skip
def test_an_untraceable_model_is_reported_with_file_and_reason(
    tmp_path: Path, changed: dict[str, Any], reason: str
) -> None:
    best = node("model", "best", "gold", ["model.shop.scores"], **changed)
    target = write_project(tmp_path, **{"model.shop.best": best})
    result = build(target)
    assert result.exit_code == 1
    assert "gold.best: models/best.sql: " in result.stderr
    assert reason in result.stderr
    unresolved = json.loads((target / "lineage.json").read_text())["unresolved"]
    assert [one["model"] for one in unresolved] == ["gold.best"]
    assert ("bronze.review.score", "gold.scores.mean_score", "direct") in edges(target), (
        "the others are traced"
    )
    assert build(target, "--allow-unresolved").exit_code == 0


def test_the_inputs_of_an_ephemeral_model_belong_to_its_readers(tmp_path: Path) -> None:
    middle = node(
        "model", "middle", "gold", ["source.shop.bronze.review"], config={"materialized": "ephemeral"}
    )
    sql = (
        "with __dbt__cte__middle as (select beer_id, score from bronze.review) "
        "select beer_id, max(score) as place from __dbt__cte__middle group by 1"
    )
    best = node("model", "best", "gold", ["model.shop.middle"], compiled_code=sql)
    assert (
        build(write_project(tmp_path, **{"model.shop.middle": middle, "model.shop.best": best})).exit_code
        == 0
    )
    assert ("bronze.review.score", "gold.best.place", "direct") in edges(tmp_path)


def test_missing_and_foreign_files_are_reported_with_what_to_do(tmp_path: Path) -> None:
    missing = build(tmp_path / "nowhere").exception
    assert isinstance(missing, NotFoundError)
    assert "dbt docs generate" in missing.hint
    (tmp_path / "manifest.json").write_text("[1, 2")
    assert isinstance(build(tmp_path).exception, UsageError)


def test_show_prints_the_tree_back_to_the_source(tmp_path: Path) -> None:
    build(write_project(tmp_path))
    file = ("--lineage", str(tmp_path / "lineage.json"))
    result = dm("show", "gold.best.beer_id", *file)
    assert result.stdout.split() == [
        "gold.best.beer_id", "gold.scores.beer_id", "bronze.review.beer_id", "raw.review.beer_id",
        "cast(beer_id", "as", "bigint)", "source.public.review.beer_id",
    ]  # fmt: skip
    down = dm("show", "bronze.review.score", "--down", "--indirect", *file).stdout
    assert [line.split()[0] for line in down.splitlines()] == [
        "bronze.review.score", "gold.scores.mean_score", "gold.best.place",
    ]  # fmt: skip
    assert "[indirect]" in down


def test_a_tree_of_a_thousand_levels_is_refused_in_one_line(tmp_path: Path) -> None:
    edges = [
        {"from": f"gold.t{n}.x", "to": f"gold.t{n + 1}.x", "kind": "direct", "expression": "x"}
        for n in range(1000)
    ]
    file = tmp_path / "lineage.json"
    file.write_text(json.dumps({"version": 1, "edges": edges, "unresolved": []}))
    for more in ([], ["--json"]):
        asked = CliRunner().invoke(command, ["show", "gold.t1000.x", "--lineage", str(file), *more])
        assert isinstance(asked.exception, UsageError)
        assert asked.output == ""
    reached = CliRunner().invoke(command, ["impact", "gold.t0.x", "--lineage", str(file)])
    assert (reached.exit_code, len(reached.output.splitlines())) == (0, 1000)


def test_an_unknown_column_is_reported_with_the_nearest(tmp_path: Path) -> None:
    build(write_project(tmp_path))
    result = dm("show", "gold.best.beer_ids", "--lineage", str(tmp_path / "lineage.json"))
    assert isinstance(result.exception, ControlError)
    assert "gold.best.beer_id" in result.exception.hint


def test_an_unknown_table_or_column_gets_suggestions(tmp_path: Path) -> None:
    build(write_project(tmp_path))
    file = ("--lineage", str(tmp_path / "lineage.json"))
    for verb, asked, hint in (
        ("show", "gold.best", "name one of its columns: beer_id, "),
        ("show", "gold.best.beer_di", "did you mean gold.best.beer_id"),
        ("impact", "contracts/bronze/review.yaml#beer_di", "did you mean bronze.review.beer_id"),
    ):
        error = dm(verb, asked, *file).exception
        assert isinstance(error, NotFoundError)
        assert error.hint.startswith(hint), error.hint


def test_impact_separates_values_from_rows_and_names_consumers(tmp_path: Path) -> None:
    sql = "select beer_id, score as avg_rating from bronze.review"
    top = node("model", "top_beers_by_rating", "gold", ["source.shop.bronze.review"], compiled_code=sql)
    target = write_project(tmp_path, **{"model.shop.top": top})
    build(target)
    file = ("--lineage", str(target / "lineage.json"))
    found = json.loads(dm("impact", "contracts/bronze/review.yaml#beer_id", *file, "--json").stdout)
    tables = {one["table"]: one for one in found["tables"]}
    assert tables["gold.scores"]["values"] == ["beer_id"]
    assert tables["gold.scores"]["rows"] == ["mean_score"]
    assert "beer-insights" in [c["name"] for c in tables["gold.top_beers_by_rating"]["consumers"]]


NAMED_OTHERWISE = """
        customProperties:
          - property: rawName
            value: Beer.ID no
"""


def test_a_raw_field_has_its_raw_name(tmp_path: Path) -> None:
    folder = tmp_path / "contracts"
    shutil.copytree(ROOT / "contracts", folder)
    beer = folder / "bronze/beer.yaml"
    before, name, after = beer.read_text().partition("      - name: beer_id\n")
    beer.write_text(before + name + NAMED_OTHERWISE.removeprefix("\n") + after)
    dm("build", "--target", str(write_project(tmp_path / "target")), "--contracts", str(folder))
    file = ("--lineage", str(tmp_path / "target/lineage.json"))
    found = set(edges(tmp_path / "target"))
    assert ("source.public.beer.Beer.ID no", "raw.beer.Beer.ID no", "direct") in found
    assert ("raw.beer.Beer.ID no", "bronze.beer.beer_id", "direct") in found
    assert ("raw.beer.before-image.Beer.ID no", "bronze.beer._key_before", "direct") in found
    assert not any("raw.beer.beer_id" in edge for edge in found)
    jsonschema.validate(json.loads((tmp_path / "target/lineage.json").read_text()), SCHEMA)
    assert dm("show", "bronze.beer.beer_id", *file).stdout.splitlines() == [
        "bronze.beer.beer_id",
        '  raw.beer.Beer.ID no  cast("Beer.ID no" as bigint)',
        "    source.public.beer.Beer.ID no",
    ]
    told = json.loads(dm("impact", "source.public.beer.Beer.ID no", *file, "--json").stdout)
    tables = {one["table"]: one["values"] for one in told["tables"]}
    assert tables["raw.beer"] == ["Beer.ID no"]
    assert tables["bronze.beer"] == ["beer_id"]
