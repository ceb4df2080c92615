"""A model that merges by columns other than its contract's key is stopped before it overwrites rows."""

from pathlib import Path

import pytest
import yaml
from bronze_lake import Lake
from small_project import create, run, write

PRICES = {"city": ("varchar", "city"), "price": ("bigint", "cast(price as bigint)")}


def prices(folder: Path, unique_key: str | list[str], *rows: str) -> None:
    """Write a model of prices by id and city that merges by `unique_key`."""
    write(folder, "prices", PRICES, f" from (values {', '.join(rows)}) as given (city, price)")
    file = folder / "models/prices.yml"
    stated = yaml.safe_load(file.read_text())
    [model] = stated["models"]
    model["config"] = {"unique_key": unique_key}
    quiet = {"warn_unsupported": False, "warn_unenforced": False}
    model["constraints"] = [{"type": "primary_key", "columns": ["id", "city"], **quiet}]
    file.write_text(yaml.safe_dump(stated))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    create(tmp_path)
    return tmp_path


def test_a_merge_by_another_key_is_refused_and_readers_keep_their_rows(lake: Lake, project: Path) -> None:
    prices(project, ["city", "id"], "('Bern', 1)", "('Graz', 2)")
    run(project, lake)
    kept = lake.rows("select * from silver.prices order by city")
    assert [(row["city"], row["price"]) for row in kept] == [("Bern", 1), ("Graz", 2)]

    for unique_key, named in (("id", "id"), (["id", "price"], "id, price")):
        prices(project, unique_key, "('Bern', 3)")
        told = run(project, lake, expect=1)
        assert f"merges by {named}, but the key of its contract is id, city; nothing was published" in told
        assert lake.rows("select * from silver.prices order by city") == kept
