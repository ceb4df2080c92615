"""`dm lineage check` names holes, and refuses a lineage that differs from the reviewed one."""

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from control.cli.lineage import command
from control.contracts import load
from control.errors import UsageError
from control.lineage import ask, golden, personal

COLUMNS = {
    "source.shop.bronze.review": ["review_id", "beer_id", "score"],
    "source.shop.bronze.review_events": ["event"],
    "model.shop.scores": ["beer_id", "mean_score", "currency"],
}
SQL = """
select r.beer_id, avg(r.score) as mean_score, 'EUR' as currency
from bronze.review as r where r.review_id > 0 group by r.beer_id
"""
NO_FILTER = "select beer_id, score as mean_score, 'EUR' as currency from bronze.review"
GENERATED = "        customProperties:\n          - {property: generated, value: Prices have one currency.}\n"


def contract(folder: Path, *, mean: str = "", currency: str = "") -> None:
    (folder / "gold").mkdir(parents=True, exist_ok=True)
    (folder / "gold/scores.yaml").write_text(
        "schema:\n  - name: scores\n    properties:\n      - name: beer_id\n"
        f"      - name: mean_score\n{mean}      - name: currency\n{currency}"
    )


def project(target: Path, sql: str = SQL, *parents: str) -> None:
    target.mkdir(exist_ok=True)
    sources = {
        key: {"resource_type": "source", "name": key.split(".")[-1], "schema": "bronze"}
        for key in COLUMNS
        if key.startswith("source")
    }
    model = {
        "resource_type": "model", "name": "scores", "schema": "gold", "compiled_code": sql,
        "original_file_path": "models/scores.sql",
        "depends_on": {"nodes": ["source.shop.bronze.review", *parents]},
    }  # fmt: skip
    manifest = {"nodes": {"model.shop.scores": model}, "sources": sources}
    (target / "manifest.json").write_text(json.dumps(manifest))
    tables = {
        key: {"columns": {name: {"name": name, "index": i} for i, name in enumerate(names)}}
        for key, names in COLUMNS.items()
    }
    (target / "catalog.json").write_text(json.dumps({"nodes": tables, "sources": tables}))


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DM_CONTRACTS", raising=False)
    contract(Path("contracts"))
    project(Path("target"))


def check(*options: str) -> Result:
    return CliRunner().invoke(command, ["check", *options])


def holes() -> list[tuple[str, str]]:
    found = json.loads(check("--json").stdout)["holes"]
    return [(hole["code"], hole["where"]) for hole in found]


def test_a_reviewed_lineage_passes_until_the_sql_changes_it() -> None:
    assert "lineage/gold.scores.json: differs" in check().stdout
    assert check("--update").exit_code == 0
    result = check()
    assert (result.exit_code, result.stdout) == (
        0,
        "the lineage is complete, and the same as in the repository\n",
    )
    project(Path("target"), NO_FILTER)
    result = check()
    assert result.exit_code == 1
    assert '  -{"from":"bronze.review.review_id","to":"*","kind":"indirect"' in result.stdout
    assert "dm lineage check --update" in result.stdout


def test_the_comment_shows_columns_with_changed_sources() -> None:
    check("--update")
    assert "no column has other sources than before" in check("--markdown").stdout
    project(Path("target"), NO_FILTER)
    shown = check("--markdown").stdout
    assert shown.startswith("**Lineage: not yet**")
    assert "<summary>gold.scores</summary>" in shown
    assert '\n-{"from":"bronze.review.review_id"' in shown


def test_diff_compares_a_commit_with_the_files_without_a_lake() -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    check("--update")
    for step in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *step], check=True)
    diff = ["diff", "--base", "HEAD"]
    assert CliRunner().invoke(command, diff).stdout == "no column has other sources than before\n"
    project(Path("target"), NO_FILTER)
    check("--update")
    shown = CliRunner().invoke(command, [*diff, "--markdown"]).stdout
    assert shown.startswith("**Lineage**: 1 model with other sources\n")
    assert '\n-{"from":"bronze.review.review_id"' in shown
    assert "`" * 3 + "diff\n" in shown
    found = json.loads(CliRunner().invoke(command, [*diff, "--json"]).stdout)["changes"]
    assert [change["file"] for change in found] == ["lineage/gold.scores.json"]


def test_the_file_of_a_deleted_model_is_refused_and_removed_by_an_update() -> None:
    check("--update")
    stale = Path("lineage/gold.gone.json")
    stale.write_text(Path("lineage/gold.scores.json").read_text().replace("scores", "gone"))
    assert check().exit_code == 1
    assert check("--update").exit_code == 0
    assert not stale.exists()


def test_a_contract_column_without_a_source_is_a_hole_unless_it_says_why() -> None:
    project(Path("target"), NO_FILTER)
    assert holes() == [("lineage-column", "gold.scores.currency")]
    contract(Path("contracts"), currency=GENERATED)
    assert holes() == []
    contract(Path("contracts"), mean=GENERATED, currency=GENERATED)
    assert holes() == [("lineage-generated", "gold.scores.mean_score")]


