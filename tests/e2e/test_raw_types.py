"""CONTRIBUTING's recipe "change the type of a raw column, or drop one": in place, and by a replay."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from lakehouse import Lakehouse, Run

HEADER = "wine_id,votes,price\n"
BIG = 1 << 33


def retype(project: Path, run: Run, version: str, **types: str) -> None:
    """Set these types in the contracts and models; the folder `before` keeps the contracts as they were."""
    shutil.rmtree(project / "before", ignore_errors=True)
    shutil.copytree(project / "contracts", project / "before")
    path = project / "contracts/bronze/wine.yaml"
    contract = yaml.safe_load(path.read_text()) | {"version": version, "status": "active"}
    [raw] = contract["schema"]
    for described in (raw, *raw["properties"]):
        described["description"] = f"What the shop says of {described['name']}."
    for column in raw["properties"]:
        column["physicalType"] = types.get(column["name"], column["physicalType"])
    path.write_text(yaml.safe_dump(contract, sort_keys=False))
    run("dm", "contract", "new", "silver", "wine", "--replace")
    run("dm", "contract", "sync")


def judged(run: Run) -> dict[str, str]:
    """Return the gate's findings about the raw table's types: verdict -> message."""
    said = json.loads(run("dm", "contract", "gate", "--base", "before", "--head", "contracts", "--json"))
    found = [one for one in said["findings"] if one["table"] == "bronze.wine"]
    return {one["severity"]: one["message"] for one in found if "physicalType" in one["path"]}


def land(lakehouse: Lakehouse, run: Run, number: int, *rows: str, expect: int = 0) -> str:
    """Land an extract and ingest it; return the output of ingestion."""
    body = gzip.compress((HEADER + "".join(f"{row}\n" for row in rows)).encode())
    lakehouse.put(f"raw/wine/epoch=1/extract={number}/wines.csv.gz", body)
    return run("dm", "ingest", "run", "--until-idle", expect=expect)


def build(run: Run) -> None:
    run("dbt", "build", "--profiles-dir", "profiles", "--select", "wines_state+")


def types(lakehouse: Lakehouse, database: str, table: str) -> dict[str, str]:
    found = lakehouse.glue().get_table(DatabaseName=database, Name=table)["Table"]
    return {column["Name"]: column["Type"] for column in found["StorageDescriptor"]["Columns"]}


def wines(lakehouse: Lakehouse) -> list[tuple[Any, ...]]:
    rows = lakehouse.query("select wine_id, votes, price from silver.wines order by wine_id")
    return [(row["wine_id"], row["votes"], str(row["price"])) for row in rows]


@pytest.fixture
def history(lakehouse: Lakehouse, project: Path, run: Run) -> None:
    """Build a batch under narrow types."""
    sample = project / "wines.csv"
    sample.write_text(HEADER + "1,10,1.5\n")
    run("dm", "contract", "new", "bronze", "wine", "--from-file", str(sample))
    retype(project, run, "1.0.0", wine_id="int", votes="int", price="decimal(5,2)")
    land(lakehouse, run, 1, "1,10,1.50", "2,20,2.50")
    build(run)
    assert types(lakehouse, "silver", "wines_state")["votes"] == "int"


@pytest.mark.usefixtures("history")
def test_an_int_is_widened_from_raw_files_to_silver(lakehouse: Lakehouse, project: Path, run: Run) -> None:
    retype(project, run, "1.1.0", wine_id="bigint", votes="bigint")
    assert judged(run).keys() == {"compatible"}
    run("dm", "ingest", "run", "--until-idle")
    assert types(lakehouse, "bronze", "wine")["votes"] == "bigint"
    build(run)
    assert types(lakehouse, "silver", "wines_state")["votes"] == "bigint"
    land(lakehouse, run, 2, "1,11,1.50", f"{BIG},{BIG + 1},3.50")
    raw = lakehouse.query("select batch, votes from bronze.wine where votes <> 20 order by batch, votes")
    assert [tuple(row.values()) for row in raw] == [(1, 10), (2, 11), (2, BIG + 1)]
    build(run)
    assert types(lakehouse, "silver", "wines_state")["votes"] == "bigint"
    assert wines(lakehouse) == [(1, 11, "1.50"), (2, 20, "2.50"), (BIG, BIG + 1, "3.50")]
    assert json.loads(run("dm", "contract", "drift", "--json")) == {"ok": True, "findings": []}


@pytest.mark.usefixtures("history")
def test_another_type_stops_ingestion_until_the_table_is_replayed(
    lakehouse: Lakehouse, project: Path, run: Run
) -> None:
    retype(project, run, "2.0.0", price="decimal(9,2)")
    assert "Ingestion stops" in judged(run)["breaking"]
    said = land(lakehouse, run, 2, "3,30,99999.50", expect=1)
    assert "price decimal(5,2), which its contract has as decimal(9,2)" in said
    lakehouse.glue().delete_table(DatabaseName="bronze", Name="wine")
    run("dm", "ingest", "replay", "--table", "wine", "--from", "1", "--to", "1", "--reason", "Longer prices.")
    run("dm", "ingest", "run", "--until-idle")
    build(run)
    assert types(lakehouse, "silver", "wines_state")["price"] == "decimal(9,2)"
    assert wines(lakehouse) == [(1, 10, "1.50"), (2, 20, "2.50"), (3, 30, "99999.50")]
    assert json.loads(run("dm", "contract", "drift", "--json")) == {"ok": True, "findings": []}
