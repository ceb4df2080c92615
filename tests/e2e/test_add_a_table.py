"""CONTRIBUTING's recipes "add a table" and "add a model", step by step, up to rows in gold."""

import gzip
import json
from pathlib import Path

import yaml
from lakehouse import Lakehouse, Run

WINES = """wine_id,wine_name,abv,bottled_on,maker_email,grapes,label
1,Riesling,11.5,2020-01-31,a@example.org,"[""white""]",QQ==
2,Merlot,,2021-02-28,b@example.org,[],Qg==
"""
# What the file cannot show: column -> what to add to its entry in the contract.
MENDED = {
    "bottled_on": {"primaryKey": True, "primaryKeyPosition": 2},
    "grapes": {"logicalType": "array", "physicalType": "array<string>"},
    "label": {"logicalType": "string", "physicalType": "binary"},
}

DAYS = """-- One row per day with wines that were bottled on it.
{{ config(unique_key=['bottled_on']) }}

with days as (
    select bottled_on, count(*) as wine_count
    from {{ ref('wines') }}
    group by bottled_on
),

changed as (
    {{ changed_groups('days', key=['bottled_on'], count='wine_count') }}
)

select
    cast(bottled_on as date) as bottled_on,
    cast(wine_count as bigint) as wine_count
from changed
"""


def mend(bronze: Path) -> None:
    """Correct the drafted contract: positions are LSNs, the key has two columns, and types."""
    contract = yaml.safe_load(bronze.read_text().replace("value: timestamp", "value: lsn"))
    for column in contract["schema"][0]["properties"]:
        column |= MENDED.get(column["name"], {})
    bronze.write_text(yaml.safe_dump(contract, sort_keys=False))


def change(operation: str, position: int, data: dict[str, object], **before: object) -> str:
    """Return a change record of a wine, with the changed columns' old values as `before`."""
    place = {"operation": operation, "stream-position": f"0/{position:X}"}
    record = {"data": data, "metadata": {"record-type": "data", **place}}
    return json.dumps(record | ({"before-image": before} if before else {}))


def test_the_recipes_lead_from_a_raw_file_to_gold_that_follows_changes(
    lakehouse: Lakehouse, project: Path, run: Run
) -> None:
    file = project / "wines.csv.gz"
    file.write_bytes(gzip.compress(WINES.encode()))
    run("dm", "contract", "new", "bronze", "wine", "--from-file", str(file))
    mend(project / "contracts/bronze/wine.yaml")
    run("dm", "contract", "new", "silver", "wine", "--replace")
    assert run("dm", "contract", "lint") == "2 contracts, 0 findings\n"
    run("dm", "contract", "sync")
    lakehouse.put("raw/wine/epoch=1/extract=1/wines.csv.gz", file.read_bytes())
    run("dm", "ingest", "run", "--until-idle")
    run("dbt", "build", "--profiles-dir", "profiles", "--select", "wines_state+")

    rows = lakehouse.query("select wine_id, wine_name, abv, maker_email from silver.wines order by wine_id")
    shown = [(row["wine_id"], row["wine_name"], row["abv"]) for row in rows]
    assert shown == [(1, "Riesling", 11.5), (2, "Merlot", None)]
    assert all("@" not in r["maker_email"] for r in rows), "silver shows a token, not the address"
    assert json.loads(run("dm", "contract", "drift", "--json")) == {"ok": True, "findings": []}
    replayed = json.loads(
        run("dm", "contract", "replay", "--contract", "contracts/bronze/wine.yaml", "--json")
    )
    assert (replayed["records"], replayed["quarantined"]) == (2, 0)

    (project / "models/gold").mkdir()
    (project / "models/gold/wine_days.sql").write_text(DAYS)
    run("dm", "contract", "new", "model", "wine_days")
    assert run("dm", "contract", "lint") == "3 contracts, 0 findings\n"
    run("dm", "contract", "sync")
    run("dbt", "build", "--profiles-dir", "profiles", "--select", "wine_days")

    merlot = {
        "wine_id": 2, "wine_name": "Merlot", "abv": None, "bottled_on": "2021-03-01",
        "maker_email": "b@example.org", "grapes": ["red"], "label": "Qg==",
    }  # fmt: skip
    changes = [
        change("delete", 16, {"wine_id": 1, "bottled_on": "2020-01-31"}),
        change("update", 17, merlot, bottled_on="2021-02-28"),
        change("insert", 18, merlot | {"wine_id": 3}),
        *(change("insert", 19, merlot | {"wine_id": 4, "grapes": [kind]}) for kind in ("red", "white")),
        change("insert", 20, merlot | {"bottled_on": "2022-03-31"}),
    ]
    lakehouse.put("raw/wine/changes.json.gz", gzip.compress("\n".join(changes).encode()))
    run("dm", "ingest", "run", "--until-idle")
    run("dbt", "build", "--profiles-dir", "profiles", "--select", "wines_state+")
    found = lakehouse.query("select cast(bottled_on as varchar) as day, wine_count from gold.wine_days")
    assert {row["day"]: row["wine_count"] for row in found} == {"2021-03-01": 3, "2022-03-31": 1}
    assert "differs" not in run("dm", "reconcile", "wines_state", "wine_days")
