"""End to end against the oracle: the tables equal what a short script computes from the raw files."""

import copy
import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from catalog_server import CatalogServer
from lakehouse import ROOT, Lakehouse, attach, clean_environment
from truth import assert_equals_the_oracle, load_oracle

# The demo below runs another seed, and `make sweep` five in all.
SEEDS = (1, 2, 5, 6) if "SWEEP" in os.environ else (1,)
DEMO_SEED = 3
ROWS = "20000"
# Log positions amid the changes of each table, in a sample of 3,000 reviews.
FLOORS = {"brewery": "1/CC00", "profile": "1/15000", "review": "1/6000"}


@pytest.mark.parametrize("seed", SEEDS)
def test_silver_and_gold_equal_the_oracle(lakehouse: Lakehouse, seed: int) -> None:
    oracle = load_oracle()
    for delivery in ("1", "2"):
        lakehouse.dm("sample", "land", "--rows", ROWS, "--seed", str(seed), "--delivery", delivery)
        lakehouse.dm("ingest", "run", "--until-idle")
        lakehouse.build()
        assert_equals_the_oracle(lakehouse, oracle)
    snapshots = lakehouse.snapshots()
    lakehouse.build()
    assert lakehouse.snapshots() == snapshots, "a build without new batches wrote something"


def control_record(operation: str, position: str) -> str:
    return json.dumps(
        {"metadata": {"record-type": "control", "operation": operation, "stream-position": position}}
    )


def change(operation: str, position: str, **data: object) -> str:
    metadata = {"record-type": "data", "operation": operation, "stream-position": position}
    return json.dumps({"data": data, "metadata": metadata})


def put(lakehouse: Lakehouse, key: str, *records: str) -> None:
    lakehouse.put(key, gzip.compress("".join(f"{record}\n" for record in records).encode()))


def reload_breweries(lakehouse: Lakehouse, position: str, count: int) -> None:
    """Land a whole reload of the first `count` breweries under new names, read at `position`."""
    folder = "raw/brewery/epoch=1/extract=2/reload=1"
    lines = ["brewery_id,brewery_name", *(f"{number},Renamed {number}" for number in range(1, count + 1)), ""]
    listed = {"files": [{"key": f"{folder}/part.csv.gz", "records": count}]}
    lakehouse.put(f"{folder}/_BEGIN", json.dumps({"position": position}).encode())
    lakehouse.put(f"{folder}/part.csv.gz", gzip.compress("\n".join(lines).encode()))
    lakehouse.put(f"{folder}/_COMPLETE", json.dumps(listed).encode())


def test_truncates_reloads_and_two_records_at_one_place_equal_the_oracle(
    lakehouse: Lakehouse,
) -> None:
    oracle = load_oracle()
    land = ("sample", "land", "--rows", "3000", "--seed", "4", "--delivery")
    lakehouse.dm(*land, "1")
    lakehouse.dm("ingest", "run", "--until-idle")
    lakehouse.build()
    lakehouse.dm(*land, "2")
    put(lakehouse, "raw/profile/epoch=1/t.json.gz", control_record("truncate-table", FLOORS["profile"]))
    reload_breweries(lakehouse, FLOORS["brewery"], 400)
    one, other = (change("insert", "2/0", brewery_id=999_001, brewery_name=name) for name in ("One", "Other"))
    put(lakehouse, "raw/brewery/epoch=1/tie-1.json.gz", one)
    lakehouse.dm("ingest", "run", "--until-idle")
    lakehouse.build()
    assert_equals_the_oracle(lakehouse, oracle)
    # Records too late for the floors, one at the place of an existing record, and a truncate in the past.
    put(lakehouse, "raw/brewery/epoch=1/tie-2.json.gz", other)
    late = {"profile_name": "late", "email": "late@example.com", "state": "CA"}
    put(
        lakehouse,
        "raw/profile/epoch=1/late.json.gz",
        change("update", "0/1", profile_id=5, **late),
        change("insert", "2/0", profile_id=6, **late),
    )
    put(lakehouse, "raw/review/epoch=1/t.json.gz", control_record("truncate-table", FLOORS["review"]))
    lakehouse.dm("ingest", "run", "--until-idle")
    lakehouse.build()
    assert_equals_the_oracle(lakehouse, oracle)
    for table, position in FLOORS.items():
        high, low = (int(part, 16) for part in position.split("/"))
        below = f"_seq < '0000000001.{high:08X}{low:08X}'"
        seen = lakehouse.query(f"select distinct {below} as b from bronze.{table} where _op <> 'load'")
        assert len(seen) == 2, f"the changes of {table} are all on one side of its floor"


@pytest.fixture
def after_the_demo(tmp_path: Path) -> Iterator[tuple[Lakehouse, str]]:
    """Run the demo; yield the cloud that it leaves, in its own folder, and what it printed."""
    cloud = tmp_path / "demo"
    house = Lakehouse(tmp_path, clean_environment())
    demo = (
        "python",
        str(ROOT / "demo" / "demo.py"),
        "--rows",
        ROWS,
        "--seed",
        str(DEMO_SEED),
        "--dir",
        str(cloud),
    )
    try:
        printed = house.run(*demo)
        yield attach(tmp_path, cloud), printed
    finally:
        house.run("dm", "local", "reset", "--dir", str(cloud))


def test_after_the_demo_the_tables_equal_the_oracle(
    after_the_demo: tuple[Lakehouse, str],
) -> None:
    lakehouse, printed = after_the_demo
    assert "Every record is accounted for" in printed
    assert "gold.top_beers_by_rating" in printed
    key = lakehouse.folder / "demo-token-key"
    assert key.stat().st_mode & 0o077 == 0, "others can read the demo's secret"
    assert key.read_text() not in printed
    assert_equals_the_oracle(lakehouse, load_oracle(), key.read_text())
    assert_gold_traces_to_the_source(lakehouse)
    assert_the_contracts_are_true_until_something_drifts(lakehouse)
    assert_the_site_says_what_status_says(lakehouse)
    assert_a_catalog_takes_it_once(lakehouse)