def test_a_contract_column_that_the_model_lacks_is_a_hole() -> None:
    path = Path("contracts/gold/scores.yaml")
    path.write_text(path.read_text() + "      - name: more\n")
    assert holes() == [("lineage-column", "gold.scores.more")]


def test_a_dependency_that_no_column_comes_from_is_a_hole() -> None:
    events = "source.shop.bronze.review_events"
    project(Path("target"), f"{SQL} -- review_events", events)
    assert holes() == [("lineage-tables", "gold.scores")]
    project(Path("target"), SQL, events)
    assert holes() == [], "the SQL does not name it, so dbt reads it while compiling"
    check("--update")
    assert '"only_while_compiling":["bronze.review_events"]' in Path("lineage/gold.scores.json").read_text()


def test_an_untraceable_model_is_named() -> None:
    project(Path("target"), "select nothing from bronze.review")
    result = check("--update")
    assert result.exit_code == 1
    assert "gold.scores: lineage-unresolved: models/scores.sql:" in result.stdout


def test_models_that_are_not_compiled_are_named_once_and_their_files_stay() -> None:
    check("--update")
    before = Path("lineage/gold.scores.json").read_text()
    project(Path("target"), "")
    result = check("--update")
    [line] = result.stdout.splitlines()
    assert line.startswith("gold.scores: lineage-unresolved: models/scores.sql: it is not compiled")
    assert result.exit_code == 1
    assert Path("lineage/gold.scores.json").read_text() == before


@pytest.mark.parametrize(
    ("of_the_key", "is_shown"),
    [
        ("r.beer_id", True),
        ("upper(trim(max(r.beer_id)))", True),
        ("concat(r.beer_id, '-', r.score)", True),
        ("case when r.score > 3 then r.beer_id end", True),
        ("count(distinct r.beer_id)", False),
        ("case when r.beer_id is null then 1 else 2 end", False),
        ("r.beer_id = 'a@example.org'", False),
        ("length(r.beer_id)", False),
    ],
)
def test_a_personal_value_of_bronze_may_not_be_shown_downstream(of_the_key: str, is_shown: bool) -> None:
    assert shows(f"select {of_the_key} as k, max(r.score) as m from bronze.review as r") == is_shown


RENAMED = "(select r.beer_id as other, r.beer_id, r.score from bronze.review as r) as q"


@pytest.mark.parametrize(
    ("inner", "is_shown"),
    [
        (f"select q.other || cast(length(q.beer_id) as varchar) as k, q.score as m from {RENAMED}", True),
        (
            f"select cast(q.score + length(q.beer_id) as varchar) as k, q.score as m from {RENAMED}",
            False,
        ),
        (
            "select cast(length(r.beer_id) as varchar) as k, r.score as m from bronze.review as r "
            "union all select r.beer_id, r.score from bronze.review as r",
            True,
        ),
        (
            "select cast(length(r.beer_id) as varchar) as k, r.score as m from bronze.review as r "
            "union all select cast(count(r.beer_id) as varchar), 1 from bronze.review as r",
            False,
        ),
    ],
)
def test_a_personal_value_is_found_beside_a_use_that_only_measures_it(inner: str, is_shown: bool) -> None:
    assert shows(inner) == is_shown


def shows(inner: str) -> bool:
    """Return whether `beer_id`, personal in bronze, reaches gold through the column `k` of a query."""
    Path("contracts/bronze").mkdir()
    Path("contracts/bronze/review.yaml").write_text(
        "schema:\n  - name: review\n    properties:\n      - {name: beer_id, classification: personal}\n"
        "      - {name: review_id}\n      - {name: score}\n"
    )
    outer = "select k as beer_id, m as mean_score, 'EUR' as currency from s"
    project(Path("target"), f"with s as ({inner}) {outer}")
    found = [where for code, where in holes() if code == "lineage-personal"]
    assert found in ([], ["gold.scores.beer_id"])
    return bool(found)


def test_the_microseconds_of_a_personal_timestamp_are_personal_too() -> None:
    Path("contracts/bronze").mkdir()
    Path("contracts/bronze/review.yaml").write_text(
        "schema:\n  - name: review\n    properties:\n"
        "      - {name: born_at, physicalType: timestamp, classification: personal}\n"
    )
    graph = ask.graph([ask.Hop("bronze.review.born_at_us", "gold.scores.beer_id", "direct", "r.born_at_us")])
    [found] = personal.shown(graph, load.folder(Path("contracts")))
    assert "holds bronze.review.born_at_us, which is personal" in found.message


def test_the_files_have_the_same_edges_as_lineage_json() -> None:
    check("--update")
    edges = [h for hops in ask.read(Path("target/lineage.json")).up.values() for h in hops]
    assert sorted(golden.hops(Path("lineage")), key=repr) == sorted(edges, key=repr)


def test_an_invalid_lineage_file_is_a_usage_error() -> None:
    Path("lineage").mkdir()
    Path("lineage/gold.scores.json").write_text("{}")
    with pytest.raises(UsageError, match="is not the lineage of a model"):
        list(golden.hops(Path("lineage")))
