"""An incremental model without our macros, as in dbt's documentation, is recomputed and compared, too."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from bronze_lake import Lake
from small_project import create, run, write

FILTERED = """
from {{ source('bronze', 'brewery') }}
{% if is_incremental() %}
where brewery_id > (select max(id) from {{ this }})
{% endif %}
"""
COMPARE = ("--vars", "reconcile: true")


def brewery(number: int) -> dict[str, Any]:
    return {"brewery_id": number, "brewery_name": f"Brewery {number}", "_seq": f"{number:04d}", "_rev": 1}


def plain(folder: Path, name: str) -> None:
    """Write a model that reads only the rows after the last one that it has."""
    write(folder, "names", {"name": ("varchar", f"cast({name} as varchar)")}, more=FILTERED)
    file = folder / "models/names.sql"
    file.write_text(file.read_text().replace("cast(1 as bigint) as id", "cast(brewery_id as bigint) as id"))
    stated = yaml.safe_load((folder / "models/names.yml").read_text())
    quiet = {"warn_unsupported": False, "warn_unenforced": False}
    stated["models"][0]["constraints"] = [{"type": "primary_key", "columns": ["id"], **quiet}]
    (folder / "models/names.yml").write_text(yaml.safe_dump(stated))


def names(lake: Lake) -> list[str]:
    return [row["name"] for row in lake.rows("select name from silver.names order by id")]


@pytest.fixture
def built(lake: Lake, tmp_path: Path) -> Lake:
    """Build a model of two breweries, the second of which came in a build of its own."""
    house = lake.emptied()
    create(tmp_path)
    source = {"name": "bronze", "schema": "bronze", "tables": [{"name": "brewery"}]}
    (tmp_path / "models/sources.yml").write_text(yaml.safe_dump({"version": 2, "sources": [source]}))
    plain(tmp_path, "brewery_name")
    for number in (1, 2):
        house.publish("brewery", [brewery(number)])
        run(tmp_path, house)
    assert names(house) == ["Brewery 1", "Brewery 2"]
    return house


def test_a_changed_query_and_a_rebuild_ignore_its_filter(built: Lake, tmp_path: Path) -> None:
    plain(tmp_path, "upper(brewery_name)")
    assert "computed anew" in run(tmp_path, built)
    assert names(built) == ["BREWERY 1", "BREWERY 2"]
    built.rows("update silver.names set name = 'wrong' where id = 1")
    run(tmp_path, built)
    assert names(built) == ["wrong", "BREWERY 2"], "what the filter leaves out is not read"
    run(tmp_path, built, more=("--vars", "rebuild: true"))
    assert names(built) == ["BREWERY 1", "BREWERY 2"]


def test_a_comparison_finds_each_row_that_differs(built: Lake, tmp_path: Path) -> None:
    run(tmp_path, built, more=COMPARE)
    built.rows("update silver.names set name = 'wrong' where id = 1")
    built.rows("insert into silver.names values (7, 'more')")
    told = run(tmp_path, built, more=COMPARE, expect=1)
    assert "is not what a full recompute gives: 2 rows differ, such as id 1, 7" in told
    assert names(built) == ["wrong", "Brewery 2", "more"]
