"""CONTRIBUTING's recipe "add a table", step by step, up to rows in silver."""

import gzip
import json
import subprocess
from pathlib import Path

import pytest
from lakehouse import BIN, ROOT, Lakehouse

WINES = """wine_id,wine_name,abv,bottled_on,maker_email
1,Riesling,11.5,2020-01-31,a@example.org
2,Merlot,,2021-02-28,b@example.org
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A dbt project with the macros and profiles of this one, and no table yet."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("macros", "profiles", "dbt_project.yml"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def test_the_recipe_leads_from_a_raw_file_to_rows_in_silver(lakehouse: Lakehouse, project: Path) -> None:
    def run(*command: str, expect: int = 0) -> str:
        environment = lakehouse.env | {"DM_CONTRACTS": "contracts"}
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=project, env=environment, capture_output=True, text=True, timeout=500,
        )  # fmt: skip
        assert done.returncode == expect, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    file = project / "wines.csv.gz"
    file.write_bytes(gzip.compress(WINES.encode()))
    run("dm", "contract", "new", "bronze", "wine", "--from-file", str(file))
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
