"""A contract gives a column another type: the table follows, or the model stops before it stages anything."""

from pathlib import Path

import pytest
from bronze_lake import Lake
from small_project import create, run, write

# Column -> its type and its expression, in a first build and in a second one.
WIDER = {
    "whole": (("int", "7"), ("bigint", "cast(8589934592 as bigint)")),
    "real": (("float", "cast(0.5 as real)"), ("double", "cast(1e300 as double)")),
    "fee": (("decimal(3,2)", "cast(1.25 as decimal(3,2))"), ("decimal(5,2)", "cast(999.25 as decimal(5,2))")),
    "label": (("varchar(3)", "cast('abc' as varchar(3))"), ("varchar(9)", "cast('abcdef' as varchar(9))")),
}  # fmt: skip
OTHER = {
    "narrower": ("bigint", "int", "1"),
    "scaled": ("decimal(6,2)", "decimal(6,4)", "1.5"),
    "fewer": ("decimal(6,2)", "decimal(5,2)", "1.5"),
    "exact": ("double", "decimal(6,2)", "1.5"),
    "text": ("bigint", "varchar", "1"),
}
SHOWN = {"varchar": "string"}


@pytest.fixture(scope="module")
def project(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build models, then change the types in their contracts and queries."""
    folder = tmp_path_factory.mktemp("project")
    create(folder)
    write(folder, "wider", {column: before for column, (before, _) in WIDER.items()})
    for name, (before, _, value) in OTHER.items():
        write(folder, name, {"value": (before, f"cast({value} as {before})")})
    run(folder, lake)
    write(folder, "wider", {column: after for column, (_, after) in WIDER.items()})
    for name, (_, after, value) in OTHER.items():
        write(folder, name, {"value": (after, f"cast({value} as {after})")})
    return folder


@pytest.fixture(scope="module")
def output(lake: Lake, project: Path) -> str:
    """Return dbt's output of the second build."""
    return run(project, lake, expect=1)


def types(lake: Lake, table: str) -> dict[str, str]:
    found = lake.client("glue").get_table(DatabaseName="silver", Name=table)["Table"]
    return {column["Name"]: column["Type"] for column in found["StorageDescriptor"]["Columns"]}


def test_a_wider_type_widens_the_table_and_takes_larger_values(lake: Lake, output: str) -> None:
    expected = {"id": "bigint", "whole": "bigint", "real": "double", "fee": "decimal(5,2)"}
    assert types(lake, "wider") == expected | {"label": "string"}
    [row] = lake.rows("select whole, real, cast(fee as varchar) as fee, label from silver.wider")
    assert row == {"whole": 8589934592, "real": 1e300, "fee": "999.25", "label": "abcdef"}


@pytest.mark.parametrize("name", OTHER)
def test_any_other_type_is_refused_and_the_table_stays_as_it_was(lake: Lake, output: str, name: str) -> None:
    before, after, _ = OTHER[name]
    assert f"| value | {before} | {SHOWN.get(after, after)} |" in output
    assert types(lake, name) == {"id": "bigint", "value": before}
    assert len(lake.rows(f"select * from silver.{name}")) == 1
