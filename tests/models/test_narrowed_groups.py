"""Values narrowed by the last select are compared as stored; else each build would rewrite every group."""

from pathlib import Path

import yaml
from bronze_lake import Lake
from small_project import create, run

MODEL = """
{{ config(unique_key='id') }}
with means as (
    select
        cast(1 as bigint) as id,
        cast(3 as bigint) as n,
        0.123456 as mean,
        timestamp '2024-01-01 10:00:00' as day
),
changed as (
    {{ changed_groups('means', key='id', count='n') }}
)
select
    cast(id as bigint) as id,
    cast(n as bigint) as n,
    cast(mean as decimal(6, 4)) as mean,
    cast(day as date) as day
from changed
"""
TYPES = {"id": "bigint", "n": "bigint", "mean": "decimal(6,4)", "day": "date"}
UNIT_TEST = {
    "name": "a_mean_has_four_digits",
    "model": "means",
    "given": [],
    "expect": {"rows": [{"id": 1, "n": 3, "mean": 0.1235, "day": "2024-01-01"}]},
}


def test_a_group_that_differs_only_by_narrowing_is_not_rewritten(lake: Lake, tmp_path: Path) -> None:
    create(tmp_path)
    (tmp_path / "models/means.sql").write_text(MODEL)
    not_null = [{"type": "not_null", "warn_unsupported": False, "warn_unenforced": False}]
    columns = [{"name": name, "data_type": kind, "constraints": not_null} for name, kind in TYPES.items()]
    stated = {"version": 2, "models": [{"name": "means", "columns": columns}], "unit_tests": [UNIT_TEST]}
    (tmp_path / "models/means.yml").write_text(yaml.safe_dump(stated))
    run(tmp_path, lake)
    written = lake.rows('select snapshot_id from silver."means$snapshots"')
    # The table exists now, and the unit test gives no rows of it.
    assert "PASS means::a_mean_has_four_digits" in run(tmp_path, lake, command="build")
    assert lake.rows('select snapshot_id from silver."means$snapshots"') == written
