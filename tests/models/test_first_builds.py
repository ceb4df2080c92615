"""A first build asks for every column that a second one compares, so that a wrong model shows at once."""

from pathlib import Path

from bronze_lake import Lake
from small_project import create, run, write

GIVEN = "with given as (select cast(1 as bigint) as id, cast(2 as bigint) as things), "
COLUMNS = {"things": ("bigint", "things"), "late": ("bigint", "things * 2")}


def test_a_column_that_only_the_last_select_has_is_missed_in_the_first_build(
    lake: Lake, tmp_path: Path
) -> None:
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
