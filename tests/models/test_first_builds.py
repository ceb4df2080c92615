"""A first build asks for every column that a second one compares, and of two at once only one continues."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bronze_lake import Lake, clean_environment, dbt, local_cloud
from small_project import create, run, write

GIVEN = "with given as (select cast(1 as bigint) as id, cast(2 as bigint) as things), "
COLUMNS = {"things": ("bigint", "things"), "late": ("bigint", "things * 2")}


def test_a_column_computed_only_in_the_last_select_fails_the_first_build(lake: Lake, tmp_path: Path) -> None:
    create(tmp_path)
    called = {
        "rows_of": "changed_rows('given', key='id')",
        "groups_of": "changed_groups('given', key=['id'], count='things')",
    }
    for name, call in called.items():
        write(tmp_path, name, COLUMNS)
        model = tmp_path / f"models/{name}.sql"
        last = model.read_text().replace("cast(1 as bigint) as id", "id")
        model.write_text(f"{GIVEN} changed as ({{{{ {call} }}}})\n{last} from changed\n")
    told = run(tmp_path, lake, expect=1)
    assert told.count("Column 'fresh.late' cannot be resolved") == 1
    assert told.count("Column 'late' cannot be resolved") == 1


def test_of_two_concurrent_first_builds_one_continues_and_the_other_is_refused(tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    # Not those of the eight bronze tables.
    on = list(range(9, 50))
    faults.write_text(f'[[fault]]\ndo = "delay"\ncall = "glue:CreateTable"\non = {on}\nseconds = 2\n')
    cloud = tmp_path / "cloud"
    up = ("up", "--port", "0", "--bucket", "lake", "--faults", str(faults), "--json")
    lake = Lake(tmp_path, json.loads(local_cloud(*up, folder=cloud))["endpoint"])

    def build(who: str, *command: str) -> tuple[int, str]:
        env = clean_environment() | {"AWS_ENDPOINT_URL": lake.endpoint}
        done = dbt(tmp_path / who, *command, env=env)
        return done.returncode, done.stdout

    def both(*command: str) -> list[tuple[int, str]]:
        with ThreadPoolExecutor(2) as pool:
            return sorted(pool.map(lambda who: build(who, *command), ["one", "other"]))

    try:
        lake.create_bronze()
        both("parse")  # so that the builds begin at the same moment, each in a process that is ready
        (went, _), (stopped, told) = both("run", "--select", "breweries_state")
        assert (went, stopped) == (0, 2), told
        assert "Another build is at work on these tables" in told
        assert lake.rows("select holder from ops.lease") == [{"holder": ""}]
    finally:
        local_cloud("reset", folder=cloud)