def assert_gold_traces_to_the_source(lakehouse: Lakehouse) -> None:
    target = str(lakehouse.folder / "lineage")
    paths = (
        "--profiles-dir",
        "profiles",
        "--target-path",
        target,
        "--log-path",
        str(lakehouse.folder / "logs"),
    )
    lakehouse.run("dbt", "docs", "generate", "--no-compile", *paths)
    lakehouse.run("dbt", "compile", "--full-refresh", *paths)
    checked = lakehouse.dm("lineage", "check", "--target", target)
    assert checked == {"ok": True, "unresolved": [], "holes": [], "changes": []}
    edges = json.loads(Path(target, "lineage.json").read_text())["edges"]
    parents: dict[str, set[str]] = {}
    for edge in edges:
        parents.setdefault(edge["to"], set()).add(edge["from"])
    gold = lakehouse.query(
        "select table_name, column_name from information_schema.columns where table_schema = 'gold'"
    )
    tables = [row for row in gold if not row["table_name"].endswith("_failures")]
    assert len(tables) > 30
    for row in tables:
        column = f"gold.{row['table_name']}.{row['column_name']}"
        assert any(name.startswith("source.public.") for name in ancestors(column, parents)), column


def assert_the_contracts_are_true_until_something_drifts(lakehouse: Lakehouse) -> None:
    drift = ("contract", "drift", "--manifest", str(lakehouse.folder / "lineage" / "manifest.json"))
    assert lakehouse.dm(*drift) == {"ok": True, "findings": []}
    glue = lakehouse.glue()
    table = glue.get_table(DatabaseName="bronze", Name="review")["Table"]
    wanted = {k: table[k] for k in ("Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")}
    planted = copy.deepcopy(wanted)
    [column] = [c for c in planted["StorageDescriptor"]["Columns"] if c["Name"] == "review_overall"]
    column["Type"] = "string"
    glue.update_table(DatabaseName="bronze", TableInput=planted)
    found = json.loads(lakehouse.run("dm", *drift, "--json", expect=1))["findings"]
    assert [(f["table"], f["column"], f["found"]) for f in found] == [
        ("bronze.review", "review_overall", "string")
    ]
    glue.update_table(DatabaseName="bronze", TableInput=wanted)


def assert_the_site_says_what_status_says(lakehouse: Lakehouse) -> None:
    site = lakehouse.folder / "site"
    build = ("--target", str(lakehouse.folder / "demo-target"), "--output", str(site))
    lakehouse.run(
        "dm", "docs", "build", *build, "--lineage", str(lakehouse.folder / "lineage" / "lineage.json")
    )
    refused = lakehouse.dm("quarantine", "list")
    for status in lakehouse.dm("status"):
        page = (site / "tables" / f"bronze.{status['table']}.html").read_text()
        figures = re.findall(r'data-figure="(\w+)" data-value="([^"]*)"', page)
        assert len(figures) == 7
        for name, shown in figures:
            assert shown == str(status[name]), f"{status['table']}.{name}"
        reasons = Counter(line["reason"] for line in refused if line["table"] == status["table"])
        assert dict(re.findall(r'data-reason="([^"]*)" data-value="(\d+)"', page)) == {
            reason: str(count) for reason, count in reasons.items()
        }
        late = any(words.startswith("freshness") for words in status["broken"])
        assert ("chip late" in page) == late
    assert_the_site_says_what_cost_says(lakehouse, site)
    assert "built and checked" in (site / "tables" / "gold.top_drinkers.html").read_text()


def assert_the_site_says_what_cost_says(lakehouse: Lakehouse, site: Path) -> None:
    shown = {
        name: tuple(map(float, figures))
        for page in site.glob("tables/*.html")
        for name, *figures in re.findall(
            r'data-cost="(\w+)" data-statements="(\d+)" data-bytes="(\d+)" data-seconds="([^"]+)" '
            r'data-dollars="([^"]+)"',
            page.read_text(),
        )
    }
    found = lakehouse.dm("cost", "show", "--target", str(lakehouse.folder / "demo-target"))["models"]
    assert shown == {
        one["model"]: (one["statements"], one["bytes"], one["seconds"], one["dollars"])
        for one in found
        if one["kind"] == "model"
    }
    assert len(shown) == 15


def assert_a_catalog_takes_it_once(lakehouse: Lakehouse) -> None:
    publish = (
        "catalog",
        "publish",
        "--target",
        str(lakehouse.folder / "demo-target"),
        "--lineage",
        str(lakehouse.folder / "lineage" / "lineage.json"),
        "--outbox",
        str(lakehouse.folder / "outbox.json"),
    )
    with CatalogServer() as server:
        first = lakehouse.dm(*publish, "--url", server.url)
        assert first["created"] == len(server.entities)
        assert first["results_added"] > 40
        tables = {fqn for key in server.entities for kind, _, fqn in [key.partition(":")] if kind == "table"}
        reached = {target for source, target in server.lineage() if target in tables}
        assert reached == tables, "every table has an edge into it"
        writes = len(server.writes())
        assert lakehouse.dm(*publish, "--url", server.url)["created"] == 0
        assert len(server.writes()) == writes


def ancestors(column: str, parents: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = [column]
    while ahead:
        more = parents.get(ahead.pop(), set()) - found
        found |= more
        ahead += more
    return found
