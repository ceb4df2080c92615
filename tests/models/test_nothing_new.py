"""A model without new batches stages nothing, and is still checked."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from bronze_lake import Lake
from small_project import create, run, write

NAMES = {"name": ("varchar", "cast(brewery_name as varchar)")}
NEW = (
    "\nfrom {{ source('bronze', 'brewery') }} where {{ new_batches() }}"
    "\n-- a comment at the end"
)  # fmt: skip
STAGES = "create table"


def brewery(number: int) -> dict[str, Any]:
    return {"brewery_id": number, "brewery_name": f"Brewery {number}", "_seq": f"{number:04d}", "_rev": 1}


def model(folder: Path, name: str, selected: str, more: str = "") -> None:
    write(folder, name, NAMES | {"name": ("varchar", selected)}, more=NEW + more)
    file = folder / f"models/{name}.sql"
    file.write_text(file.read_text().replace("cast(1 as bigint) as id", "cast(brewery_id as bigint) as id"))


@pytest.fixture(scope="module")
def house(lake: Lake) -> Lake:
    """Return an empty lake with one batch of breweries."""
    house = lake.emptied()
    house.publish("brewery", [brewery(1)])
    return house


@pytest.fixture(scope="module")
def project(house: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build once: two models that read the batch, and one that reads nothing."""
    folder = tmp_path_factory.mktemp("project")
    create(folder)
    source = {"name": "bronze", "schema": "bronze", "tables": [{"name": "brewery"}]}
    (folder / "models/sources.yml").write_text(yaml.safe_dump({"version": 2, "sources": [source]}))
    write(folder, "codes", {"code": ("varchar", "cast('a' as varchar)")})
    model(folder, "names", NAMES["name"][1])
    model(folder, "coded", NAMES["name"][1], "\n    and exists (select 1 from {{ ref('codes') }})")
    run(folder, house)
    return folder


def statements(house: Lake, model: str, since: datetime) -> list[str]:
    """Return the statements of a model since a moment, without their comments."""
    athena = house.client("athena")
    ids = athena.list_query_executions()["QueryExecutionIds"]
    found = athena.batch_get_query_execution(QueryExecutionIds=ids)["QueryExecutions"]
    return [
        one["Query"].partition("*/")[2].strip()
        for one in found
        if f".{model}\"" in one["Query"] and one["Status"]["SubmissionDateTime"] >= since
    ]  # fmt: skip


def test_a_model_without_new_batches_stages_nothing_unless_it_reads_more(house: Lake, project: Path) -> None:
    since = datetime.now(UTC)
    run(project, house)
    names, coded = (statements(house, one, since) for one in ("names", "coded"))
    assert len(names) == 2, names
    assert not any(one.startswith(STAGES) for one in names)
    assert any(one.startswith(STAGES) for one in coded), "codes may have changed"


@pytest.mark.parametrize(
    ("selected", "told"),
    [
        ("cast(brewery_id as bigint)", "| bigint |"),
        ("brewery_nom", "COLUMN_NOT_FOUND"),
    ],
)
def test_a_model_changed_for_the_worse_fails_even_without_new_batches(
    house: Lake, project: Path, selected: str, told: str
) -> None:
    model(project, "names", selected)
    try:
        assert told in run(project, house, expect=1)
    finally:
        model(project, "names", NAMES["name"][1])
    assert house.rows("select name from silver.names") == [{"name": "Brewery 1"}]


def test_a_new_batch_is_consumed_afterwards(house: Lake, project: Path) -> None:
    house.publish("brewery", [brewery(2)])
    run(project, house)
    assert house.rows("select count(*) as names from silver.names") == [{"names": 2}]
