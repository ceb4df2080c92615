"""A key may be a string or a list, of one or several columns, in every macro that compares with the table."""

from pathlib import Path

import pytest
import yaml
from bronze_lake import Lake
from small_project import create, run, write

# Model -> its key as configured, and the macro call that stages its changes.
CALLS = {
    "rows_of_two": (["id", "city"], "changed_rows('given', key=['id', 'city'])"),
    "rows_of_one": (["city"], "changed_rows('given', key=['city'])"),
    "groups_of_one": ("city", "changed_groups('given', key='city', count='things')"),
}


def deliver(folder: Path, *rows: str) -> None:
    """Write the same rows for each model, which stages what differs from its table."""
    for name, (key, call) in CALLS.items():
        columns = {"city": ("varchar", "city"), "things": ("bigint", "things")}
        write(folder, name, columns)
        (folder / f"models/{name}.sql").write_text(
            "with given as (\n"
            "    select cast(id as bigint) as id, city, cast(things as bigint) as things\n"
            f"    from (values {', '.join(rows)}) as t (id, city, things)\n"
            f"), changed as ({{{{ {call} }}}})\n"
            "select id, city, things from changed\n"
        )
        file = folder / f"models/{name}.yml"
        stated = yaml.safe_load(file.read_text())
        stated["models"][0]["config"] = {"unique_key": key}
        file.write_text(yaml.safe_dump(stated))


@pytest.fixture(scope="module")
def built(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Build twice: in the second delivery one row has changed and one is new."""
    folder = tmp_path_factory.mktemp("project")
    create(folder)
    deliver(folder, "(1, 'Bern', 1)", "(1, 'Graz', 2)")
    run(folder, lake)
    deliver(folder, "(1, 'Bern', 1)", "(1, 'Graz', 3)", "(1, 'Linz', 4)")
    run(folder, lake)
    return lake


@pytest.mark.parametrize("name", CALLS)
def test_the_second_build_merges_changes_by_key(built: Lake, name: str) -> None:
    rows = built.rows(f"select id, city, things from silver.{name} order by city")
    assert [(row["city"], row["things"]) for row in rows] == [("Bern", 1), ("Graz", 3), ("Linz", 4)]
