"""Unit tests know the columns of the contract, even one that their table does not have yet."""

from pathlib import Path

import yaml
from bronze_lake import Lake
from small_project import create, run

MODEL = """
{{{{ config(unique_key='id') }}}}
with groups as (
    select cast(id as bigint) as id, cast(n as bigint) as n {more} from {{{{ ref('given') }}}}
),
changed as (
    {{{{ changed_groups('groups', key='id', count='n') }}}}
)
select cast(id as bigint) as id, cast(n as bigint) as n {more} from changed
"""
GIVEN = """
{{ config(materialized='view') }}
select cast(1 as bigint) as id, cast(3 as bigint) as n, 'x' as word
"""
UNIT_TEST = {
    "name": "only_what_differs_is_staged",
    "model": "groups",
    "overrides": {"macros": {"is_incremental": True}},
    "given": [
        {"input": "ref('given')", "rows": [{"id": 1, "n": 3}, {"id": 2, "n": 5}]},
        {"input": "this", "rows": [{"id": 1, "n": 3}, {"id": 2, "n": 4}]},
    ],
    "expect": {"rows": [{"id": 2, "n": 5}]},
}


def state(folder: Path, types: dict[str, str], *unit_tests: object) -> None:
    """Write the contracts of the view and of the table."""
    not_null = [{"type": "not_null", "warn_unsupported": False, "warn_unenforced": False}]
    columns = [{"name": name, "data_type": kind, "constraints": not_null} for name, kind in types.items()]
    nullable = [{**one, "constraints": not_null if one["name"] == "id" else []} for one in columns]
    view = [{"name": "id", "data_type": "bigint"}, {"name": "n", "data_type": "bigint"}]
    models = [
        {"name": "groups", "columns": nullable},
        {"name": "given", "columns": [*view, {"name": "word", "data_type": "string"}]},
    ]
    stated = {"version": 2, "models": models, "unit_tests": list(unit_tests)}
    (folder / "models/groups.yml").write_text(yaml.safe_dump(stated))
    more = ", cast(word as varchar) as word" if "word" in types else ""
    (folder / "models/groups.sql").write_text(MODEL.format(more=more))


def test_a_build_that_adds_a_column_passes_the_existing_unit_tests(lake: Lake, tmp_path: Path) -> None:
    create(tmp_path)
    (tmp_path / "models/given.sql").write_text(GIVEN)
    state(tmp_path, {"id": "bigint", "n": "bigint"}, UNIT_TEST)
    # There is no table yet, so only the contract knows its columns.
    assert "PASS groups::only_what_differs_is_staged" in run(tmp_path, lake, command="build")
    state(tmp_path, {"id": "bigint", "n": "bigint", "word": "string"}, UNIT_TEST)
    assert "PASS groups::only_what_differs_is_staged" in run(tmp_path, lake, command="build")
    assert lake.rows("select id, n, word from silver.groups") == [{"id": 1, "n": 3, "word": "x"}]
